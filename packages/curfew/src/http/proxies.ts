import type { FastifyRequest } from 'fastify';

/** By which proxies say whom they speak for. */
const forwardedHeaders = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded'] as const;
/** Peers that are warned of, each once: whoever reaches the server can send such a header. */
const mostPeers = 10;

/**
 * Looks out for proxies that are not believed, and says once of each what to set: without it every client has the
 * proxy's address, so that limits and lists are of the proxy, and no word about TLS or the host counts.
 */
export function watchProxies(
  trustProxy: unknown,
  warn: (text: string) => void,
): (request: Pick<FastifyRequest, 'headers' | 'ips' | 'socket'>) => void {
  const told = new Set<string>();
  return ({ headers, ips, socket }) => {
    if (told.size === mostPeers) return;
    const header = forwardedHeaders.find((name) => headers[name] !== undefined);
    if (header === undefined || (trustProxy && believed(headers, ips))) return;
    const peer = socket.remoteAddress ?? 'an unknown address';
    if (told.has(peer)) return;
    told.add(peer);
    warn(
      `CURFEW_TRUST_PROXY does not name ${peer}, which sends ${header}: it is not believed, so everybody behind it has ` +
        'its address, and shares its limits. Name it there if it is your proxy; if not, nothing is wrong.',
    );
  };
}

/** Only of a peer that names clients can be told whether it is believed: then there are more addresses than its own. */
function believed(headers: FastifyRequest['headers'], ips: FastifyRequest['ips']): boolean {
  return headers['x-forwarded-for'] === undefined || (ips?.length ?? 0) > 1;
}
