import { createHmac } from 'node:crypto';
import { digitsOf } from './base62.ts';
import type { SessionId } from './brand.ts';
import { refreshGrace } from './limits.ts';
import type { RefreshState } from './session.ts';
import { hashSecret, secretMatches } from './tokens.ts';

/*
 * A refresh replaces both tokens. Their successors are derived from the refresh token that is presented, under a key
 * that only the servers hold: callers that race with one token get the same successors without any memory of them,
 * whoever steals the store cannot derive a token (it holds only hashes), and whoever steals an old token cannot
 * either (the key is missing).
 */

/** How many generations back a replayed token is recognised; older ones are refused as unknown. */
const recognisedGenerations = 100;

export type Successor = { tokenSecret: string; refreshSecret: string };

/** The secrets that follow a refresh token's secret. `key` is 32 bytes. */
export function successorOf(id: SessionId, refreshSecret: string, key: Uint8Array): Successor {
  const derive = (kind: string) =>
    digitsOf(createHmac('sha256', key).update(`${kind}.${id}.${refreshSecret}`).digest(), refreshSecret.length);
  return { tokenSecret: derive('session'), refreshSecret: derive('refresh') };
}

/**
 * What a presented refresh token is to a session.
 * - `current`: rotate.
 * - `grace`: the one before, within 30 s of the first rotation: answer with the successors that are already there.
 * - `reused`: an earlier one, outside the window: somebody has a copy; the session ends (RFC 9700 §4.14.2).
 * - `unknown`: never one of this session's.
 */
export function judgeRefresh(
  id: SessionId,
  state: RefreshState,
  secret: string,
  key: Uint8Array,
  now: number,
): 'current' | 'grace' | 'reused' | 'unknown' {
  if (secretMatches(secret, state.hash)) return 'current';
  if (state.previousHash && secretMatches(secret, state.previousHash)) {
    return now - (state.rotatedAt ?? 0) <= refreshGrace ? 'grace' : 'reused';
  }
  // An ancestor leads to the present token when its successors are followed.
  let descendant = secret;
  for (let step = 0; step < Math.min(state.rotations, recognisedGenerations); step++) {
    descendant = successorOf(id, descendant, key).refreshSecret;
    if (secretMatches(descendant, state.hash)) return 'reused';
  }
  return 'unknown';
}

/** The refresh state after a rotation onto a successor. */
export function rotated(state: RefreshState, successor: Successor, now: number): RefreshState {
  return {
    hash: hashSecret(successor.refreshSecret),
    previousHash: state.hash,
    rotatedAt: now,
    rotations: state.rotations + 1,
  };
}
