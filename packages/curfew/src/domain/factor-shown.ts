import { normalAddress } from './address.ts';
import { networkOf } from './address-bytes.ts';
import { factorRemembered } from './limits.ts';
import type { Permission } from './permissions.ts';

type AreaOf<Name extends string> = Name extends `${infer Area}.${string}` ? Area : never;
/**
 * The kind of operation that a code is required for, as in the names of permissions: sessions, accounts, keys and so
 * on.
 */
export type Area = AreaOf<Permission>;

/**
 * A second factor that was confirmed on a session. It is remembered for a while, and only for what the person can have
 * meant: requests from the same network, for the same kind of operation. A code given at the sign-in counts for every
 * kind, because nobody can have had the token before.
 */
export type FactorShown = { at: number; area: Area | 'any'; network: string };

/** What a factor is required for, and the caller's address. */
export type FactorUse = { area: Area; ip: string | undefined };

export function areaOf(permission: Permission): Area {
  return permission.split('.')[0] as Area;
}

/** The network that a request comes from: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function networkOfRequest(ip: string | undefined): string {
  const address = ip === undefined ? undefined : normalAddress(ip);
  return address === undefined ? '' : networkOf(address);
}

export function isRemembered(shown: FactorShown | undefined, { area, ip }: FactorUse, now: number): boolean {
  if (shown === undefined || now >= shown.at + factorRemembered) return false;
  return shown.network === networkOfRequest(ip) && (shown.area === 'any' || shown.area === area);
}

/** The form in which stores keep it. */
export function encodeFactorShown({ at, area, network }: FactorShown): string {
  return `${at} ${area} ${network}`;
}

/** Earlier versions kept only a time: it is ignored, as it would be after five minutes anyway. */
export function decodeFactorShown(text: unknown): FactorShown | undefined {
  const [, at, area, network] = (typeof text === 'string' && /^(\d+) (\w+) (\S*)$/.exec(text)) || [];
  if (at === undefined) return undefined;
  return { at: Number(at), area: area as FactorShown['area'], network: network ?? '' };
}
