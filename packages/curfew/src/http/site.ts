import type { FastifyRequest } from 'fastify';

/** Where a browser says a request comes from; `unsaid`: another program, or a very old browser. */
export function siteOf(request: FastifyRequest): 'ours' | 'another' | 'unsaid' {
  const { 'sec-fetch-site': site, origin } = request.headers;
  if (site !== undefined) return site === 'same-origin' ? 'ours' : 'another';
  if (origin === undefined) return 'unsaid';
  return isOrigin(origin, request.host) ? 'ours' : 'another';
}

/**
 * Whether an origin belongs to a host: the one that the browser asked for (a trusted proxy that changes `Host` gives it
 * in `X-Forwarded-Host`). A scheme's default port may be given or left out.
 */
function isOrigin(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: page } = new URL(origin);
  return page !== '' && URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === page;
}
