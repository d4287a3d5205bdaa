import type { FastifyRequest } from 'fastify';

/** Where a browser says that a request comes from; `unsaid` is a program that is none, or a very old one. */
export function siteOf(request: FastifyRequest): 'ours' | 'another' | 'unsaid' {
  const { 'sec-fetch-site': site, origin } = request.headers;
  if (site !== undefined) return site === 'same-origin' ? 'ours' : 'another';
  if (origin === undefined) return 'unsaid';
  return isOrigin(origin, request.host) ? 'ours' : 'another';
}

/**
 * Whether a page of an origin is one of a host: the one that the browser asked for, which a trusted proxy that puts
 * its own into `Host` says in `X-Forwarded-Host`. The port that a scheme has anyway may be named or not.
 */
function isOrigin(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: page } = new URL(origin);
  return page !== '' && URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === page;
}
