import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { normalAddress } from '../domain/address.ts';

/** Which proxies are believed when they say whom they speak for: all, none, the nearest so many, or these addresses. */
export type Proxies = boolean | number | readonly string[];

/** Names for ranges of addresses, as Express has them. */
const ranges: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};
/** Proxies that may stand one behind the other. */
const mostHops = 32;

/** @throws a plain `Error` whose message says what the text must be */
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

/** Whether the sender of a request, or the proxy so many before it, is believed. */
export function trustOf(proxies: Proxies): (address: string, hop: number) => boolean {
  if (typeof proxies === 'boolean') return () => proxies;
  if (typeof proxies === 'number') return (_address, hop) => hop < proxies;
  const list = listOf(proxies);
  return (address) => {
    const normal = normalAddress(address);
    return normal !== undefined && list.check(normal, familyOf(normal));
  };
}

function listOf(parts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const part of parts) for (const range of ranges[part] ?? [part]) addRange(list, range);
  return list;
}

function addRange(list: BlockList, text: string): void {
  const [address = '', bits, ...more] = text.split('/');
  // Of an address that is written as IPv6 but is an IPv4 one, the bits would count from elsewhere.
  const normal = bits === undefined ? normalAddress(address) : isIP(address) === 0 ? undefined : address;
  const family = normal === undefined ? undefined : familyOf(normal);
  const most = family === 'ipv4' ? 32 : 128;
  const fine = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  if (normal === undefined || family === undefined || !fine || more.length > 0) {
    throw new Error(
      `must be true, false, a number of proxies, or addresses and ranges such as 10.0.0.7, 10.0.0.0/8 or ` +
        `${Object.keys(ranges).join(', ')}, with commas between; ${JSON.stringify(text)} is none of these, and names of hosts are not looked up`,
    );
  }
  if (bits === undefined) list.addAddress(normal, family);
  else list.addSubnet(normal, Number(bits), family);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

/**
 * The address that a request comes from, in its one form: as far away as the proxies are believed. Where one of them
 * says something that is no address (`unknown`, for instance), it is the last one that is.
 */
export function clientAddress({ headers, socket }: IncomingMessage, trusted: ReturnType<typeof trustOf>): string {
  const { remoteAddress = '' } = socket;
  const named = String(headers['x-forwarded-for'] ?? '').split(',');
  let sender = remoteAddress;
  let client = normalAddress(remoteAddress) ?? remoteAddress;
  // The nearest proxy has added whom it speaks for at the end.
  for (let hop = 0; named.length > 0 && trusted(sender, hop); hop++) {
    sender = named.pop()!.trim();
    client = normalAddress(sender) ?? client;
  }
  return client;
}

/** By which proxies say whom they speak for, and how they were asked. */
const forwarding = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded', 'x-real-ip'] as const;
/** How many requests in a row must show the same. */
const enough = 20;

/**
 * Notices that a proxy stands before the server and is not believed: one address sends request after request that it
 * says to be somebody else's. Then everybody counts as that one, in limits, lists and the log. Says so once.
 */
export function watchForProxy(trusted: (address: string, hop: number) => boolean, warn: (text: string) => void) {
  let last: string | undefined;
  let count = 0;
  let told = false;
  return ({ headers, socket }: FastifyRequest): void => {
    if (told || forwarding.every((name) => headers[name] === undefined)) return;
    const peer = normalAddress(socket.remoteAddress ?? '');
    if (peer === undefined || trusted(peer, 0)) return;
    count = peer === last ? count + 1 : 1;
    last = peer;
    if (count < enough) return;
    told = true;
    warn(
      `CURFEW_TRUST_PROXY: everybody seems to come from ${peer}, which says that it speaks for others and is not believed: ` +
        `limits, lists and the log know only that address, and cookies are not marked as secure. If it is your proxy, set CURFEW_TRUST_PROXY=${peer}.`,
    );
  };
}
