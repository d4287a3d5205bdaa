import { type AliasCredential, type Credential, looksLikeAlias } from 'curfew-client/protocol';
import { aliasIn, aliasOf, endOfAlias } from '../domain/alias.ts';
import type { SessionId } from '../domain/brand.ts';
import { judgeLatest } from '../domain/rotation.ts';
import { endOf, viewOf } from '../domain/session.ts';
import { parseToken, secretMatches } from '../domain/tokens.ts';
import type { SessionSnapshot } from '../stores/contract.ts';
import type { AuthorityContext } from './context.ts';
import type { ActiveVerification, Verification, VerifiedToken } from './verification.ts';

const malformed = { active: false, reason: 'malformed' } as const;
const unknown = { active: false, reason: 'unknown' } as const;
const suspended = { active: false, reason: 'suspended' } as const;

/**
 * Whether a session token, or an alias, is valid now. A mistyped one needs no look-up. Only a caller that has a secret of
 * the session learns what became of it. This never writes: activity is noted, and flushed in batches.
 * @throws `clock_stepped_back`, `store_unavailable`
 */
export async function verifySession(context: AuthorityContext, credential: Credential): Promise<Verification> {
  // If the clock has gone back, no deadline can be checked, wherever the session comes from.
  context.clock.now();
  const known = await context.fence.verifyFenced(credential);
  if (!known.active) return known;
  const verification = stillActive(context, known);
  if (verification) return verification;
  // As far as this server knows, a deadline has passed; but another server may have seen activity since.
  const verified = await verifyFromStore(context, credential);
  return verified.active ? { active: true, session: viewOf(verified.stored, undefined) } : verified;
}

/** The same at once, from memory; `undefined` if the store has to be asked. @throws `clock_stepped_back` */
export function checkSession(context: AuthorityContext, credential: Credential): ActiveVerification | undefined {
  const known = context.fence.check(credential);
  return known?.active ? stillActive(context, known) : undefined;
}

function stillActive(
  { clock, activity }: AuthorityContext,
  { stored, until = stored.expiresAt }: Extract<VerifiedToken, { active: true }>,
): ActiveVerification | undefined {
  const now = clock.now();
  if (now >= until) return undefined;
  if (endOf(stored, undefined, now, activity.lastSeen(stored))) return undefined;
  activity.noteRemembered(stored, now);
  return { active: true, session: viewOf(stored, undefined) };
}

/** Like {@link verifySession}, but from the store: for the fence, and for use cases that then work with the session. */
export async function verifyFromStore(
  context: Pick<AuthorityContext, 'store' | 'clock' | 'activity'>,
  credential: Credential,
): Promise<VerifiedToken> {
  if (typeof credential !== 'string') return verifyAlias(context, credential);
  const parsed = parseToken('session', credential);
  if (!parsed) return malformed;
  const found = await context.store.readSession(parsed.id as SessionId);
  if (!found || !secretMatches(parsed.secret, found.stored.tokenHash)) return unknown;
  return verdictOn(context, found);
}

/** A session that has just been read by an alias is compared with it once more: an index alone proves nothing. */
async function verifyAlias(
  context: Pick<AuthorityContext, 'store' | 'clock' | 'activity'>,
  credential: AliasCredential,
): Promise<VerifiedToken> {
  if (!looksLikeAlias(credential)) return malformed;
  const alias = aliasOf(credential);
  const found = await context.store.readSessionByAlias(alias);
  const kept = found && aliasIn(found.stored, alias);
  if (!kept) return unknown;
  const until = endOfAlias(kept);
  if (until !== undefined && context.clock.now() >= until) return unknown;
  const verdict = verdictOn(context, found);
  return verdict.active && until !== undefined ? { ...verdict, until } : verdict;
}

/**
 * Like {@link verifyFromStore}, by the refresh token: the current one, or the previous one while it still refreshes.
 * This only reads: a token that was used too long ago is unknown here and does not end the session.
 */
export async function verifyRefreshToken(context: AuthorityContext, refreshToken: string): Promise<VerifiedToken> {
  const parsed = parseToken('refresh', refreshToken);
  if (!parsed) return malformed;
  const found = await context.store.readSession(parsed.id as SessionId);
  if (!found) return unknown;
  const verdict = judgeLatest(found.stored.refresh, parsed.secret, context.clock.now());
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
