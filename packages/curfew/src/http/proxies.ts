import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { normalAddress } from '../domain/address.ts';

/** Which proxies are trusted to name the client: all, none, the nearest few (a number), or these addresses. */
export type Proxies = boolean | number | readonly string[];

/** Names for ranges of addresses, the same as in Express. */
const ranges: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};
/** The largest number of proxies in a row. */
const mostHops = 32;
/** How many addresses are remembered with whether they are trusted, and the longest of them. */
const [mostKnown, longestKnown] = [1000, 64];

/** @throws a plain `Error`; its message is what the text must be */
export function parseProxies(text: string): Proxies {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^\d+$/.test(text)) {
    const hops = Number(text);
    if (hops <= mostHops) return hops === 0 ? false : hops;
    throw new Error(`must be at most ${mostHops} proxies`);
  }
  const parts = text.split(',').map((part) => part.trim());
  listOf(parts);
  return parts;
}

/** Whether an address is trusted: the request's sender (`hop` 0), or the proxy `hop` steps before it. */
export function trustOf(proxies: Proxies): (address: string, hop: number) => boolean {
  if (typeof proxies === 'boolean') return () => proxies;
  if (typeof proxies === 'number') return (_address, hop) => hop < proxies;
  const list = listOf(proxies);
  // The same few proxies send every request, and a look into the list costs more than the rest of the rule.
  const known = new Map<string, boolean>();
  return (address) => {
    const remembered = known.get(address);
    if (remembered !== undefined) return remembered;
    const normal = normalAddress(address);
    const isTrusted = normal !== undefined && list.check(normal, familyOf(normal));
    if (known.size >= mostKnown) known.clear();
    if (address.length <= longestKnown) known.set(address, isTrusted);
    return isTrusted;
  };
}

function listOf(parts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const part of parts) for (const range of ranges[part] ?? [part]) addRange(list, range);
  return list;
}

function addRange(list: BlockList, text: string): void {
  const [address = '', bits, ...more] = text.split('/');
  // With a prefix length, an IPv4 address written as IPv6 is not converted: its bits count differently.
  const normal = bits === undefined ? normalAddress(address) : isIP(address) === 0 ? undefined : address;
  const family = normal === undefined ? undefined : familyOf(normal);
  const most = family === 'ipv4' ? 32 : 128;
  const fine = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  if (normal === undefined || family === undefined || !fine || more.length > 0) {
    throw new Error(
      `must be true, false, a number of proxies, or addresses and ranges such as 10.0.0.7, 10.0.0.0/8 or ` +
        `${Object.keys(ranges).join(', ')}, separated by commas; ${JSON.stringify(text)} is none of these, and host names are not looked up`,
    );
  }
  if (bits === undefined) list.addAddress(normal, family);
  else list.addSubnet(normal, Number(bits), family);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

/**
 * The address that a request comes from, in canonical form: the farthest one that trusted proxies name. Anything that
 * is not an address (`unknown`, for instance) is skipped.
 */
export function clientAddress({ headers, socket }: IncomingMessage, trusted: ReturnType<typeof trustOf>): string {
  const { remoteAddress = '' } = socket;
  const named = String(headers['x-forwarded-for'] ?? '').split(',');
  let sender = remoteAddress;
  let client = normalAddress(remoteAddress) ?? remoteAddress;
  // The nearest proxy has appended the address of its own client.
  for (let hop = 0; named.length > 0 && trusted(sender, hop); hop++) {
    sender = named.pop()!.trim();
    client = normalAddress(sender) ?? client;
  }
  return client;
}

/** The headers in which proxies name their client and how it sent the request. */
const forwarding = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded', 'x-real-ip'] as const;
/** How many requests in a row must come from the same address. */
const enough = 20;

/**
 * Warns once if a proxy in front of the server is not trusted: one address sends request after request on behalf of
 * others. Then all clients count as that address in limits, lists and the log.
 */
export function watchForProxy(trusted: (address: string, hop: number) => boolean, warn: (text: string) => void) {
  let last: string | undefined;
  let count = 0;
  let told = false;
  return ({ headers, socket }: IncomingMessage): void => {
    if (told || forwarding.every((name) => headers[name] === undefined)) return;
    const peer = normalAddress(socket.remoteAddress ?? '');
    if (peer === undefined || trusted(peer, 0)) return;
    count = peer === last ? count + 1 : 1;
    last = peer;
    if (count < enough) return;
    told = true;
    warn(
      `CURFEW_TRUST_PROXY: all clients seem to come from ${peer}, which claims to forward requests but is not trusted: ` +
        `limits, lists and the log know only that address, and cookies are not marked as secure. If it is your proxy, set CURFEW_TRUST_PROXY=${peer}.`,
    );
  };
}
