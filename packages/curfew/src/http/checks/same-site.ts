import type { FastifyRequest } from 'fastify';
import { CurfewError, type ErrorCode } from '../../errors.ts';
import { siteOf } from '../site.ts';
import { sentByCookie } from './authenticate.ts';

export const sameSiteErrors: readonly ErrorCode[] = ['cross_site_refused'];

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/**
 * A browser sends its cookie with requests that other sites make it send. So a request that changes something by the
 * cookie must come from our own pages: browsers say where it comes from in `Sec-Fetch-Site`, older ones in `Origin`,
 * and neither can be set by a script. A request with neither header does not come from a browser that we support, and needs no cookie.
 */
export function sameSite(request: FastifyRequest): void {
  if (safeMethods.includes(request.method) || !sentByCookie(request)) return;
  if (siteOf(request) === 'ours') return;
  throw crossSite(request);
}

/** The refusal, with what the browser and the proxies said. */
export function crossSite(request: FastifyRequest): CurfewError {
  const { 'sec-fetch-site': site, origin } = request.headers;
  return new CurfewError('cross_site_refused', {
    detail:
      `Sec-Fetch-Site is ${site ?? 'absent'}, Origin is ${origin ?? 'absent'}, and the request is for the host ` +
      `${request.host || 'that it does not name'}.`,
  });
}
