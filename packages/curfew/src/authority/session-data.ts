import { hash } from 'node:crypto';
import { anonymousKind, anonymousUser } from 'curfew-client/protocol';
import { type Alias, aliasIn, endOfAlias } from '../domain/alias.ts';
import type { SessionId, UserId } from '../domain/brand.ts';
import { limits } from '../domain/limits.ts';
import { parseAlias, parsePersonId, parseSessionData, parseUserId } from '../domain/parse.ts';
import { idleWithin } from '../domain/policy.ts';
import type { EndReason } from '../domain/reasons.ts';
import { endOf, type Session, type StoredSession, viewOf } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { openFor } from './create-session.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { endStored } from './end-session.ts';
import { budget } from './match-sessions.ts';
import type { Receipt } from './receipt.ts';
import { retryAs } from './retry.ts';

/*
 * The data that an application keeps with its sessions, such as the JSON of express-session. The application knows a
 * session by an alias. Its data is shown to verifications by that alias and to who may write it, and to nobody else.
 */

export type KeptData = {
  alias: Alias;
  /** Who is signed in; `undefined` if nobody is. */
  userId?: string | undefined;
  data: string;
  /** Milliseconds without activity after which the session ends; cut to what the policy allows, and never shortened. */
  idle?: number | undefined;
  userAgent?: string | undefined;
  ip?: string | undefined;
  /** Whether the session must exist already. */
  existing?: boolean | undefined;
  /**
   * The SHA-256, in base64url, of the data that this replaces. If the session has other data by now, the call only counts as
   * activity. The session must exist already.
   */
  seen?: string | undefined;
};

/** `receipt`: of the change or the end; absent if the session was opened, or had this data already. */
export type Kept = { session: Session; receipt: Receipt | undefined };

/**
 * Keeps data with the session of an alias, and opens it if there is none. A session's user never changes. So as long as
 * nobody has signed in, another session stands for the alias, of nobody; it ends when somebody does. Data of another user
 * is refused, and data without a user ends the session of one. A sign-in during which the session of nobody ends otherwise
 * is refused. With `seen`, data that somebody else has changed meanwhile stays as it is.
 * @throws `alias_unknown`, `session_ended`, `session_suspended`, `session_user_changed`, `session_data_too_large`, `session_not_found`,
 *   `invalid_value`, and what {@link openFor} throws
 */
export async function keepSessionData(context: AuthorityContext, asked: Caller, request: KeptData): Promise<Kept> {
  const { existing } = request;
  const alias = parseAlias(request.alias);
  const nobody = parseAlias({ ...alias, kind: anonymousKind(alias.kind) });
  const userId = request.userId === undefined ? undefined : parsePersonId(request.userId);
  const data = parseSessionData(request.data);
  const idle = request.idle === undefined ? undefined : idleWithin(request.idle, context.policy);
  const kept = { ...request, data, idle };
  return retryAs(context, asked, async (caller) => {
    const signedIn = await liveOf(context, alias);
    // Read once: what is compared with what was seen is what is changed, or else the change is a conflict.
    const earlier = signedIn ? undefined : await liveOf(context, nobody);
    if (request.seen !== undefined) {
      const current = signedIn ?? earlier;
      if (!current) throw new CurfewError('session_not_found', { detail: 'No session has the alias.' });
      if (current.data === undefined || hashOf(current.data) !== request.seen) return used(context, current);
    }
    if (signedIn?.userId === userId && signedIn) {
      // An earlier call may have opened the session, and failed before the end of the one that it replaces. Why that has
      // ended does not matter here: it may just have expired since.
      const [changed] = await Promise.all([change(context, signedIn, kept), endReplaced(context, caller, nobody)]);
      return changed;
    }
    if (signedIn && userId !== undefined) throw new CurfewError('session_user_changed');
    if (signedIn) return endStored(context, signedIn.id, { by: actorOf(caller), reason: 'logout' }, 'everywhere');
    if (earlier && userId === undefined) return change(context, earlier, kept);
    if (!earlier && existing) throw new CurfewError('session_not_found', { detail: 'No session has the alias.' });
    if (userId === undefined)
      return open(context, caller, { ...kept, alias: nobody, userId: parseUserId(anonymousUser) });
    const opened = await open(context, caller, { ...kept, alias, userId });
    if (opened === 'conflict' || !earlier) return opened;
    const reason = await endReplaced(context, caller, nobody);
    if (reason === 'replaced') return opened;
    // It was live when this call read it, and has ended since: by a log-out, perhaps, whose caller was told that the alias
    // is valid nowhere. So the sign-in has come too late.
    await endStored(context, opened.session.id, { by: actorOf(caller), reason: 'logout' }, 'everywhere');
    throw new CurfewError('session_ended', { ...(reason && { reason }) });
  });
}

/** A session with its data. `idle`: milliseconds without activity after which it ends. */
export type ListedData = { session: Session; data: string; idle: number };

/** The data of the active sessions that have an alias of a kind: a page, newest first. */
export async function listSessionData(
  { store, clock, activity }: AuthorityContext,
  {
    kind,
    limit = limits.pageDefault,
    cursor,
  }: { kind: string; limit?: number | undefined; cursor?: string | undefined },
): Promise<{ sessions: ListedData[]; nextCursor: string | undefined }> {
  const query = { list: 'session data', kind };
  const kinds = [kind, anonymousKind(kind)];
  const now = clock.nowForEnd();
  const after = decodeCursor(cursor, query) as SessionId | undefined;
  const page = await store.listSessions({ filter: { status: 'active' }, after, limit, now, budget });
  const kept = page.sessions.flatMap(({ stored, epochEnd }) => {
    const end = endOf(stored, epochEnd, now, activity.lastSeen(stored));
    const isOfKind = stored.aliases.some((alias) => kinds.includes(alias.kind));
    if (end || !isOfKind || stored.data === undefined) return [];
    return [{ session: viewOf(stored, end), data: stored.data, idle: stored.idle }];
  });
  return { sessions: kept, nextCursor: page.next === undefined ? undefined : encodeCursor(page.next, query) };
}

/** The session that has an alias. @throws `alias_unknown` if the alias works no more, `session_ended`, `session_suspended` */
async function liveOf({ store, clock, activity }: AuthorityContext, alias: Alias): Promise<StoredSession | undefined> {
  const found = await store.readSessionByAlias(alias);
  const kept = found && aliasIn(found.stored, alias);
  if (!kept) return undefined;
  const { stored, epochEnd } = found;
  const now = clock.now();
  // As for verifications: a copy of an old cookie must neither change nor end the session.
  if (now >= (endOfAlias(kept) ?? Infinity)) throw new CurfewError('alias_unknown');
  const end = endOf(stored, epochEnd, now, activity.lastSeen(stored));
  if (end) throw new CurfewError('session_ended', { reason: end.reason });
  if (stored.suspended) throw new CurfewError('session_suspended');
  return stored;
}

/**
 * Ends the session of nobody, if there is one, because somebody has signed in. Returns why it has ended: `replaced`, unless
 * something else ended it before.
 */
async function endReplaced(context: AuthorityContext, caller: Caller, nobody: Alias): Promise<EndReason | undefined> {
  const found = await context.store.readSessionByAlias(nobody);
  if (!found) return undefined;
  const { stored } = found;
  const why = { by: actorOf(caller), reason: 'replaced' } as const;
  // Also if it has ended: the call that ended it may still be waiting (R18).
  const { session } = await endStored(context, stored.id, why, 'everywhere', { seen: stored });
  return session.endReason;
}

async function open(
  context: AuthorityContext,
  caller: Caller,
  { alias, data, userId, idle, userAgent, ip }: KeptData & { userId: UserId },
): Promise<Kept | 'conflict'> {
  try {
    const request = { userId, data, idle, userAgent, ip, aliases: [alias] };
    const { session } = await openFor(context, caller, request);
    return { session, receipt: undefined };
  } catch (error) {
    // Another request of the same browser was first.
    if (error instanceof CurfewError && error.code === 'alias_taken') return 'conflict';
    throw error;
  }
}

async function change(
  context: AuthorityContext,
  stored: StoredSession,
  { data, idle = 0 }: { data: string; idle: number | undefined },
): Promise<Kept | 'conflict'> {
  const { store, clock, fence } = context;
  if (stored.data === data && idle <= stored.idle) return used(context, stored);
  const now = clock.now();
  const outcome = await store.changeSession({
    id: stored.id,
    version: stored.version,
    set: { data, idle: Math.max(idle, stored.idle), lastSeenAt: now },
    logged: true,
    now,
  });
  if (outcome.kind !== 'changed') return 'conflict';
  const propagation = await fence.awaitEverywhere(outcome.sequence!, 'everywhere');
  return { session: viewOf(outcome.session, undefined), receipt: { ...propagation, changedAt: now } };
}

/** Notes a use of a session that keeps its data. */
function used({ clock, activity }: AuthorityContext, stored: StoredSession): Kept {
  activity.note(stored, clock.now());
  return { session: viewOf(stored, undefined), receipt: undefined };
}

function hashOf(data: string): string {
  return hash('sha256', data, 'base64url');
}
