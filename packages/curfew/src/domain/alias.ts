import type { AliasCredential } from 'curfew-client/protocol';
import { aliasGrace } from './limits.ts';
import type { StoredSession } from './session.ts';
import { hashSecret } from './tokens.ts';

/**
 * A secret of another program, such as the id in an old session cookie, that stands for a session here too: `hash` is its
 * SHA-256 in base64url, 43 characters. `kind` names the program, so that equal secrets of two programs are two aliases.
 */
export type Alias = { readonly kind: string; readonly hash: string };

/** `spentAt`: when the alias was exchanged for tokens. */
export type StoredAlias = Alias & { readonly spentAt?: number };

/** The alias that a secret stands for. */
export function aliasOf({ alias: { kind, secret } }: AliasCredential): Alias {
  return { kind, hash: Buffer.from(hashSecret(secret)).toString('base64url') };
}

/** The one name of an alias, as stores index it. Neither part contains a colon. */
export function nameOfAlias({ kind, hash }: Alias): string {
  return `${kind}:${hash}`;
}

/** An alias in one text, as stores keep it with its session. */
export function encodeAlias(alias: StoredAlias): string {
  return alias.spentAt === undefined ? nameOfAlias(alias) : `${nameOfAlias(alias)}:${alias.spentAt}`;
}

export function decodeAlias(text: string): StoredAlias {
  const [kind, hash, spentAt] = text.split(':') as [string, string, string?];
  return spentAt === undefined ? { kind, hash } : { kind, hash, spentAt: Number(spentAt) };
}

/** The alias as a session has it, if it does. */
export function aliasIn({ aliases }: Pick<StoredSession, 'aliases'>, { kind, hash }: Alias): StoredAlias | undefined {
  return aliases.find((one) => one.kind === kind && one.hash === hash);
}

/**
 * When an alias stops working although its session goes on: some time after it was exchanged, because other tabs may have
 * sent the old cookie at the same moment, and an answer with the new one may be lost. `undefined`: it was not exchanged.
 */
export function endOfAlias({ spentAt }: StoredAlias): number | undefined {
  return spentAt === undefined ? undefined : spentAt + aliasGrace;
}

/** The same aliases, one of which is spent from now on. */
export function spend(aliases: readonly StoredAlias[], spent: Alias, now: number): StoredAlias[] {
  return aliases.map((alias) => (nameOfAlias(alias) === nameOfAlias(spent) ? { ...alias, spentAt: now } : alias));
}
