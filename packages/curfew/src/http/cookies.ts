import type { FastifyRequest } from 'fastify';
import { siteOf } from './site.ts';

/** Cookies of one name that are looked at: each may cost a read of the store. */
const mostOfAName = 8;

/**
 * Every value that a browser sends for a name, in its order, each once; an empty one is none. There can be several: a
 * cookie of the same name on a parent domain comes along, and which of them is first is not for the server to choose.
 */
export function cookiesNamed({ headers }: FastifyRequest, name: string): string[] {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const values = pairs
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
 * Whether the browser speaks TLS, whatever speaks it to this server. A proxy that is not believed about addresses is
 * believed here: at worst, whoever lies about it gets a cookie that their own browser does not send back.
 */
export function browserHasTls(request: FastifyRequest): boolean {
  if (request.protocol === 'https') return true;
  const { 'x-forwarded-proto': proto, forwarded, origin } = request.headers;
  // The first of several is what the browser’s own proxy said.
  if (/^\s*https\s*(?:,|$)/i.test(String(proto ?? ''))) return true;
  if (/(?:^|[;,\s])proto="?https"?(?:$|[;,\s])/i.test(forwarded ?? '')) return true;
  return origin?.startsWith('https://') === true && siteOf(request) === 'ours';
}
