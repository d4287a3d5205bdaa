import type { KeyId, SessionId, UserId } from '../domain/brand.ts';
import { minute } from '../domain/limits.ts';
import { parseOrigin, parsePersonId, parseSessionId } from '../domain/parse.ts';
import type { Permission } from '../domain/permissions.ts';
import { type Epochs, endOf, type Session } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import { type Caller, personCaller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { type EndedSession, endStored } from './end-session.ts';
import { type EndedSessions, endAllOf } from './end-user-sessions.ts';
import { findUserSession } from './find-user-session.ts';
import { listSessions } from './list-sessions.ts';

/*
 * A widget token lets the pages of one origin list and end the sessions of one user, for a few minutes. It is not the
 * token of a session, and no other call accepts it. No server keeps it: what it says is sealed with the servers' secret
 * key. It is valid only as long as the key or the session that it was made with, and the session that it was made for.
 */

export type WidgetRequest = {
  /** The origin of the pages, such as `https://app.example.com`. */
  origin: string;
  /** The id of the user's session in which the page is shown. */
  session?: string | undefined;
  /** Milliseconds. */
  lifetime?: number | undefined;
};

/** Whom a widget token is for. `session`: the one in which the page is shown. */
export type Widget = { userId: UserId; session: SessionId | undefined };

/** What a widget token says; not yet checked. */
export type WidgetClaims = Widget & {
  origin: string;
  until: number;
  /** The user's epochs when it was made. */
  epochs: Epochs;
  /** The key or the person's session with which it was made. */
  madeWith: { keyId: KeyId } | { sessionId: SessionId } | undefined;
};

/** A session as its user's widget shows it. */
export type WidgetSession = Session & { current: boolean };

/** What the caller that makes a widget token must be allowed to do itself. */
export const widgetPermissions = ['sessions.end', 'sessions.read'] as const satisfies readonly Permission[];

/** Milliseconds. */
export const widgetLifetime: { usual: number; most: number } = { usual: 5 * minute, most: 15 * minute };
/** How many sessions a widget shows. */
const most = 100;

const prefix = 'cfw_';
const use = 'widget 1';

/** @throws `invalid_value`, `user_id_too_long`, `session_not_found` if the session is not an active one of the user */
export async function createWidgetToken(
  context: AuthorityContext,
  caller: Caller,
  userId: string,
  { origin, session: asked, lifetime = widgetLifetime.usual }: WidgetRequest,
): Promise<{ token: string; expiresAt: number }> {
  const owner = parsePersonId(userId);
  const session = asked === undefined ? undefined : await findUserSession(context, owner, parseSessionId(asked));
  const { epochs } = await context.store.readUser(owner);
  const until = context.clock.nowForEnd() + lifetime;
  const claims: WidgetClaims = {
    userId: owner,
    session: session?.id,
    origin: parseOrigin(origin),
    until,
    epochs,
    madeWith: credentialOf(caller),
  };
  const sealed = context.secrets.seal(Buffer.from(JSON.stringify(claims)), use);
  return { token: prefix + Buffer.from(sealed).toString('base64url'), expiresAt: until };
}

/** What a widget token says. @throws `token_malformed` if no server with this secret key has made it */
export function readWidgetToken({ secrets }: AuthorityContext, token: string): WidgetClaims {
  if (token.startsWith(prefix)) {
    try {
      const sealed = Buffer.from(token.slice(prefix.length), 'base64url');
      return JSON.parse(Buffer.from(secrets.unseal(sealed, use)).toString()) as WidgetClaims;
    } catch {
      // It was not made here, or was changed.
    }
  }
  throw new CurfewError('token_malformed', { detail: `A widget token begins with ${prefix}.` });
}

/**
 * Whom a widget token is for, if it is still valid.
 * @throws `widget_token_expired`, `key_revoked`, `permission_missing`, `session_ended`
 */
export async function checkWidget(context: AuthorityContext, claims: WidgetClaims): Promise<Widget> {
  const { userId, session, until, epochs, madeWith } = claims;
  if (context.clock.nowForEnd() >= until) throw new CurfewError('widget_token_expired');
  if (madeWith) await checkMaker(context, madeWith);
  if (session !== undefined) await liveSession(context, session);
  else {
    const present = (await context.store.readUser(userId)).epochs;
    if (present.user !== epochs.user || present.everyone !== epochs.everyone) {
      throw new CurfewError('session_ended', { detail: 'All sessions of the user were ended after it was made.' });
    }
  }
  return { userId, session };
}

/** The active sessions of the user, the one of the page first, then those that were last seen; at most 100. */
export async function listWidgetSessions(
  context: AuthorityContext,
  { userId, session }: Widget,
): Promise<{ sessions: WidgetSession[]; total: number }> {
  const request = { user: userId, status: 'active', sort: '-lastSeenAt', limit: most } as const;
  const { sessions, total = sessions.length } = await listSessions(context, request);
  const marked = sessions.map((one) => ({ ...one, current: one.id === session }));
  return { sessions: [...marked.filter(({ current }) => current), ...marked.filter(({ current }) => !current)], total };
}

/** Ends a session of the user. @throws `session_not_found` if it is not the user's */
export function endWidgetSession(context: AuthorityContext, { userId }: Widget, id: string): Promise<EndedSession> {
  return endStored(context, parseSessionId(id), { by: `user:${userId}`, reason: 'logout' }, 'everywhere', { userId });
}

/** Ends all sessions of the user but the one of the page. @throws `session_not_found` if the token names none */
export function endOtherWidgetSessions(context: AuthorityContext, { userId, session }: Widget): Promise<EndedSessions> {
  if (session !== undefined) return endAllOf(context, userId, { by: `user:${userId}`, reason: 'all_of_user' }, session);
  throw new CurfewError('session_not_found', { detail: 'The widget token was made without the session of the page.' });
}

function credentialOf(caller: Caller): WidgetClaims['madeWith'] {
  if (caller.kind === 'key') return { keyId: caller.key.id };
  return caller.kind === 'person' ? { sessionId: caller.session.id } : undefined;
}

/** Who made the token must still be allowed to do what it allows. */
async function checkMaker(context: AuthorityContext, by: NonNullable<WidgetClaims['madeWith']>): Promise<void> {
  if ('keyId' in by) {
    const key = await context.store.readKey(by.keyId);
    if (key && key.revokedAt === undefined) return;
    throw new CurfewError('key_revoked', { detail: 'It is the key with which the widget token was made.' });
  }
  const stored = await liveSession(context, by.sessionId);
  const { granted } = personCaller(stored, (await context.store.readUser(stored.userId)).account);
  if (widgetPermissions.every((permission) => granted.has(permission))) return;
  throw new CurfewError('permission_missing', {
    detail: 'The caller that made the widget token may no longer do this.',
  });
}

/** @throws `session_ended`, also if it is suspended */
async function liveSession({ store, clock, activity }: AuthorityContext, id: SessionId) {
  const found = await store.readSession(id);
  if (found && !found.stored.suspended) {
    const { stored, epochEnd } = found;
    if (!endOf(stored, epochEnd, clock.nowForEnd(), activity.lastSeen(stored))) return stored;
  }
  throw new CurfewError('session_ended', { detail: 'It is a session with which, or for which, the token was made.' });
}
