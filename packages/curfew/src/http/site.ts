import { type Site, siteOfSender } from 'curfew-client/protocol';
import type { FastifyRequest } from 'fastify';

/**
 * Where a request comes from. The host is the one that the browser asked for: a trusted proxy that changes `Host` gives
 * it in `X-Forwarded-Host`.
 */
export function siteOf(request: FastifyRequest): Site {
  const { 'sec-fetch-site': site, origin } = request.headers;
  return siteOfSender({ site, origin, host: () => request.host });
}
