import { isIP, SocketAddress } from 'node:net';

/*
 * Every address has one canonical form, however it was written: IPv4 in plain form, although a socket for both kinds
 * gives it as `::ffff:192.0.2.1`; IPv6 as in RFC 5952; and without a port, which some proxies append, or a zone, which
 * means nothing to another machine. All that is compared, stored, searched for or counted is in this form.
 */

/** An address in canonical form; `undefined` if the text is not an address. */
export function normalAddress(text: string): string | undefined {
  if (isIP(text) === 4) return text;
  const [, bracketed] = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? normalV6(bracketed) : undefined;
  if (isIP(text) === 6) return normalV6(text);
  const [, v4] = /^([\d.]+):\d{1,5}$/.exec(text) ?? [];
  return v4 !== undefined && isIP(v4) === 4 ? v4 : undefined;
}

function normalV6(text: string): string {
  const [address] = text.split('%', 1);
  const written = new SocketAddress({ address: address!, family: 'ipv6' }).address;
  const [, mapped] = /^::ffff:([\d.]+)$/.exec(written) ?? [];
  return mapped ?? written;
}
