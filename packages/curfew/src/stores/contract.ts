import type { Account } from '../domain/account.ts';
import type { AttemptRule } from '../domain/attempts.ts';
import type { AccessGroup, AccountId, KeyId, SessionId, SessionName, UserId } from '../domain/brand.ts';
import type { Event, EventFilter, NewEvent } from '../domain/events.ts';
import type { FactorShown } from '../domain/factor-shown.ts';
import type { GroupChange } from '../domain/groups.ts';
import type { ApiKey } from '../domain/key.ts';
import type { NamedSession } from '../domain/named.ts';
import type { Actor, End, SequencedEnd } from '../domain/reasons.ts';
import type { Epochs, RefreshState, SessionStatus, StoredSession } from '../domain/session.ts';
import type { StoreRecord } from './records.ts';

/*
 * The law for stores, in prose. `docs/stores.md` shows how each operation is done atomically on LMDB, PostgreSQL,
 * Redis and a Redis Cluster; `conformance/` is the suite that every store must pass.
 *
 * 1. Each operation is one atomic, durable write or one consistent read. When a promise of a write resolves, the
 *    change is on disk (or wherever the store's documented durability says) and visible to every later read.
 * 2. Absence is an answer (`undefined`, `not_found`); an error is a fault of the system. A rejected promise carries
 *    one of three codes, and the difference matters:
 *      `store_unavailable`, `store_full`: definite; nothing has changed.
 *      `outcome_unknown`: the write may or may not have happened. Asked again, it happens once.
 *    Nothing is ever half-written, and a fault is never reported as success.
 * 3. The change log: every change to what a verification may say (an end, suspend, resume, new tokens, groups, a
 *    user's epoch, everyone's epoch) or of an API key (its revocation) appends one entry in the same write. Sequences are dense, 1 2 3 …, and their
 *    order is the order in which the changes become visible: whoever has read entry s sees every change up to s.
 * 4. Ended is for good. No operation gives an ended session another state, another token, other groups or later
 *    activity. Ended means: an end is written down, or the user's or everyone's epoch has moved past the session's,
 *    or a deadline has passed at the operation's `now`. Every read derives all three alike.
 * 5. Versions only grow, by at least one with every change but a touch. A compare-and-set that finds another version
 *    changes nothing.
 * 6. A tombstone (an ended session) keeps the sequence of its end for as long as it is kept, an hour at least, and
 *    so does the log.
 * 7. What is audited is an event, appended in the same write as what it tells of.
 * 8. Clocks are the caller's: a store uses the `now` it is given and reads no clock.
 */
export interface Store {
  /** `lmdb`, `postgres`, `redis`. */
  readonly kind: string;

  // ---- Sessions ---------------------------------------------------------------------------------------------------

  /**
   * Writes a new session, with its indexes, its event, its name's reservation and whatever the limit makes it
   * replace, in one transaction.
   * - `epochs` given: they must still be the present ones, else `epoch_moved` and nothing is written (a sign-in that
   *   raced an end of all does not survive it). `'current'`: the session is stamped with the present ones.
   * - `limit` given: counts the user's sessions that have not ended at `now`. At the limit, `replace` ends as many of
   *   the oldest as it takes, each with reason `replaced`, a log entry and an event; `refuse` answers `too_many`.
   * - A name that another live session holds is `name_taken`; one whose slot is stopped is `name_stopped`. A free
   *   name's slot then holds this session; a name without a slot gets one (`kept: false`).
   * - Asked again with the same id and the same token hash (a retry): answers `created` as before, and does nothing.
   */
  createSession(creation: Creation): Promise<CreationOutcome>;

  /** A session and the epoch end that concerns it, read in one snapshot. Never older than the call. */
  readSession(id: SessionId): Promise<SessionSnapshot | undefined>;

  /** The session that a name's slot holds, if the slot holds one; it may have ended. */
  readNamedSession(name: SessionName): Promise<SessionSnapshot | undefined>;

  /**
   * Compare-and-set of one session's state. `version` is the one that was read. `logged` says whether it changes what
   * a verification may say. `lastSeenAt` never goes back.
   */
  changeSession(change: SessionChange): Promise<ChangeOutcome>;

  /**
   * Ends one session, with a log entry and an event. With `userId`, only if it is that user's: another's is
   * `not_found`, told apart by nothing. A session that has ended already is `already`, with its first end; if that
   * end was a deadline's that no sweep had written down, it is written down now, so that it has a sequence.
   */
  endSession(id: SessionId, end: End, condition?: { userId?: UserId | undefined }): Promise<EndOutcome>;

  /**
   * Ends all sessions of a user, those being created now too: one more on the user's epoch, one log entry, one event,
   * whatever the count. The epoch's row keeps reason, actor, time and sequence. The excepted session, which must be
   * the user's and not ended (else `not_found` and nothing is written), is stamped with the new epoch in the same
   * write. `ended` counts the sessions that this ended.
   */
  endSessionsOfUser(userId: UserId, end: End, condition?: { except?: SessionId | undefined }): Promise<EpochOutcome>;

  /** Ends every session there is, those being created now too: one more on everyone's epoch, like the above. */
  endEveryone(end: End): Promise<{ sequence: number; ended: number }>;

  /**
   * Changes access groups on all of a user's sessions that have not ended (or on the one that `only` names), all or
   * none, with one log entry and one event for the user. `updated` counts those that it changed; when it changed
   * none, `sequence` is the log's present head, so that a repeated call can wait for the first one's change.
   * @throws `too_many_groups`; then nothing is changed.
   */
  changeGroups(change: GroupsOfUser): Promise<GroupsOutcome>;

  /** Sets `lastSeenAt` to the later of what is kept and what is given. Creates, revives and logs nothing. */
  touchSessions(activities: readonly { id: SessionId; at: number }[]): Promise<void>;

  /**
   * A page of sessions, newest first. Every session that matches and was there throughout is on exactly one page,
   * whatever is created or ended meanwhile. A filter for user, group, name, address or status is fast at any size;
   * `text` scans, and stops after `budget` milliseconds with `partial: true` and a `next` to go on from.
   */
  listSessions(query: SessionQuery): Promise<SessionPage>;

  /**
   * How many sessions (of a user) are neither ended nor suspended at `now`. It costs the same whatever is due: when more
   * than `limits.dueCounted` have passed their deadline and the sweep has not written that down yet, those beyond are still
   * counted. Exact for a user with no more sessions than that.
   */
  countActive(now: number, userId?: UserId): Promise<number>;

  // ---- Users, accounts, keys --------------------------------------------------------------------------------------

  /** The account that a user has, if any, and the user's epochs, in one snapshot: what a creation must still find. */
  readUser(userId: UserId): Promise<{ account: Account | undefined; epochs: Epochs }>;

  /** As {@link readUser}, found by a unique name; `undefined` when there is no such account. */
  findAccount(by: { username: string } | { email: string }): Promise<{ account: Account; epochs: Epochs } | undefined>;

  /** Writes a new account if its user name and address are free. Asked again with the same id: `created`. */
  createAccount(account: Account, event: NewEvent): Promise<'created' | 'username_taken' | 'email_taken'>;

  /**
   * Compare-and-set of an account; a changed name or address must be free. With `end`, all the account's sessions
   * end in the same write, as by {@link endSessionsOfUser}: a disabled account has no session, not even one that is
   * being created. With `witness`, that account must be there in that version still, compared in the same step: else
   * it is a `conflict`, and nothing is written.
   */
  changeAccount(change: AccountChange): Promise<AccountOutcome>;

  /** Removes an account and ends all its sessions in one write; compare-and-set like {@link changeAccount}. */
  deleteAccount(deletion: AccountDeletion): Promise<DeletionOutcome>;

  /**
   * Accounts by user name; `text` is looked for in user name, address and name. That scans, and stops after `budget`
   * milliseconds with `partial: true` and a `next` to go on from.
   */
  listAccounts(query: AccountQuery): Promise<AccountPage>;

  createKey(key: ApiKey, event: NewEvent): Promise<void>;
  readKey(id: KeyId): Promise<ApiKey | undefined>;
  /**
   * Marks a key as revoked, with a log entry and an event. One that is revoked already keeps its time, and is as durable
   * as by the first call when this one resolves; then `sequence` is the log's present head, so that a repeated call can
   * wait for the first one's change. From the moment that a revocation is visible no read gives the key as it was, whether
   * or not it is known to be durable.
   */
  revokeKey(id: KeyId, at: number, event: NewEvent): Promise<{ key: ApiKey; sequence: number } | undefined>;
  /** Keys, newest first. */
  listKeys(query: { after?: KeyId | undefined; limit: number }): Promise<{ keys: ApiKey[]; next: KeyId | undefined }>;

  // ---- Named sessions ---------------------------------------------------------------------------------------------

  createNamed(slot: NamedSession, event: NewEvent): Promise<'created' | 'exists'>;
  readNamed(name: SessionName): Promise<NamedSession | undefined>;
  /** Compare-and-set of a slot's configuration and whether it is started; and from then on it is kept. */
  changeNamed(change: NamedChange): Promise<NamedSession | 'conflict' | 'not_found'>;
  /** Removes a slot; the session in it is the caller's to end first. Removing what is not there is no error. */
  removeNamed(name: SessionName, event: NewEvent): Promise<void>;
  /** Slots by name. */
  listNamed(query: { after?: SessionName | undefined; limit: number }): Promise<{
    slots: NamedSession[];
    next: SessionName | undefined;
  }>;

  // ---- Limits -----------------------------------------------------------------------------------------------------

  /**
   * Counts one attempt against a bucket if it has room, in one step for all nodes. The window starts with a bucket's
   * first attempt, and no other bucket shortens it. It outlives a restart of the servers; need not be durable.
   */
  takeAttempt(bucket: string, rule: AttemptRule, now: number): Promise<AttemptOutcome>;
  /** Notes of one attempt that it was a wrong guess: it is no longer open. In an empty bucket it changes nothing. */
  failAttempt(bucket: string): Promise<void>;
  /** Empties a bucket: after a success. */
  clearAttempts(bucket: string): Promise<void>;

  // ---- Events, log, nodes -----------------------------------------------------------------------------------------

  /** An event that tells of no other write, such as a refused sign-in. */
  appendEvent(event: NewEvent): Promise<void>;
  /**
   * Events by sequence: upwards after `after`, or downwards before `before` (or from the newest). Those that a filter names
   * are looked for, and it stops after `budget` milliseconds with `partial: true` and a `next` to go on from.
   */
  readEvents(query: EventQuery): Promise<EventPage>;

  /**
   * Entries from sequence `from` on, itself included, in order; at most `limit`. Whoever reads on begins with the last
   * entry that it has, and finds it there with the same mark: else it is another log. A gap means that the log was
   * trimmed. The sweep keeps the newest entry whatever its age, and of those that are too old the newest.
   */
  readLog(from: number, limit: number): Promise<LogEntry[]>;
  /** The newest entry whose change is visible, and what the store says of itself, read in one step. */
  logHead(): Promise<LogHead>;

  /**
   * Writes a node's row (docs/fence, R2), and answers with the log's head as read after that write was visible. It must
   * survive a crash of the store's own server, and need not be on any other: a failover changes the incarnation.
   */
  renewNode(row: NodeRow): Promise<LogHead>;
  /** With `tail`: says whether that is a position of this log, for whoever has followed one that far. */
  listNodes(tail?: LogPosition): Promise<NodeList>;
  /**
   * Removes a node's row; with `counter`, only if the row's counter is still that, in one step: a row that was judged
   * dead may have been renewed since, and then it must stay. Removing what is not there is no error.
   */
  removeNode(id: string, counter?: number): Promise<void>;
  /**
   * Writes down that the store has been this incarnation for longer than any lease lasts, so that nothing is believed
   * any more that was granted before. Does nothing when it is another one by now.
   */
  confirmIncarnation(incarnation: string): Promise<void>;

  /**
   * Calls back soon after the log has grown, here or elsewhere: a hint, which may be lost or come for nothing, since
   * the log is read every 100 milliseconds anyway. What it answers with ends that. A store without hints has none.
   */
  watchLog?(onGrowth: () => void): () => void;

  // ---- Upkeep -----------------------------------------------------------------------------------------------------

  /**
   * Tidies up, a bounded piece of work a call, safe on every node at once: writes down ends by deadline (with log
   * entry and event), writes down ends by epoch (without: the epoch had its own), forgets ended sessions, log
   * entries, events and attempts that are older than they are kept. When it is through, every index holds only what
   * is still there.
   */
  sweep(task: SweepTask): Promise<SweepOutcome>;

  /**
   * Everything that is kept, record by record, in one consistent picture; in bounded memory, at the reader's pace.
   * Attempts and nodes are of the moment, and not among it.
   */
  exportRecords(options?: ExportOptions): AsyncIterable<StoreRecord>;
  /**
   * Writes records into a store that is empty. All or nothing: when the stream fails, or the process dies, the store
   * is as empty as before, or refuses to be opened until it is emptied. `fingerprint`: what the secret key is known by
   * that they need, which is kept in the step in which they are there; nothing else may be kept by then.
   * @throws `store_not_empty`, and whatever the stream throws
   */
  importRecords(records: AsyncIterable<StoreRecord>, fingerprint?: string): Promise<void>;

  /** What the servers' secret key is known by, as it was kept first; it says nothing of the key. */
  keyFingerprint(): Promise<string | undefined>;
  /**
   * Keeps what the secret key is known by if nothing is kept yet, or if what is kept is `instead`: in one step for all
   * nodes. Answers with what is kept then.
   */
  keepKeyFingerprint(fingerprint: string, instead?: string): Promise<string>;
  /** The latest moment that the store has written down, in milliseconds; 0 when it is empty. */
  latestTime(): Promise<number>;
  /**
   * Takes back what a wrong clock made of the latest moment: a later one becomes `now`. Attempts whose window ends more
   * than a day after that are forgotten. Nothing else changes: what has ended stays ended.
   */
  mendTime(now: number): Promise<void>;
  /** Why it takes ends, and nothing else; `undefined` while it takes everything. A store that keeps no room for ends has none. */
  shortage?(): string | undefined;
  /** Resolves when the store can be read now. */
  ping(): Promise<void>;
  /** What `doctor` and the metrics tell of the store: its version, place, size and settings. */
  describe(): Promise<StoreDescription>;
  /** Finishes what it accepted and lets go. Every later call is `store_unavailable`. */
  close(): Promise<void>;
}

/** A session as read, with the end that an epoch gave it (the first, when both epochs have moved). */
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
  | { kind: 'too_many'; active: number };

export type SessionChange = {
  id: SessionId;
  version: number;
  set: Partial<{
    tokenHash: Uint8Array;
    refresh: RefreshState;
    factorShown: FactorShown | undefined;
    suspended: boolean;
    lastSeenAt: number;
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
  /** Lower case; looked for as it is. */
  text?: string | undefined;
};

export type SessionQuery = {
  filter: SessionFilter;
  /** The `next` of the page before. */
  after?: SessionId | undefined;
  limit: number;
  now: number;
  /** Milliseconds that a scan may take. */
  budget: number;
};

export type SessionPage = { sessions: SessionSnapshot[]; next: SessionId | undefined; partial: boolean };

export type AccountQuery = {
  /** The `next` of the page before. */
  after?: string | undefined;
  limit: number;
  text?: string | undefined;
  /** Milliseconds that a scan may take; without, as many as it takes. */
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

/** Another account that a change depends on: what is true of the two together stays true whoever changes either. */
export type AccountWitness = { id: AccountId; version: number };

export type AccountDeletion = {
  id: AccountId;
  version: number;
  event: NewEvent;
  end: End;
  witness?: AccountWitness | undefined;
};

export type DeletionOutcome = { kind: 'deleted'; sequence: number } | { kind: 'conflict' | 'not_found' };

export type AccountOutcome =
  | { kind: 'changed'; account: Account; sequence: number | undefined }
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
   * Of the attempts that were taken, how many may still turn out to be right: nobody has said of them that they failed.
   * 0 where one process has the store to itself, which knows of its own.
   */
  open: number;
  /** When the last of them was taken. */
  latest: number;
};

export type EventQuery = EventFilter & {
  after?: number | undefined;
  before?: number | undefined;
  limit: number;
  /** Milliseconds that looking for events may take; without, as many as it takes. */
  budget?: number | undefined;
};

export type EventPage = {
  events: Event[];
  next: number | undefined;
  /** The last event that was looked at, whether it is one of these or not; where the page began when there was none. */
  reached: number;
  partial: boolean;
};

/**
 * A place in the change log. The mark is the entry's own, and no other history of the store has the same one at the same
 * sequence: after a failover, numbers are used again. Before the first entry it is sequence 0 with an empty mark.
 */
export type LogPosition = { sequence: number; mark: string };

/** What a change touched: one session, everything of a user, an API key, or everything. */
export type LogScope = { sessionId: SessionId } | { userId: UserId } | { keyId: KeyId } | { all: true };

export type LogEntry = LogPosition & { at: number } & LogScope;

/** `oneMoment: false`: what is written meanwhile may be among the records, or not; no server that runs is a reason to refuse. */
export type ExportOptions = { oneMoment?: boolean };

export type LogHead = LogPosition & {
  /**
   * What this store is an incarnation of: another text once it was failed over or restored, so that what was
   * acknowledged before may be gone (docs/fence, R10). From what the server cannot fake.
   */
  incarnation: string;
  /** The store's own time, epoch milliseconds: the one that deadlines are judged by. */
  now: number;
};

/**
 * A server process: its counter grows with every renewal; it has followed the log up to `tail`, and nobody who is
 * attached to it may still be without a change up to `applied`. `lends`: it grants leases to verifiers in other
 * processes, which outlive it when it is killed; so its row must as well, also on a store that only one process has open.
 */
export type NodeRow = { id: string; counter: number; applied: number; tail: LogPosition; lends?: boolean };

/** The nodes' rows, and what the store says of itself, read in one step. */
export type NodeList = {
  /** `current`: the log has that node's `tail`, with that mark; else what it has applied is of another log. */
  nodes: (NodeRow & { current: boolean })[];
  /** Whether the log has the position that was asked about; true when none was. */
  follows: boolean;
  incarnation: string;
  /** Whether that is the incarnation which {@link Store.confirmIncarnation} has written down last. */
  confirmed: boolean;
};

export type SweepTask = {
  now: number;
  /** Milliseconds that ended sessions, and log entries, are kept. */
  keepEnded: number;
  keepEvents: number;
  /** Sessions, at most, that one call deals with. */
  batch: number;
};

export type SweepOutcome = {
  /** Sessions whose end by deadline was written down. */
  expired: number;
  /** Sessions whose end by epoch was written down. */
  endsWritten: number;
  /** Ended sessions that were forgotten. */
  forgotten: number;
  /** Whether there is more to do now. */
  more: boolean;
};

export type StoreDescription = {
  kind: string;
  /** The engine's version. */
  engine: string;
  /** The version of Curfew's own format in it. */
  format: number;
  location: string;
  bytes: number;
  /** Whatever else an operator should know, by name. */
  facts: Readonly<Record<string, string | number | boolean>>;
  warnings: readonly string[];
};

/** The version of what a store is made of, and the numbered steps that an opening would take; in SQL where there is any. */
export type SchemaPlan = {
  version: number;
  pending: readonly { number: number; name: string; sql?: string }[];
};
