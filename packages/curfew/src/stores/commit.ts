import type { Account } from '../domain/account.ts';
import type { AccountId, KeyId, SessionId, SessionName, UserId } from '../domain/brand.ts';
import type { NewEvent } from '../domain/events.ts';
import type { ApiKey } from '../domain/key.ts';
import type { NamedSession } from '../domain/named.ts';
import type { End } from '../domain/reasons.ts';
import type { Epochs, StoredSession } from '../domain/session.ts';
import type { AccountWitness, LogScope, SessionSnapshot, SweepTask } from './contract.ts';

/*
 * What an engine does: it reads pictures, and commits a change if what the change was decided on still holds. It knows no
 * rule: why a session ends, how many a user may have, and who holds a name are decided in `rules/`.
 */

/**
 * What is written together, or not at all. Decided on the `before` of its rows and on the epochs `on`; if one of them is
 * not so any more, nothing is written, and the outcome is a conflict. The commit gives what only it can know: sequences
 * and marks, the number of a step, and how many sessions it ended.
 */
export type Change = {
  /** The call's time, in epoch milliseconds: log entries have it, and ends are written down at it. */
  at: number;
  on?: Standing | undefined;
  rows?: readonly RowChange[];
  step?: Step | undefined;
  /**
   * By how much the number of active sessions changes, of the user and of all. Requires `on`. Present, if only as 0,
   * whenever a session is created or ended: it gives the user a new revision.
   */
  count?: number | undefined;
  log?: readonly LogScope[];
  events?: readonly NewEvent[];
  /** It cannot wait until a full disk has room again: an end, or what takes rights away or comes before an end. */
  urgent?: boolean;
  /**
   * A sweep makes it. Nobody waits for it, so it may become durable after the commit; and a store that is full accepts
   * it if it can, because it leads to more room.
   */
  upkeep?: boolean;
};

/**
 * A user's epochs, and `revision`: the number of the commit that last created or ended a session of the user. With it, a
 * change holds only as long as the user has no other sessions than those that it was decided on.
 */
export type Standing = Epochs & { userId: UserId; revision?: number };

/** `before` absent: no row has the key. `after` absent: the row is removed. Both the same: it is only depended on. */
export type RowChange = SessionRow | SlotRow | AccountRow | KeyRow;

/** The aliases of a session that is created must be free; it then holds them until the sweep forgets it. */
export type SessionRow = {
  table: 'sessions';
  before?: StoredSession | undefined;
  /** A commit removes no session; the sweep forgets those that ended long ago. */
  after: StoredSession;
  /** The place in `log` of the entry whose sequence the end in `after` gets. */
  entry?: number;
  /** The last activity must be the same too: the change was decided on a deadline that follows from it. */
  untouched?: boolean;
};

/** The names that `after` has and `before` has not must be free. */
export type AccountRow = {
  table: 'accounts';
  before?: Account | AccountWitness | undefined;
  after?: Account | AccountWitness | undefined;
};

/** Only its revocation changes. */
export type KeyRow = { table: 'keys'; before?: ApiKey | undefined; after?: ApiKey | undefined };

/** The same slot is one with the same version and the same session: a slot that was removed and made again is another. */
export type SlotRow = { table: 'slots'; before?: NamedSession | undefined; after?: NamedSession | undefined };

/**
 * Moves the epoch of a user, or (without one) of everyone, past all sessions that have it. Nothing can conflict with it.
 * Its sequence is that of the first entry in `log`. `left`: how many active sessions stay. The commit adds the number
 * of ended ones to the event's details, as `ended`.
 */
export type Step = { userId: UserId | undefined; end: End; left: number; event: NewEvent };

export type Committed = {
  kind: 'committed';
  /** Those of the entries in `log`. */
  sequences: readonly number[];
  /** How many active sessions the step ended. */
  ended: number;
};

export type Outcome = Committed | { kind: 'conflict'; found: Found };

/** What a conflict found of the rows and epochs that the change names, read in the same step. */
export type Found = {
  /** Also those that have aliases which must be free. */
  sessions: ReadonlyMap<SessionId, SessionSnapshot>;
  slots: ReadonlyMap<SessionName, NamedSession>;
  /** Also those that have names which must be free. */
  accounts: ReadonlyMap<AccountId, Account>;
  keys: ReadonlyMap<KeyId, ApiKey>;
  on: Standing | undefined;
};

/** A page of a user's sessions whose end is not recorded and that no epoch has ended, oldest first. */
export type SessionsOfUser = {
  /** The revision is absent if an engine that computes it would have to look at more sessions than {@link mostRevised}. */
  on: Standing;
  sessions: readonly StoredSession[];
  /** The last session that was looked at, if there are others after it. */
  next: SessionId | undefined;
};

/** How many sessions a user may have for a change to depend on all of them: more than any limit allows. */
export const mostRevised = 20_000;

/** A session that a sweep may have to record as ended, and the slot of its name. */
export type Candidate = { snapshot: SessionSnapshot; slot: NamedSession | undefined };

/**
 * Some sessions whose ends a sweep has to record. Each scan begins where those before have come to, so that every session
 * comes up, whatever is recorded meanwhile. `more`: others may be left.
 */
export type Scan = {
  candidates: readonly Candidate[];
  more: boolean;
  /**
   * Called once their ends are recorded, with those that cannot be recorded now, for example because their own data is
   * damaged: others come before these next time.
   */
  settle(left: ReadonlySet<SessionId>): Promise<void>;
};

export interface Engine {
  /** Resolves when the change is durable and visible. Callers of one turn share a commit. */
  commit(change: Change): Promise<Outcome>;
  readSession(id: SessionId): Promise<SessionSnapshot | undefined>;
  /** At most `limit` sessions of a user, after the `next` of the page before. */
  readSessionsOf(userId: UserId, page: { after?: SessionId | undefined; limit: number }): Promise<SessionsOfUser>;
  readAccount(id: AccountId): Promise<Account | undefined>;
  readKey(id: KeyId): Promise<ApiKey | undefined>;
  /** A slot and its session, in one snapshot. */
  readSlot(name: SessionName): Promise<{ slot: NamedSession | undefined; held: SessionSnapshot | undefined }>;
  /** The sequence of the newest entry of the log. */
  head(): Promise<number>;
  /** A user's epochs, if the engine knows them without a round trip; then creations with the present epochs assume these. */
  epochsOf?(userId: UserId): Epochs;
  /** Resolves when everything that was read so far is durable. Absent if a change is visible only once it is, for sure. */
  durable?(): Promise<void>;

  // A piece of a sweep calls these three in this order.
  /** Sessions whose end is not recorded and that a step has passed, and others that it may have passed. */
  scanPassed(most: number): Promise<Scan>;
  /** Sessions whose end is not recorded and whose deadline has passed at `now`, those that are due longest first. */
  scanDue(now: number, most: number): Promise<Scan>;
  /** Deletes a piece of what is older than it is kept, and completes indexes that commits leave to a sweep. */
  forget(task: SweepTask): Promise<{ forgotten: number; more: boolean }>;
}
