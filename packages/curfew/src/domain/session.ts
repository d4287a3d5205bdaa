import type { AccessGroup, SessionId, SessionName, UserId } from './brand.ts';
import type { Device } from './device.ts';
import type { FactorShown } from './factor-shown.ts';
import type { Permission } from './permissions.ts';
import type { Actor, EndReason, SequencedEnd } from './reasons.ts';

/** `active`; `suspended`: kept, but not verifiable; `ended`: for good. */
export const sessionStatuses = ['active', 'suspended', 'ended'] as const;
export type SessionStatus = (typeof sessionStatuses)[number];

/** JSON that an application keeps with a session. */
export type Metadata = { readonly [key: string]: unknown };

/** A session as anybody may see it who may see it at all: no secret, no hash. Times are epoch milliseconds. */
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

/** How often everything of a user, and of everyone, has been ended. A session carries those it was opened under. */
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
  /** The second factor that was last confirmed for the present token. */
  factorShown: FactorShown | undefined;
  /**
   * What whoever opened it for its user may do; `undefined` when the user signed in by themselves, and in what was written
   * before this was noted. Set at the creation, and never changed.
   */
  openedWith: readonly Permission[] | undefined;
  /** Set once, and then for good. Its `sequence` is the change log's entry that a caller must be able to wait for. */
  end: SequencedEnd | undefined;
  version: number;
};

/** SHA-256 of the refresh token's secret and of the one before it; when the last rotation was, and how many there were. */
export type RefreshState = {
  hash: Uint8Array;
  previousHash: Uint8Array | undefined;
  rotatedAt: number | undefined;
  rotations: number;
};

/** What anybody may see of a stored session, given the end that {@link endOf} found. */
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

/** An end as derived: one by a deadline that no sweep has written down yet has no sequence. */
export type SessionEnd = Omit<SequencedEnd, 'sequence'> & { sequence: number | undefined };

/**
 * Whether and how a session has ended: the first of the end that was written down, the epoch end that the store
 * found for it, and its deadlines. `lastSeenAt` may be later than the stored one when activity is not flushed yet.
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

/** When a session ends by itself if nothing more happens: milliseconds since the epoch. */
export function nextDeadline(stored: StoredSession, lastSeenAt: number = stored.lastSeenAt): number {
  return Math.min(stored.expiresAt, lastSeenAt + stored.idle);
}

/** The end by a deadline that has passed at `now`. A session lives up to its deadline, and not at it. */
export function deadlineEnd(
  stored: StoredSession,
  now: number,
  lastSeenAt: number = stored.lastSeenAt,
): SessionEnd | undefined {
  const at = nextDeadline(stored, lastSeenAt);
  if (now < at) return undefined;
  return { at, by: 'policy', reason: at === stored.expiresAt ? 'expired' : 'idle', sequence: undefined };
}

/** Whether the activity of a verification changes anything: later than what is kept, of a session that has not ended. */
export function touch(stored: StoredSession, at: number): StoredSession | undefined {
  // Activity after the deadline is no activity of this session: it had ended by then.
  if (stored.end || at <= stored.lastSeenAt || at >= nextDeadline(stored)) return undefined;
  return { ...stored, lastSeenAt: at };
}
