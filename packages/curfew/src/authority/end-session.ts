import { type AliasCredential, looksLikeAlias } from 'curfew-client/protocol';
import { aliasIn, aliasOf } from '../domain/alias.ts';
import type { SessionId, UserId } from '../domain/brand.ts';
import { parseSessionId, parseSessionName, quoted } from '../domain/parse.ts';
import type { Actor, EndReason, ToldReason } from '../domain/reasons.ts';
import { judgeRefresh } from '../domain/rotation.ts';
import { type Session, type StoredSession, viewOf } from '../domain/session.ts';
import { parseToken, secretMatches } from '../domain/tokens.ts';
import { CurfewError } from '../errors.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { endReasonOf, usualReason } from './end-reason.ts';
import { budget } from './match-sessions.ts';
import type { Receipt, Wait } from './receipt.ts';

/** `alreadyEnded`: the session had ended before, and this changed nothing. */
export type EndedSession = { session: Session; receipt: Receipt; alreadyEnded: boolean };

/** Names the session to end in one of these ways. */
export type EndTarget =
  | { id: string }
  | { token: string }
  | { refreshToken: string }
  | { name: string }
  | AliasCredential;

/**
 * Ends a session. If it has ended already, this succeeds: the receipt shows the first end, and this waits for that one.
 * `told` is the reason that an application gives.
 * @throws `session_not_found`, `permission_missing`; for tokens also `token_malformed`, for names `invalid_value`
 */
export async function endSession(
  context: AuthorityContext,
  caller: Caller,
  target: EndTarget,
  wait: Wait = 'everywhere',
  told?: ToldReason,
): Promise<EndedSession> {
  return endFound(context, caller, { target, found: await findTarget(context, target) }, wait, told);
}

/**
 * Like {@link endSession}, for the session that was found when the caller was authorised: by now, another user's
 * session may have the name that the target gives.
 * @throws `session_not_found`, `permission_missing`
 */
export async function endFound(
  context: AuthorityContext,
  caller: Caller,
  { target, found }: { target: EndTarget; found: StoredSession },
  wait: Wait = 'everywhere',
  told?: ToldReason,
): Promise<EndedSession> {
  // Ending any session by its token is a logout.
  const usual = 'id' in target || 'name' in target ? usualReason(caller, found.userId) : 'logout';
  const reason = endReasonOf(caller, told, usual);
  return endStored(context, found.id, { by: actorOf(caller), reason }, wait, { userId: found.userId, seen: found });
}

/**
 * Logs out the session of a token. Nothing else is required: with the token, the caller could do everything else too.
 * @throws `session_not_found`, `token_malformed`
 */
export async function logOut(
  context: AuthorityContext,
  target: { token: string } | { refreshToken: string },
  wait: Wait = 'everywhere',
): Promise<EndedSession> {
  const found = await findTarget(context, target);
  return endStored(context, found.id, { by: `user:${found.userId}`, reason: 'logout' }, wait, {
    userId: found.userId,
    seen: found,
  });
}

/**
 * Ends the session with an id, and waits as `wait` says. `of`: the user whose it must be, and the session if it was read.
 * @throws `session_not_found`
 */
export async function endStored(
  context: AuthorityContext,
  id: SessionId,
  why: { by: Actor; reason: EndReason },
  wait: Wait,
  of: { userId?: UserId; seen?: StoredSession } = {},
): Promise<EndedSession> {
  const outcome = await context.store.endSession(id, { at: context.clock.nowForEnd(), ...why }, of);
  if (outcome.kind === 'not_found')
    throw new CurfewError('session_not_found', { detail: `No session has the id ${id}.` });
  const { session, end } = outcome;
  const propagation = await context.fence.awaitEverywhere(end.sequence, wait);
  return {
    session: viewOf(session, end),
    receipt: { ...propagation, endedAt: end.at },
    alreadyEnded: outcome.kind === 'already',
  };
}

/**
 * The session that a target names, ended or not; a token's secret must match.
 * @throws `session_not_found`; for tokens also `token_malformed`, for names `invalid_value`
 */
export async function findTarget(context: AuthorityContext, target: EndTarget): Promise<StoredSession> {
  if ('id' in target) {
    const found = await context.store.readSession(parseSessionId(target.id));
    if (found) return found.stored;
    throw new CurfewError('session_not_found', { detail: `No session has the id ${target.id}.` });
  }
  if ('name' in target) return findByName(context, target.name);
  if ('alias' in target) return findByAlias(context, target);
  return 'token' in target ? findByToken(context, target.token) : findByRefreshToken(context, target.refreshToken);
}

/**
 * The session in the name's slot. A slot that was created by opening a session was removed with its end, so without one
 * this is the last session that had the name: a repeated call finds the session that the first one has ended.
 */
async function findByName({ store, clock }: AuthorityContext, text: string): Promise<StoredSession> {
  const name = parseSessionName(text);
  const held = await store.readNamedSession(name);
  if (held) return held.stored;
  const query = { filter: { name }, limit: 1, now: clock.nowForEnd(), budget };
  const [last] = (await store.listSessions(query)).sessions;
  if (last) return last.stored;
  throw new CurfewError('session_not_found', { detail: `No session is named ${quoted(text)}.` });
}

async function findByToken(context: AuthorityContext, token: string): Promise<StoredSession> {
  const parsed = parseToken('session', token);
  if (!parsed) throw malformed('/token');
  const found = await context.store.readSession(parsed.id as SessionId);
  if (found && secretMatches(parsed.secret, found.stored.tokenHash)) return found.stored;
  throw new CurfewError('session_not_found', { detail: 'The token belongs to no session.' });
}

/** So does an alias that was exchanged for tokens. */
async function findByAlias({ store }: AuthorityContext, target: AliasCredential): Promise<StoredSession> {
  const alias = looksLikeAlias(target) ? aliasOf(target) : undefined;
  const found = alias && (await store.readSessionByAlias(alias));
  if (found && aliasIn(found.stored, alias)) return found.stored;
  throw new CurfewError('session_not_found', { detail: 'The alias belongs to no session.' });
}

/** A refresh token that has been used also names its session: a logout with it means that session. */
async function findByRefreshToken(context: AuthorityContext, token: string): Promise<StoredSession> {
  const parsed = parseToken('refresh', token);
  if (!parsed) throw malformed('/refreshToken');
  const id = parsed.id as SessionId;
  const found = await context.store.readSession(id);
  if (found) {
    const now = context.clock.nowForEnd();
    const verdict = judgeRefresh(id, found.stored.refresh, parsed.secret, context.secrets.refreshKey, now);
    if (verdict !== 'unknown') return found.stored;
  }
  throw new CurfewError('session_not_found', { detail: 'The refresh token belongs to no session.' });
}

/** Names the field, which tells a token to end from the credential of the caller: both can be malformed. */
function malformed(path: string): CurfewError {
  return new CurfewError('token_malformed', { errors: [{ path, message: 'is mistyped or cut off' }] });
}
