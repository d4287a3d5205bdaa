import type { IncomingMessage } from 'node:http';
import { cookiePairs } from 'curfew-client/protocol';
import type { FastifyRequest } from 'fastify';
import { siteOf } from './site.ts';

/** How many cookies of one name are tried: each may cost a read of the store. */
const mostOfAName = 8;

/**
 * Every distinct value that a browser sends for a name, in its order, without empty ones. There can be several: a
 * cookie of the same name on a parent domain is sent too, and the server cannot choose which comes first.
 */
export function cookiesNamed({ headers }: Pick<IncomingMessage, 'headers'>, name: string): string[] {
  const values = cookiePairs(headers.cookie ?? '')
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => decoded(pair.slice(name.length + 1)));
  return [...new Set(values)].filter((value) => value !== '').slice(0, mostOfAName);
}

function decoded(value: string): string {
  const bare = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  try {
    return decodeURIComponent(bare);
  } catch {
    return bare;
  }
}

/**
 * Whether the browser uses TLS, even if a proxy does not. A proxy that is not trusted about addresses is trusted here:
 * at worst, a client that lies gets a cookie that its own browser does not send back.
 */
export function browserHasTls(request: FastifyRequest): boolean {
  if (request.protocol === 'https') return true;
  const { 'x-forwarded-proto': proto, forwarded, origin } = request.headers;
  // The first of several values was set by the proxy that the browser is connected to.
  if (/^\s*https\s*(?:,|$)/i.test(String(proto ?? ''))) return true;
  if (/(?:^|[;,\s])proto="?https"?(?:$|[;,\s])/i.test(forwarded ?? '')) return true;
  return origin?.startsWith('https://') === true && siteOf(request) === 'ours';
}
