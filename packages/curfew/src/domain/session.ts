import type { StoredAlias } from './alias.ts';
import type { AccessGroup, SessionId, SessionName, UserId } from './brand.ts';
import type { Device } from './device.ts';
import type { FactorShown } from './factor-shown.ts';
import type { Permission } from './permissions.ts';
import type { Actor, EndReason, SequencedEnd } from './reasons.ts';

/** `active`; `suspended`: kept, but not valid for now; `ended`: never valid again. */
export const sessionStatuses = ['active', 'suspended', 'ended'] as const;
export type SessionStatus = (typeof sessionStatuses)[number];

/** JSON that an application keeps with a session. */
export type Metadata = { readonly [key: string]: unknown };

/** A session as callers may see it: no secret, no hash. Times are epoch milliseconds. */
export type Session = {
  id: SessionId;
  userId: UserId;
  name: SessionName | undefined;
  status: SessionStatus;
  accessGroups: readonly AccessGroup[];
  device: Device;
  userAgent: string | undefined;
  ip: string | undefined;
  createdAt: number;
  authenticatedAt: number;
  lastSeenAt: number;
  expiresAt: number;
  idleExpiresAt: number;
  metadata: Metadata;
  endedAt: number | undefined;
  endedBy: Actor | undefined;
  endReason: EndReason | undefined;
  /** Grows with every change. */
  version: number;
};

/** How often all sessions of a user, and of everyone, have been ended. A session keeps the values at its opening. */
export type Epochs = { readonly user: number; readonly everyone: number };

/** A session as a store keeps it. */
export type StoredSession = {
  id: SessionId;
  userId: UserId;
  name: SessionName | undefined;
  suspended: boolean;
  accessGroups: readonly AccessGroup[];
  device: Device;
  userAgent: string | undefined;
  ip: string | undefined;
  createdAt: number;
  authenticatedAt: number;
  lastSeenAt: number;
  expiresAt: number;
  /** Milliseconds without activity after which it ends. */
  idle: number;
  metadata: Metadata;
  epochs: Epochs;
  /** SHA-256 of the session token's secret: 32 bytes. */
  tokenHash: Uint8Array;
  refresh: RefreshState;
  /** The second factor that was last confirmed for the current token. */
  factorShown: FactorShown | undefined;
  /**
   * The permissions of the caller that opened it for its user; `undefined` if the user signed in, and in sessions from
   * before this was recorded. Never changes.
   */
  openedWith: readonly Permission[] | undefined;
  /**
   * What the application keeps with it: text without control characters. No list and no event has it; a verification by
   * an alias does.
   */
  data: string | undefined;
  /** Never shown to anybody. Which they are never changes; each can be spent once. */
  aliases: readonly StoredAlias[];
  /**
   * Set once and never changed. Its `sequence` is the entry of the change log that a caller must be able to wait for.
   */
  end: SequencedEnd | undefined;
  version: number;
};

/**
 * SHA-256 of the secrets of the refresh token and of the previous one; the time of the last rotation, and their number.
 */
export type RefreshState = {
  hash: Uint8Array;
  previousHash: Uint8Array | undefined;
  rotatedAt: number | undefined;
  rotations: number;
};

/** What callers may see of a stored session, given the end that {@link endOf} found. */
export function viewOf(stored: StoredSession, end: SessionEnd | undefined): Session {
  return {
    id: stored.id,
    userId: stored.userId,
    name: stored.name,
    status: end ? 'ended' : stored.suspended ? 'suspended' : 'active',
    accessGroups: stored.accessGroups,
    device: stored.device,
    userAgent: stored.userAgent,
    ip: stored.ip,
    createdAt: stored.createdAt,
    authenticatedAt: stored.authenticatedAt,
    lastSeenAt: stored.lastSeenAt,
    expiresAt: stored.expiresAt,
    idleExpiresAt: stored.lastSeenAt + stored.idle,
    metadata: stored.metadata,
    endedAt: end?.at,
    endedBy: end?.by,
    endReason: end?.reason,
    version: stored.version,
  };
}

/** An end as computed: one by a deadline that no sweep has written yet has no sequence. */
export type SessionEnd = Omit<SequencedEnd, 'sequence'> & { sequence: number | undefined };

/**
 * Whether and how a session has ended: the stored end, or else the earlier of the epoch end that the store found for it
 * and its deadline. `lastSeenAt` may be later than the stored one if activity has not been flushed yet.
 */
export function endOf(
  stored: StoredSession,
  epochEnd: SequencedEnd | undefined,
  now: number,
  lastSeenAt: number = stored.lastSeenAt,
): SessionEnd | undefined {
  if (stored.end) return stored.end;
  const deadline = deadlineEnd(stored, now, lastSeenAt);
  if (!epochEnd) return deadline;
  return deadline && deadline.at < epochEnd.at ? deadline : epochEnd;
}

/** When a session ends if nothing more happens, in epoch milliseconds. */
export function nextDeadline(stored: StoredSession, lastSeenAt: number = stored.lastSeenAt): number {
  return Math.min(stored.expiresAt, lastSeenAt + stored.idle);
}

/** The end by a deadline that has passed at `now`. At its deadline a session has already ended. */
export function deadlineEnd(
  stored: StoredSession,
  now: number,
  lastSeenAt: number = stored.lastSeenAt,
): SessionEnd | undefined {
  const at = nextDeadline(stored, lastSeenAt);
  if (now < at) return undefined;
  return { at, by: 'policy', reason: at === stored.expiresAt ? 'expired' : 'idle', sequence: undefined };
}

/**
 * The session with its activity at `at`; `undefined` if nothing changes: it has ended, or the activity is not newer.
 */
export function touch(stored: StoredSession, at: number): StoredSession | undefined {
  // Activity at or after the deadline does not count: the session had ended by then.
  if (stored.end || at <= stored.lastSeenAt || at >= nextDeadline(stored)) return undefined;
  return { ...stored, lastSeenAt: at };
}
