import type { SessionId } from '../domain/brand.ts';
import { judgeRefresh, rotated, type Successor, successorOf } from '../domain/rotation.ts';
import { endOf, type StoredSession, viewOf } from '../domain/session.ts';
import { formatToken, hashSecret, parseToken } from '../domain/tokens.ts';
import { CurfewError } from '../errors.ts';
import { awaitHead } from './await-head.ts';
import type { AuthorityContext } from './context.ts';
import type { OpenedSession } from './create-session.ts';
import { retryConflicts } from './retry.ts';

/**
 * Exchanges a session's refresh token for new tokens; the old ones stop working. Concurrent callers get the same ones.
 * The use of an earlier refresh token ends the session, because somebody has a copy of it.
 * @throws `token_malformed`, `token_unknown`, `session_ended`, `session_suspended`
 */
export async function refreshSession(context: AuthorityContext, refreshToken: string): Promise<OpenedSession> {
  const { store, clock, secrets, fence } = context;
  const parsed = parseToken('refresh', refreshToken);
  if (!parsed) throw new CurfewError('token_malformed');
  const id = parsed.id as SessionId;
  return retryConflicts(async () => {
    const found = await store.readSession(id);
    if (!found) throw new CurfewError('token_unknown');
    const { stored, epochEnd } = found;
    const now = clock.now();
    const verdict = judgeRefresh(id, stored.refresh, parsed.secret, secrets.refreshKey, now);
    if (verdict === 'unknown') throw new CurfewError('token_unknown');
    const end = endOf(stored, epochEnd, now, context.activity.lastSeen(stored));
    if (end) throw new CurfewError('session_ended', { reason: end.reason });
    if (verdict === 'reused') {
      const outcome = await store.endSession(id, { at: now, by: 'policy', reason: 'refresh_reuse' }, { seen: stored });
      if (outcome.kind !== 'not_found') await fence.awaitEverywhere(outcome.end.sequence, 'everywhere');
      throw new CurfewError('session_ended', { reason: 'refresh_reuse' });
    }
    if (stored.suspended) throw new CurfewError('session_suspended');
    const successor = successorOf(id, parsed.secret, secrets.refreshKey);
    if (verdict === 'grace') {
      await awaitHead(context, stored.userId);
      return opened(stored, successor);
    }
    const outcome = await store.changeSession({
      id,
      version: stored.version,
      set: {
        tokenHash: hashSecret(successor.tokenSecret),
        refresh: rotated(stored.refresh, successor, now),
        // A confirmed factor counts only for the token with which it was confirmed.
        factorShown: undefined,
        lastSeenAt: now,
      },
      logged: true,
      now,
    });
    if (outcome.kind !== 'changed') return 'conflict';
    await fence.awaitEverywhere(outcome.sequence!, 'everywhere');
    return opened(outcome.session, successor);
  });
}

/** A session with the tokens that it has now. */
export function opened(stored: StoredSession, { tokenSecret, refreshSecret }: Successor): OpenedSession {
  return {
    session: viewOf(stored, undefined),
    token: formatToken('session', stored.id, tokenSecret),
    refreshToken: formatToken('refresh', stored.id, refreshSecret),
  };
}
