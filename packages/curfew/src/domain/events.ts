import type { SessionId, UserId } from './brand.ts';
import type { GroupChange } from './groups.ts';
import type { Actor, End, EndReason } from './reasons.ts';
import type { StoredSession } from './session.ts';

/**
 * The types of events in the audit trail. A store may keep a type as its position in this list, so new ones are added
 * at the end.
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
  'sessions.imported',
] as const;

export type EventType = (typeof eventTypes)[number];

/** Something that happened. It never contains a token, a code or a password. `at`: epoch milliseconds. */
export type NewEvent = {
  type: EventType;
  at: number;
  by: Actor;
  userId?: UserId | undefined;
  sessionId?: SessionId | undefined;
  reason?: EndReason | undefined;
  /** Other small details: groups, an address, a name. */
  details?: { readonly [key: string]: unknown } | undefined;
};

/** An event with its position in the log: sequences grow and are never reused. */
export type Event = NewEvent & { sequence: number };

/** What events can be filtered by. */
export type EventFilter = {
  /** One type, or any of several. */
  type?: EventType | readonly EventType[] | undefined;
  userId?: UserId | undefined;
  sessionId?: SessionId | undefined;
  /** Who did it. */
  by?: Actor | undefined;
  /** Events at or after `since` and before `until`; epoch milliseconds. */
  since?: number | undefined;
  until?: number | undefined;
};

export function typesOf(type: EventType | readonly EventType[]): readonly EventType[] {
  return typeof type === 'string' ? [type] : type;
}

export function matchesEvent(event: NewEvent, { type, userId, sessionId, by, since, until }: EventFilter): boolean {
  if (type !== undefined && !typesOf(type).includes(event.type)) return false;
  if (by !== undefined && event.by !== by) return false;
  if (since !== undefined && event.at < since) return false;
  if (until !== undefined && event.at >= until) return false;
  if (userId !== undefined && event.userId !== userId) return false;
  return sessionId === undefined || event.sessionId === sessionId;
}

/** Whether a filter has any condition; without one, events are simply read in order. */
export function isFilter({ type, userId, sessionId, by, since, until }: EventFilter): boolean {
  return [type, userId, sessionId, by, since, until].some((part) => part !== undefined);
}

/** The events that stores write themselves, in the same write as what they record. */
export const storeEvents = {
  /** `at`: the session may have begun earlier, in another application. */
  created: (session: StoredSession, by: Actor, at: number = session.createdAt): NewEvent => ({
    type: 'session.created',
    at,
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
