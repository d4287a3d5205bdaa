import { createHmac, createSecretKey } from 'node:crypto';
import { secretDigits } from 'curfew-client/protocol';
import { digitsOf } from './base62.ts';
import type { SessionId } from './brand.ts';
import { refreshGrace } from './limits.ts';
import type { RefreshState } from './session.ts';
import { hashSecret, secretMatches } from './tokens.ts';

/*
 * A refresh replaces both tokens. Their successors are derived from the presented refresh token with a key that only
 * the servers have. So concurrent callers with one token get the same successors although the servers do not keep them;
 * somebody who steals the store cannot derive a token, because it contains only hashes; and somebody who steals an old
 * token cannot either, without the key.
 */

/** How many generations back a reused token is recognised; older ones are refused as unknown. */
const recognisedGenerations = 100;

export type Successor = { tokenSecret: string; refreshSecret: string };

/** The successors of a refresh token's secret. `key` has 32 bytes. */
export function successorOf(id: SessionId, refreshSecret: string, key: Uint8Array): Successor {
  const derive = derivation(key);
  return {
    tokenSecret: derive(`session.${id}.${refreshSecret}`),
    refreshSecret: derive(ofRefresh(id, refreshSecret)),
  };
}

/** The tokens that an alias is exchanged for, derived in the same way: not from its hash, which is in the store. */
export function tokensForAlias(
  id: SessionId,
  { kind, secret }: { readonly kind: string; readonly secret: string },
  key: Uint8Array,
): Successor {
  const derive = derivation(key);
  return {
    tokenSecret: derive(`session for ${kind}.${id}.${secret}`),
    refreshSecret: derive(`refresh for ${kind}.${id}.${secret}`),
  };
}

/** Derives a secret from a text. Made once for several: to prepare the key costs more than to use it. */
function derivation(key: Uint8Array): (text: string) => string {
  const prepared = createSecretKey(key);
  return (text) => digitsOf(createHmac('sha256', prepared).update(text).digest(), secretDigits);
}

/** What the next refresh token's secret is derived from. */
function ofRefresh(id: SessionId, refreshSecret: string): string {
  return `refresh.${id}.${refreshSecret}`;
}

/**
 * How a presented refresh token relates to a session.
 * - `current`: rotate.
 * - `grace`: the previous one, within 30 s of the rotation: answer with the successors that exist already.
 * - `reused`: an earlier one, or the previous one after that time: somebody has a copy; the session ends
 *   (RFC 9700 §4.14.2).
 * - `unknown`: it never belonged to this session.
 */
export function judgeRefresh(
  id: SessionId,
  state: RefreshState,
  secret: string,
  key: Uint8Array,
  now: number,
): 'current' | 'grace' | 'reused' | 'unknown' {
  const latest = judgeLatest(state, secret, now);
  if (latest) return latest;
  // The chain of an ancestor's successors leads to the current token. Only the refresh tokens are derived: anybody who
  // knows a session's id can make the server walk this far.
  const derive = derivation(key);
  let descendant = secret;
  for (let step = 0; step < Math.min(state.rotations, recognisedGenerations); step++) {
    descendant = derive(ofRefresh(id, descendant));
    if (secretMatches(descendant, state.hash)) return 'reused';
  }
  return 'unknown';
}

/** The same for the current refresh token and the one before, which costs almost nothing; `undefined` for any other. */
export function judgeLatest(
  state: RefreshState,
  secret: string,
  now: number,
): 'current' | 'grace' | 'reused' | undefined {
  if (secretMatches(secret, state.hash)) return 'current';
  if (!state.previousHash || !secretMatches(secret, state.previousHash)) return undefined;
  return now - (state.rotatedAt ?? 0) <= refreshGrace ? 'grace' : 'reused';
}

/** The refresh state after a rotation to a successor. */
export function rotated(state: RefreshState, successor: Successor, now: number): RefreshState {
  return {
    hash: hashSecret(successor.refreshSecret),
    previousHash: state.hash,
    rotatedAt: now,
    rotations: state.rotations + 1,
  };
}
