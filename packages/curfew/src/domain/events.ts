import type { SessionId, UserId } from './brand.ts';
import type { Actor, EndReason } from './reasons.ts';

/** What is written down for good (for as long as events are kept): the audit trail. */
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
