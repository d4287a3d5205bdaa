import type { FastifyRequest } from 'fastify';
import { CurfewError, type ErrorCode } from '../../errors.ts';
import { sessionCookie } from './authenticate.ts';

export const sameSiteErrors: readonly ErrorCode[] = ['cross_site_refused'];

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/**
 * A browser sends its cookie with requests that other sites make it send. So a request that changes something by the
 * cookie must come from our own pages: browsers say where it comes from in `Sec-Fetch-Site`, older ones in `Origin`,
 * and neither can be set by a script. A request that says neither is no browser's of ours and needs no cookie.
 */
export function sameSite(request: FastifyRequest): void {
  if (safeMethods.includes(request.method)) return;
  if (request.headers.authorization !== undefined || request.cookies[sessionCookie] === undefined) return;
  if (siteOf(request) === 'ours') return;
  const site = request.headers['sec-fetch-site'];
  throw new CurfewError('cross_site_refused', {
    detail: `Sec-Fetch-Site is ${site ?? 'absent'}, Origin is ${request.headers.origin ?? 'absent'}.`,
  });
}

/** Where a browser says that a request comes from; `unsaid` is a program that is none, or a very old one. */
export function siteOf({ headers }: FastifyRequest): 'ours' | 'another' | 'unsaid' {
  const { 'sec-fetch-site': site, origin, host } = headers;
  if (site !== undefined) return site === 'same-origin' ? 'ours' : 'another';
  if (origin === undefined) return 'unsaid';
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host ? 'ours' : 'another';
}
