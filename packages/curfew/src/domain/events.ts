import type { SessionId, UserId } from './brand.ts';
import type { GroupChange } from './groups.ts';
import type { Actor, End, EndReason } from './reasons.ts';
import type { StoredSession } from './session.ts';

/**
 * What is written down for good (for as long as events are kept): the audit trail. A store may keep a type as its
 * place in this list: new ones come last.
 */
export const eventTypes = [
  'session.created',
  'session.ended',
  'session.suspended',
  'session.resumed',
  'user.sessions_ended',
  'everyone.ended',
  'groups.changed',
  'login.failed',
  'second_factor.failed',
  'account.created',
  'account.changed',
  'account.disabled',
  'account.enabled',
  'account.deleted',
  'factor.enrolled',
  'factor.removed',
  'backup_codes.renewed',
  'key.created',
  'key.revoked',
  'named_session.created',
  'named_session.changed',
  'named_session.deleted',
  'store.failed_over',
  'account.recovered',
] as const;

export type EventType = (typeof eventTypes)[number];

/** Something that happened. Never holds a token, a code or a password. `at` is epoch milliseconds. */
export type NewEvent = {
  type: EventType;
  at: number;
  by: Actor;
  userId?: UserId | undefined;
  sessionId?: SessionId | undefined;
  reason?: EndReason | undefined;
  /** What else is worth keeping: groups, an address, a name. Small. */
  details?: { readonly [key: string]: unknown } | undefined;
};

/** An event with its place in the log: numbers grow and are never reused. */
export type Event = NewEvent & { sequence: number };

/** What events can be looked for by. */
export type EventFilter = {
  type?: EventType | undefined;
  userId?: UserId | undefined;
  sessionId?: SessionId | undefined;
  /** Who did it. */
  by?: Actor | undefined;
  /** At this moment or later, and before that one: epoch milliseconds. */
  since?: number | undefined;
  until?: number | undefined;
};

export function matchesEvent(event: NewEvent, { type, userId, sessionId, by, since, until }: EventFilter): boolean {
  if (type !== undefined && event.type !== type) return false;
  if (by !== undefined && event.by !== by) return false;
  if (since !== undefined && event.at < since) return false;
  if (until !== undefined && event.at >= until) return false;
  if (userId !== undefined && event.userId !== userId) return false;
  return sessionId === undefined || event.sessionId === sessionId;
}

/** Whether anything is looked for: else events are read one after the other. */
export function isFilter({ type, userId, sessionId, by, since, until }: EventFilter): boolean {
  return [type, userId, sessionId, by, since, until].some((part) => part !== undefined);
}

/** The events that stores write themselves, because the write and what it tells of are one. */
export const storeEvents = {
  created: (session: StoredSession, by: Actor): NewEvent => ({
    type: 'session.created',
    at: session.createdAt,
    by,
    userId: session.userId,
    sessionId: session.id,
  }),
  ended: (session: StoredSession, end: End): NewEvent => ({
    type: 'session.ended',
    at: end.at,
    by: end.by,
    userId: session.userId,
    sessionId: session.id,
    reason: end.reason,
  }),
  userEnded: (userId: UserId, end: End, ended: number, except?: SessionId): NewEvent => ({
    type: 'user.sessions_ended',
    at: end.at,
    by: end.by,
    userId,
    reason: end.reason,
    details: except ? { ended, except } : { ended },
  }),
  everyoneEnded: (end: End, ended: number): NewEvent => ({
    type: 'everyone.ended',
    at: end.at,
    by: end.by,
    reason: end.reason,
    details: { ended },
  }),
  groupsChanged: (
    userId: UserId,
    only: SessionId | undefined,
    change: GroupChange,
    updated: number,
    by: Actor,
    at: number,
  ): NewEvent => ({
    type: 'groups.changed',
    at,
    by,
    userId,
    sessionId: only,
    details: { add: change.add, remove: change.remove, updated },
  }),
};
