import type { Account } from '../domain/account.ts';
import type { Alias, StoredAlias } from '../domain/alias.ts';
import type { AttemptRule } from '../domain/attempts.ts';
import type { AccessGroup, AccountId, KeyId, SessionId, SessionName, UserId } from '../domain/brand.ts';
import type { Event, EventFilter, NewEvent } from '../domain/events.ts';
import type { FactorShown } from '../domain/factor-shown.ts';
import type { GroupChange } from '../domain/groups.ts';
import type { ApiKey } from '../domain/key.ts';
import type { NamedSession } from '../domain/named.ts';
import type { Actor, End, SequencedEnd } from '../domain/reasons.ts';
import type { Epochs, RefreshState, SessionStatus, StoredSession } from '../domain/session.ts';
import { CurfewError, isCurfewError } from '../errors.ts';
import type { StoreRecord } from './records.ts';

/*
 * The contract that every store fulfils. `docs/stores.md` shows how each operation is done atomically on LMDB,
 * PostgreSQL and Redis; `conformance/` is the suite that every store must pass.
 *
 * 1. Each operation is one atomic, durable write or one consistent read. When a promise of a write resolves, the
 *    change is on disk (or wherever the store's documented durability says) and visible to every later read.
 * 2. Absence is an answer (`undefined`, `not_found`); an error is a fault of the system. A rejected promise carries
 *    one of three codes, and the difference matters:
 *      `store_unavailable`, `store_full`: definite; nothing has changed.
 *      `outcome_unknown`: the write may or may not have happened. Retrying it applies it exactly once.
 *    Nothing is ever half-written, and an error is never reported as success.
 * 3. The change log: every change that can alter the result of a verification (an end, suspend, resume, new tokens,
 *    groups, a user's epoch, everyone's epoch, the revocation of an API key) appends one entry in the same write.
 *    Sequences are dense (1, 2, 3 …), and their order is the order in which the changes become visible: a reader that
 *    has seen entry s sees every change up to s.
 * 4. An end is final. No operation gives an ended session another state, another token, other groups or later
 *    activity. A session has ended when an end is recorded, when the user's or everyone's epoch has moved past the
 *    session's, or when a deadline has passed at the operation's `now`. Every read checks all three.
 * 5. Versions only grow, by at least one with every change but a touch. A compare-and-set that finds another version
 *    changes nothing.
 * 6. A tombstone (an ended session) is kept for at least an hour, with the sequence of its end. So is the log. The time
 *    begins when the end is recorded: at the `now` of the call or of the sweep that records it, however late.
 * 7. Everything audited is an event, appended in the same write as the change that it describes.
 * 8. The caller provides the time: a store uses the `now` it is given and reads no clock.
 */
export interface Store {
  /** `lmdb`, `postgres`, `redis`. */
  readonly kind: string;

  // ---- Sessions ---------------------------------------------------------------------------------------------------

  /**
   * Writes a new session, with its indexes and its event, reserves its name and ends the sessions that the limit makes
   * it replace, all in one transaction.
   * - With `epochs`, they must still be the current ones; otherwise the answer is `epoch_moved` and nothing is written
   *   (a sign-in does not survive ending all sessions at the same time). `'current'` uses the current ones.
   * - With `limit`, counts the user's sessions that have not ended at `now`. At the limit, `replace` ends as many of
   *   the oldest as necessary, each with reason `replaced`, a log entry and an event; `refuse` answers `too_many`. Where
   *   very many must go, because the limit was lowered, most of them end before, in other transactions.
   * - A name that another live session holds is `name_taken`; one whose slot is stopped is `name_stopped`. A free
   *   name's slot then holds this session; a name without a slot gets one (`kept: false`).
   * - An alias that any other session has, live or ended, is `alias_taken`: it is free again once that session is deleted,
   *   so what stood for an ended session never stands for a later one meanwhile.
   * - A retry with the same id and the same token hash answers `created` as before and does nothing.
   */
  createSession(creation: Creation): Promise<CreationOutcome>;

  /** A session and the epoch end that applies to it, read in one snapshot that is never older than the call. */
  readSession(id: SessionId): Promise<SessionSnapshot | undefined>;

  /** The session in a name's slot, or `undefined` if the slot is empty. The session may have ended. */
  readNamedSession(name: SessionName): Promise<SessionSnapshot | undefined>;

  /** The session that has an alias, read like {@link readSession}. It may have ended, and the alias may be spent. */
  readSessionByAlias(alias: Alias): Promise<SessionSnapshot | undefined>;

  /**
   * Compare-and-set of one session's state. `version` is the one that was read. `logged`: whether the change can
   * alter the result of a verification. `lastSeenAt` and `idle` never decrease. A change of `aliases` only spends some of them.
   */
  changeSession(change: SessionChange): Promise<ChangeOutcome>;

  /**
   * Ends one session, with a log entry and an event. With `userId`, only if the session is that user's; another
   * user's session is an indistinguishable `not_found`. If the session has already ended, answers `already` with the
   * first end. If a deadline ended it and no sweep has recorded that, it is recorded now, so that it has a sequence.
   * `seen`: the session as the caller has read it before, which may save another read.
   */
  endSession(
    id: SessionId,
    end: End,
    condition?: { userId?: UserId | undefined; seen?: StoredSession | undefined },
  ): Promise<EndOutcome>;

  /**
   * Ends all sessions of a user, including those being created now: increments the user's epoch, with one log entry
   * and one event whatever the count. The epoch's row keeps reason, actor, time and sequence. The excepted session must
   * be the user's and not ended (otherwise `not_found`, and nothing is written); it gets the new epoch in the same
   * write. `ended` is the number of active sessions that this call ended; suspended ones end too.
   */
  endSessionsOfUser(userId: UserId, end: End, condition?: { except?: SessionId | undefined }): Promise<EpochOutcome>;

  /**
   * Ends every session, including those being created now: increments everyone's epoch, otherwise like the above.
   * `name`: of what is tried again and again. A store that can be out of reach in part goes on with what an earlier call
   * under it has begun, so that nobody is ended who has signed in since.
   */
  endEveryone(end: End, name?: string): Promise<{ sequence: number; ended: number }>;

  /**
   * Changes access groups on all of a user's sessions that have not ended (or only on the session `only`), all or
   * none, with one log entry and one event for the user. `updated` counts the sessions that changed. If none did,
   * `sequence` is the current head of the log, so that a repeated call can wait for the first one's change.
   * @throws `too_many_groups`, or `too_many_to_change` if the user has more than `limits.changedAtOnce` sessions; then
   *   nothing is changed.
   */
  changeGroups(change: GroupsOfUser): Promise<GroupsOutcome>;

  /**
   * Sets `lastSeenAt` to the later of the stored and the given time. Creates, revives and logs nothing.
   * @throws {PartlyTouched} if only some parts of the store have written it
   */
  touchSessions(activities: readonly { id: SessionId; at: number }[]): Promise<void>;

  /**
   * A page of sessions, newest first. Every matching session that exists throughout is on exactly one page, whatever
   * is created or ended meanwhile. A filter for user, group, name, address or status is fast at any size; `text` scans,
   * and stops after `budget` milliseconds with `partial: true` and a `next` from which to continue.
   */
  listSessions(query: SessionQuery): Promise<SessionPage>;

  /**
   * How many sessions (of a user) are neither ended nor suspended at `now`. The cost does not depend on how many are
   * due: if more than `limits.dueCounted` have passed their deadline before the sweep has recorded it, the rest
   * are still counted. The result is exact for a user with no more sessions than that.
   */
  countActive(now: number, userId?: UserId): Promise<number>;

  // ---- Users, accounts, keys --------------------------------------------------------------------------------------

  /**
   * A user's account, if any, and the user's epochs, in one snapshot; a creation checks that they are unchanged. A
   * user's epoch only grows, as long as the store has any session of the user, live or ended; see {@link sweep}.
   */
  readUser(userId: UserId): Promise<{ account: Account | undefined; epochs: Epochs }>;

  /** Like {@link readUser}, but finds the account by a unique name; `undefined` if there is none. */
  findAccount(by: { username: string } | { email: string }): Promise<{ account: Account; epochs: Epochs } | undefined>;

  /** Writes a new account if its user name and address are free. A retry with the same id answers `created`. */
  createAccount(account: Account, event: NewEvent): Promise<'created' | 'username_taken' | 'email_taken'>;

  /**
   * Compare-and-set of an account; a changed name or address must be free. With `end`, all the account's sessions
   * end in the same write, as with {@link endSessionsOfUser}: a disabled account has no session, not even one that is
   * being created. With `witness`, that account must still have that version, compared in the same step; otherwise the
   * answer is `conflict`, and nothing is written.
   */
  changeAccount(change: AccountChange): Promise<AccountOutcome>;

  /**
   * Removes an account and ends all its sessions in one write; compare-and-set like {@link changeAccount}. Where that takes
   * several steps, a call that does not find the account completes those that an earlier one has left.
   */
  deleteAccount(deletion: AccountDeletion): Promise<DeletionOutcome>;

  /**
   * Accounts by user name; `text` is searched for in user name, address and name. That scans, and stops after `budget`
   * milliseconds with `partial: true` and a `next` from which to continue.
   */
  listAccounts(query: AccountQuery): Promise<AccountPage>;

  createKey(key: ApiKey, event: NewEvent): Promise<void>;
  readKey(id: KeyId): Promise<ApiKey | undefined>;
  /**
   * Marks a key as revoked, with a log entry and an event. A key that is already revoked keeps its time, and when this
   * call resolves, the first revocation is durable; `sequence` is then the current head of the log, so that a repeated
   * call can wait for the first one's change. Once a revocation is visible, no read returns the key unrevoked, even
   * if the revocation is not yet known to be durable.
   */
  revokeKey(id: KeyId, at: number, event: NewEvent): Promise<{ key: ApiKey; sequence: number } | undefined>;
  /** Sets `lastUsedAt` to the later of the stored and the given time. Creates, revives and logs nothing. */
  touchKeys(uses: readonly { id: KeyId; at: number }[]): Promise<void>;
  /** Keys, newest first. */
  listKeys(query: { after?: KeyId | undefined; limit: number }): Promise<{ keys: ApiKey[]; next: KeyId | undefined }>;

  // ---- Named sessions ---------------------------------------------------------------------------------------------

  createNamed(slot: NamedSession, event: NewEvent): Promise<'created' | 'exists'>;
  readNamed(name: SessionName): Promise<NamedSession | undefined>;
  /** Compare-and-set of a slot's configuration and of whether it is started. From then on the slot is kept. */
  changeNamed(change: NamedChange): Promise<NamedSession | 'conflict' | 'not_found'>;
  /**
   * Removes a slot that still has that version and in which no session is left that has not ended at the event's time;
   * otherwise the answer is `conflict`, and nothing is written. Removing a slot that does not exist is no error.
   */
  removeNamed(name: SessionName, version: number, event: NewEvent): Promise<'removed' | 'conflict'>;
  /** Slots by name. */
  listNamed(query: { after?: SessionName | undefined; limit: number }): Promise<{
    slots: NamedSession[];
    next: SessionName | undefined;
  }>;

  // ---- Limits -----------------------------------------------------------------------------------------------------

  /**
   * Counts one attempt against a bucket if it has room, in one step for all nodes. The window starts with a bucket's
   * first attempt, and no other bucket shortens it. It survives a restart of the servers but need not be durable.
   */
  takeAttempt(bucket: string, rule: AttemptRule, now: number): Promise<AttemptOutcome>;
  /** Records that one attempt was a wrong guess, so it is no longer open. Does nothing to an empty bucket. */
  failAttempt(bucket: string): Promise<void>;
  /** Empties a bucket, after a success. */
  clearAttempts(bucket: string): Promise<void>;

  // ---- Events, log, nodes -----------------------------------------------------------------------------------------

  /** Appends an event that belongs to no other write, such as a refused sign-in. */
  appendEvent(event: NewEvent): Promise<void>;
  /**
   * Events by sequence: upwards after `after`, or downwards before `before` (or from the newest). With a filter it
   * searches, and stops after `budget` milliseconds with `partial: true` and a `next` from which to continue. What is
   * outside the filter's time is passed over, except for events that no sweep has looked at yet.
   */
  readEvents(query: EventQuery): Promise<EventPage>;

  /**
   * At most `limit` entries in order, from sequence `from` on, inclusive. A reader continues from the last entry that
   * it has and must find it with the same mark; otherwise this is another log. A gap means that the log was trimmed.
   * The sweep keeps the newest entry whatever its age, and the newest of those that are too old.
   */
  readLog(from: number, limit: number): Promise<LogEntry[]>;
  /**
   * The newest entry whose change is visible, and the store's incarnation and time, read in one step. With `userId`, every
   * change of that user's sessions that a read has shown before the call is in the log up to that entry.
   */
  logHead(userId?: UserId): Promise<LogHead>;

  /**
   * Writes a node's row (docs/fence, R2) and returns the log's head, read after that write was visible. The row must
   * survive a crash of the store's own server but need not be on any other: a failover changes the incarnation.
   */
  renewNode(row: NodeRow): Promise<LogHead>;
  /** With `tail`, also returns whether that is a position in this log, for a node that has followed one so far. */
  listNodes(tail?: LogPosition): Promise<NodeList>;
  /**
   * Removes a node's row; with `counter`, only if the row still has that counter, in one step: a row that was judged
   * dead may have been renewed since, and must then stay. Removing a row that does not exist is no error.
   */
  removeNode(id: string, counter?: number): Promise<void>;
  /**
   * Records that the store has been this incarnation for so long that no earlier grant is valid any more (docs/fence,
   * R10). Does nothing if the store is another incarnation by now.
   */
  confirmIncarnation(incarnation: string): Promise<void>;

  /**
   * Calls back soon after the log has grown, here or elsewhere. This is a hint, which may be lost or spurious: the log
   * is read every 100 milliseconds anyway. The returned function stops it. A store without hints omits this method.
   */
  watchLog?(onGrowth: () => void): () => void;

  // ---- Upkeep -----------------------------------------------------------------------------------------------------

  /**
   * Cleans up, a bounded amount of work for each call, safe on every node at once: records ends by deadline (with log
   * entry and event) and ends by epoch (without, because the epoch had its own), and deletes ended sessions, log
   * entries, events and attempts that are older than they are kept. It also writes the index of events by time. When it
   * has finished, every index holds only what still exists.
   * - Ends that one sweep records may be recorded in any order.
   * - Log entries and events are deleted in the order of their sequences, up to the first that is not old enough.
   * - A user's epoch is 0 again when it was last advanced as long ago as tombstones are kept, and no session of the
   *   user is left, live or ended. Everyone's epoch only grows.
   * @throws {PartlySwept} if only some parts of the store were swept
   */
  sweep(task: SweepTask): Promise<SweepOutcome>;

  /**
   * Exports everything that is kept, record by record, from one consistent snapshot, in bounded memory and at the
   * reader's pace. Attempts and nodes are transient and not included.
   */
  exportRecords(options?: ExportOptions): AsyncIterable<StoreRecord>;
  /**
   * Writes records into an empty store, all or nothing: if the stream fails or the process dies, the store is as
   * empty as before or refuses to open until it is emptied. `fingerprint` is that of the secret key that the records
   * need; it is stored in the same step, which fails if another one is stored by then.
   * @throws `store_not_empty`, and whatever the stream throws
   */
  importRecords(records: AsyncIterable<StoreRecord>, fingerprint?: string): Promise<void>;

  /** The fingerprint of the servers' secret key, as first stored. It reveals nothing about the key. */
  keyFingerprint(): Promise<string | undefined>;
  /**
   * Stores the secret key's fingerprint if there is none yet or the stored one is `instead`, in one step for all nodes.
   * Returns the fingerprint that is stored afterwards.
   */
  keepKeyFingerprint(fingerprint: string, instead?: string): Promise<string>;
  /**
   * The latest time of any change: of a log entry or an event, including those that have been deleted; in epoch
   * milliseconds, 0 if there was none. A sweep that finds nothing to record leaves it as it was.
   */
  latestTime(): Promise<number>;
  /**
   * Corrects a latest time that a wrong clock recorded: if it is later than `now`, it becomes `now`. Attempts whose
   * window ends more than a day later are deleted. Nothing else changes: what has ended stays ended.
   */
  mendTime(now: number): Promise<void>;
  /** Why the store accepts only ends; `undefined` if it accepts everything. Absent if it reserves no room for ends. */
  shortage?(): string | undefined;
  /** Resolves if the store can be read now. */
  ping(): Promise<void>;
  /**
   * Resolves if the store accepts every kind of write now. Leaves nothing behind, and takes a few milliseconds.
   * @throws what such a write would (`store_full`, `store_unavailable`, …), `store_unsafe`
   */
  tryWriting(): Promise<void>;
  /** What `doctor` and the metrics report about the store: its version, place, size and settings. */
  describe(): Promise<StoreDescription>;
  /** Finishes what it accepted and releases everything. Every later call fails with `store_unavailable`. */
  close(): Promise<void>;
}

/**
 * A session as read, with the end that an epoch gave it (the first one if both epochs have moved); `undefined` if none
 * did, or if the session's end is recorded.
 */
export type SessionSnapshot = { stored: StoredSession; epochEnd: SequencedEnd | undefined };

export type Creation = {
  session: StoredSession;
  epochs: Epochs | 'current';
  limit?: { max: number; excess: 'replace' | 'refuse' } | undefined;
  by: Actor;
  now: number;
};

export type CreationOutcome =
  | { kind: 'created'; session: StoredSession; replaced: SessionId[]; sequence: number | undefined }
  | { kind: 'epoch_moved' }
  | { kind: 'name_taken' }
  | { kind: 'name_stopped' }
  /** `holder`: the session that has it; of several aliases that are taken, the first one's. */
  | { kind: 'alias_taken'; holder: SessionId }
  /** `active`: how many the user has; of very many, not all are counted. */
  | { kind: 'too_many'; active: number };

export type SessionChange = {
  id: SessionId;
  version: number;
  set: Partial<{
    tokenHash: Uint8Array;
    refresh: RefreshState;
    factorShown: FactorShown | undefined;
    aliases: readonly StoredAlias[];
    suspended: boolean;
    lastSeenAt: number;
    data: string | undefined;
    /** Never shorter than before: indexes by deadline may look at a session too early, but not too late. */
    idle: number;
  }>;
  logged: boolean;
  event?: NewEvent | undefined;
  now: number;
};

export type ChangeOutcome =
  | { kind: 'changed'; session: StoredSession; sequence: number | undefined }
  | { kind: 'conflict' }
  | { kind: 'ended' }
  | { kind: 'not_found' };

export type EndOutcome =
  | { kind: 'ended' | 'already'; session: StoredSession; end: SequencedEnd }
  | { kind: 'not_found' };

export type EpochOutcome = { kind: 'ended'; sequence: number; ended: number } | { kind: 'not_found' };

export type GroupsOfUser = {
  userId: UserId;
  change: GroupChange;
  only?: SessionId | undefined;
  by: Actor;
  now: number;
};

export type GroupsOutcome = { kind: 'changed'; updated: number; sequence: number } | { kind: 'not_found' };

export type SessionFilter = {
  userId?: UserId | undefined;
  accessGroup?: AccessGroup | undefined;
  name?: SessionName | undefined;
  ip?: string | undefined;
  status?: SessionStatus | undefined;
  /** Lower case; matched literally. */
  text?: string | undefined;
};

export type SessionQuery = {
  filter: SessionFilter;
  /** The `next` of the previous page. */
  after?: SessionId | undefined;
  limit: number;
  now: number;
  /** Milliseconds that a scan may take. */
  budget: number;
};

export type SessionPage = { sessions: SessionSnapshot[]; next: SessionId | undefined; partial: boolean };

export type AccountQuery = {
  /** The `next` of the previous page. */
  after?: string | undefined;
  limit: number;
  text?: string | undefined;
  /** Milliseconds that a scan may take; unlimited if absent. */
  budget?: number | undefined;
};

export type AccountPage = { accounts: Account[]; next: string | undefined; partial: boolean };

export type AccountChange = {
  id: AccountId;
  version: number;
  set: Partial<Omit<Account, 'id' | 'version' | 'createdAt'>>;
  event: NewEvent | undefined;
  end?: End | undefined;
  /** A session of the account that `end` spares. */
  except?: SessionId | undefined;
  witness?: AccountWitness | undefined;
};

/** Another account that a change depends on, so that a condition on both holds whichever of them changes. */
export type AccountWitness = { id: AccountId; version: number };

export type AccountDeletion = {
  id: AccountId;
  version: number;
  event: NewEvent;
  end: End;
  witness?: AccountWitness | undefined;
};

export type DeletionOutcome =
  | { kind: 'deleted'; sequence: number }
  /** `sequence`: that of what this call has completed. */
  | { kind: 'not_found'; sequence?: number }
  | { kind: 'conflict' };

export type AccountOutcome =
  /** `ended`: how many sessions `end` has ended. */
  | { kind: 'changed'; account: Account; sequence: number | undefined; ended: number }
  | { kind: 'conflict' | 'not_found' | 'username_taken' | 'email_taken' };

export type NamedChange = {
  name: SessionName;
  version: number;
  set: Partial<Pick<NamedSession, 'config' | 'started'>>;
  now: number;
  event: NewEvent | undefined;
};

export type AttemptOutcome = {
  allowed: boolean;
  remaining: number;
  resetAt: number;
  /**
   * How many of the attempts may still turn out to be right, because nobody has reported them as failed. 0 if one
   * process owns the store, since that process knows its own.
   */
  open: number;
  /** When the last attempt was made. */
  latest: number;
};

export type EventQuery = EventFilter & {
  after?: number | undefined;
  before?: number | undefined;
  limit: number;
  /** Milliseconds that the search may take; unlimited if absent. */
  budget?: number | undefined;
};

export type EventPage = {
  events: Event[];
  next: number | undefined;
  /** The last event examined, whether it matched or not; where the page began if there was none. */
  reached: number;
  partial: boolean;
};

/**
 * A place in the change log. The mark is unique to the entry: no other history of the store has the same mark at
 * the same sequence, although a failover reuses numbers. The position before the first entry is sequence 0 with an
 * empty mark.
 */
export type LogPosition = { sequence: number; mark: string };

/** What a change affected: one session, everything of a user, an API key, or everything. */
export type LogScope = { sessionId: SessionId } | { userId: UserId } | { keyId: KeyId } | { all: true };

export type LogEntry = LogPosition & { at: number } & LogScope;

/** `oneMoment: false`: concurrent writes may or may not be included, and the export runs even while servers do. */
export type ExportOptions = { oneMoment?: boolean };

export type LogHead = LogPosition & {
  /**
   * Identifies the store's incarnation. It changes when the store is failed over or restored, because writes that were
   * acknowledged before may be lost (docs/fence, R10). It derives from what a restored copy or a promoted replica
   * cannot have: PostgreSQL's system identifier and timeline, Redis's replication id, the identity of LMDB's files.
   */
  incarnation: string;
  /** The store's own time in epoch milliseconds, by which deadlines are judged. */
  now: number;
};

/**
 * A server process. `counter` grows with every renewal; the process has followed the log up to `tail`, and nobody
 * with a valid lease of it lacks a change up to `applied`. `lends`: it grants leases to verifiers in other processes.
 * They are still valid after it is killed, so its row must survive too, even in a store that only one process has open.
 */
export type NodeRow = { id: string; counter: number; applied: number; tail: LogPosition; lends?: boolean };

/** The nodes' rows and the store's incarnation, read in one step. */
export type NodeList = {
  /** `current`: the log has that node's `tail`, with that mark; otherwise the node has applied another log. */
  nodes: (NodeRow & { current: boolean })[];
  /** Whether the log has the position that was given; true if none was. */
  follows: boolean;
  incarnation: string;
  /** Whether that is the incarnation that {@link Store.confirmIncarnation} last recorded. */
  confirmed: boolean;
};

export type SweepTask = {
  now: number;
  /** Milliseconds for which ended sessions and log entries are kept. */
  keepEnded: number;
  keepEvents: number;
  /** The most sessions that one call handles. */
  batch: number;
  /**
   * When a session was last seen, as far as the caller knows: use that is not written yet keeps it from ending as idle. The
   * same function in every call.
   */
  lastSeen?: (stored: StoredSession) => number;
};

export type SweepOutcome = {
  /** Sessions whose end by deadline was recorded. */
  expired: number;
  /** Sessions whose end by epoch was recorded. */
  endsWritten: number;
  /** Ended sessions that were deleted. */
  forgotten: number;
  /** Whether there is more to do now. */
  more: boolean;
};

/** Some parts of a store could not do what was asked, for example because they are out of reach; all others have done it. */
class PartlyDone extends CurfewError {
  constructor(fault: unknown) {
    if (isCurfewError(fault)) super(fault.code, fault.facts, fault);
    else super('store_unavailable', {}, fault);
  }
}

/** The activity of some sessions is not written. */
export class PartlyTouched extends PartlyDone {
  /** Whether a session, also one that was not asked for, is in a part that has failed. */
  readonly lacks: (id: SessionId) => boolean;

  constructor(fault: unknown, lacks: (id: SessionId) => boolean) {
    super(fault);
    this.lacks = lacks;
  }
}

/** Some parts are not swept. */
export class PartlySwept extends PartlyDone {
  /** What the others have done, and whether there is more to do in them. */
  readonly outcome: SweepOutcome;

  constructor(fault: unknown, outcome: SweepOutcome) {
    super(fault);
    this.outcome = outcome;
  }
}

export type StoreDescription = {
  kind: string;
  /** The engine's version. */
  engine: string;
  /** The version of Curfew's own format in it. */
  format: number;
  location: string;
  bytes: number;
  /** Anything else that an operator should know, by name. */
  facts: Readonly<Record<string, string | number | boolean>>;
  warnings: readonly string[];
};

/** The version of a store's schema, and the numbered steps that opening it would take, with their SQL if any. */
export type SchemaPlan = {
  version: number;
  pending: readonly { number: number; name: string; sql?: string }[];
};
