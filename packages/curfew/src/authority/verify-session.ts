import type { SessionId } from '../domain/brand.ts';
import { judgeRefresh } from '../domain/rotation.ts';
import { endOf, type StoredSession, viewOf } from '../domain/session.ts';
import { parseToken, secretMatches } from '../domain/tokens.ts';
import type { SessionSnapshot } from '../stores/contract.ts';
import type { AuthorityContext } from './context.ts';
import type { ActiveVerification, Verification, VerifiedToken } from './verification.ts';

const malformed = { active: false, reason: 'malformed' } as const;
const unknown = { active: false, reason: 'unknown' } as const;
const suspended = { active: false, reason: 'suspended' } as const;

/**
 * Whether a session token is valid now. A mistyped one needs no look-up. Only a caller that has the session's secret
 * learns what became of it. This never writes: activity is noted, and flushed in batches.
 * @throws `clock_stepped_back`, `store_unavailable`
 */
export async function verifySession(context: AuthorityContext, token: string): Promise<Verification> {
  // If the clock has gone back, no deadline can be checked, wherever the session comes from.
  context.clock.now();
  const known = await context.fence.verifyFenced(token);
  if (!known.active) return known;
  const verification = stillActive(context, known.stored);
  if (verification) return verification;
  // As far as this server knows, a deadline has passed; but another server may have seen activity since.
  const verified = await verifyFromStore(context, token);
  return verified.active ? { active: true, session: viewOf(verified.stored, undefined) } : verified;
}

/** The same at once, from memory; `undefined` if the store has to be asked. @throws `clock_stepped_back` */
export function checkSession(context: AuthorityContext, token: string): ActiveVerification | undefined {
  const known = context.fence.check(token);
  return known?.active ? stillActive(context, known.stored) : undefined;
}

function stillActive({ clock, activity }: AuthorityContext, stored: StoredSession): ActiveVerification | undefined {
  const now = clock.now();
  if (endOf(stored, undefined, now, activity.lastSeen(stored))) return undefined;
  activity.noteRemembered(stored, now);
  return { active: true, session: viewOf(stored, undefined) };
}

/** Like {@link verifySession}, but from the store: for the fence, and for use cases that then work with the session. */
export async function verifyFromStore(
  context: Pick<AuthorityContext, 'store' | 'clock' | 'activity'>,
  token: string,
): Promise<VerifiedToken> {
  const parsed = parseToken('session', token);
  if (!parsed) return malformed;
  const found = await context.store.readSession(parsed.id as SessionId);
  if (!found || !secretMatches(parsed.secret, found.stored.tokenHash)) return unknown;
  return verdictOn(context, found);
}

/**
 * Like {@link verifyFromStore}, by the refresh token: the current one, or the previous one while it still refreshes.
 * This only reads: a token that was used too long ago is unknown here and does not end the session.
 */
export async function verifyRefreshToken(context: AuthorityContext, refreshToken: string): Promise<VerifiedToken> {
  const parsed = parseToken('refresh', refreshToken);
  if (!parsed) return malformed;
  const id = parsed.id as SessionId;
  const found = await context.store.readSession(id);
  if (!found) return unknown;
  const { refresh } = found.stored;
  const verdict = judgeRefresh(id, refresh, parsed.secret, context.secrets.refreshKey, context.clock.now());
  return verdict === 'current' || verdict === 'grace' ? verdictOn(context, found) : unknown;
}

/** The state of a session whose credential was right. */
export function verdictOn(
  { clock, activity }: Pick<AuthorityContext, 'clock' | 'activity'>,
  { stored, epochEnd }: SessionSnapshot,
): VerifiedToken {
  const now = clock.now();
  const end = endOf(stored, epochEnd, now, activity.lastSeen(stored));
  if (end) return { active: false, reason: end.reason };
  if (stored.suspended) return suspended;
  activity.note(stored, now);
  return { active: true, stored };
}
