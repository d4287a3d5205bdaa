import type { FastifyRequest } from 'fastify';
import { CurfewError, type ErrorCode } from '../../errors.ts';
import { siteOf } from '../site.ts';
import { sentByCookie } from './authenticate.ts';

export const sameSiteErrors: readonly ErrorCode[] = ['cross_site_refused'];

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/**
 * A browser sends its cookie with requests that other sites make it send. So a request that changes something and is
 * authenticated by the cookie must come from our own pages: browsers say where it comes from in `Sec-Fetch-Site`, older
 * ones in `Origin`, and no script can set either. A request with neither header does not come from a supported browser.
 */
export function sameSite(request: FastifyRequest): void {
  if (safeMethods.includes(request.method) || !sentByCookie(request)) return;
  if (siteOf(request) === 'ours') return;
  throw crossSite(request);
}

/** The error, with what the browser and the proxies sent. */
export function crossSite(request: FastifyRequest): CurfewError {
  const { 'sec-fetch-site': site, origin } = request.headers;
  return new CurfewError('cross_site_refused', {
    detail:
      `Sec-Fetch-Site is ${site ?? 'absent'}, Origin is ${origin ?? 'absent'}, and the host of the request is ` +
      `${request.host || 'absent'}.`,
  });
}
