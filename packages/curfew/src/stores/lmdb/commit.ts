import type { RootDatabase } from 'lmdb';
import { type Alias, nameOfAlias } from '../../domain/alias.ts';
import type { KeyId, SessionId, UserId } from '../../domain/brand.ts';
import type { NewEvent } from '../../domain/events.ts';
import type { ApiKey } from '../../domain/key.ts';
import type { SequencedEnd } from '../../domain/reasons.ts';
import type { Epochs, StoredSession } from '../../domain/session.ts';
import { CurfewError, isCurfewError } from '../../errors.ts';
import type { LogScope } from '../contract.ts';
import { type Counters, countersOf, encodeEvent, encodeLog, nextCheckAtOf, type Row } from './codec.ts';
import { type EpochBook, type EpochHistory, firstEnd, loadEpochs, numberOf, putStep, removeStep } from './epochs.ts';
import { writeFault } from './faults.ts';
import { type FreshSession, type FreshSessions, freshOf, loadFresh } from './fresh.ts';
import { userKey } from './keys.ts';
import { type Pace, shared } from './pace.ts';
import type { Reserve } from './reserve.ts';
import { Revisions } from './revisions.ts';
import { putInOrder, type Tables } from './tables.ts';

/** The part of the store that is kept in memory, as of the newest visible commit. */
export type State = Counters & {
  epochs: EpochBook;
  progress: Progress;
  fresh: FreshSessions;
  /** Those of them that a transaction has placed which may be visible, although this state does not say so yet. */
  placing: ReadonlySet<SessionId>;
  revisions: Revisions;
  /** API keys, because each request has one; only this process can revoke them. */
  keys: Map<KeyId, ApiKey>;
};

/** How far the sweep has followed the log and the events. */
export type Progress = {
  /** The log entry up to which ended sessions have been moved to the past. */
  readonly buried: number;
  /** The event up to which created sessions have been placed in the indexes. */
  readonly placed: number;
  /** The event up to which some sessions may have been placed: those that the placing in progress covers. */
  readonly begun: number;
};

const none: ReadonlySet<SessionId> = new Set();

/** How many items one write of {@link Committer.runInPieces} has. */
const piece = 20;

const countersKey = 'counters';
const progressKey = 'progress';

export function loadState(tables: Tables): State {
  const [newest] = tables.events.getRange({ reverse: true, limit: 1 });
  const told = newest && countersOf(newest.key, newest.value);
  const kept = keptCounters(tables);
  const later = told && (told.head > kept.head || told.lastEvent > kept.lastEvent);
  const progress = keptProgress(tables, Math.max(kept.lastEvent, told?.lastEvent ?? 0));
  const fresh = loadFresh(tables, progress);
  const inMemory = { epochs: loadEpochs(tables), fresh, placing: none, revisions: new Revisions(), keys: new Map() };
  return { ...(later ? told : kept), progress, ...inMemory };
}

/** Earlier versions did not record `begun`, so any session may have been placed. A new store has placed nothing. */
function keptProgress(tables: Tables, lastEvent: number): Progress {
  const kept = tables.meta.get(progressKey) as Partial<Progress> | undefined;
  return { buried: 0, placed: 0, begun: kept ? lastEvent : 0, ...kept };
}

function keptCounters(tables: Tables): Counters {
  const kept = (tables.meta.get(countersKey) as Counters | number[] | undefined) ?? [0, 0, 0, 0];
  if (!Array.isArray(kept)) return kept;
  // Early versions of format 1 kept them as an array.
  const [head, lastEvent, active, time] = kept as [number, number, number, number];
  return { head, lastEvent, active, time };
}

/** Adds the newest entry of the log, which a store of an earlier version, or one filled at once, may lack. */
export function completeLog(tables: Tables, { head, time }: Pick<Counters, 'head' | 'time'>): void {
  // It concerns everything, because a reader that follows the log from here holds nothing from before.
  if (head > 0 && !tables.log.doesExist(head)) tables.log.put(head, encodeLog({ all: true }, time));
}

/** Records the counters of a store that was filled at once; it is then reopened, or loaded again. */
export function setCounters(tables: Tables, counters: Counters, progress: Progress): void {
  tables.meta.put(countersKey, counters);
  tables.meta.put(progressKey, progress);
}

/**
 * A batch of writes in preparation: it sees what its earlier writes did, and affects nothing outside its transaction
 * until the commit is visible.
 */
export class Draft {
  head: number;
  active: number;
  progress: Progress;
  /** Whether the batch has become visible. */
  published = false;
  readonly #tables: Tables;
  #lastEvent: number;
  #lastTold: NewEvent | undefined;
  #time: number;
  readonly #state: State;
  #everyone: EpochHistory;
  readonly #users: Map<UserId, EpochHistory> = new Map();
  readonly #created: Map<SessionId, FreshSession> = new Map();
  /** Rows of created sessions that are not in the table yet. */
  readonly #unwritten: Map<SessionId, Row> = new Map();
  readonly #placed: Set<SessionId> = new Set();
  readonly #changedKeys: Set<KeyId> = new Set();
  readonly #setAside: Set<UserId> = new Set();
  readonly #revised: Map<UserId, number> = new Map();

  constructor(tables: Tables, state: State) {
    this.#tables = tables;
    this.#state = state;
    this.head = state.head;
    this.active = state.active;
    this.progress = state.progress;
    this.#lastEvent = state.lastEvent;
    this.#time = state.time;
    this.#everyone = state.epochs.everyone;
  }

  /** The tables, with everything that the batch has done so far. */
  get tables(): Tables {
    this.#writeCreated();
    return this.#tables;
  }

  /** The row of a session, without first writing the created ones. */
  rowOf(id: SessionId): Row | undefined {
    return this.#unwritten.get(id) ?? this.#tables.sessions.get(id) ?? this.#tables.ended.get(id);
  }

  /** The session that has an alias, without first writing the created ones. */
  holderOf(alias: Alias): SessionId | undefined {
    return this.#tables.aliases.get(nameOfAlias(alias)) as SessionId | undefined;
  }

  /** Gives a new session its aliases. */
  holdAliases({ id, aliases }: StoredSession): void {
    for (const alias of aliases) this.#tables.aliases.put(nameOfAlias(alias), id);
  }

  /** Writes the batch's new sessions together, in the order of their ids, so that pages are filled, not split. */
  #writeCreated(): void {
    if (this.#unwritten.size === 0) return;
    const rows = [...this.#unwritten].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#unwritten.clear();
    putInOrder(this.#tables.sessions, rows);
  }

  get lastEvent(): number {
    return this.#lastEvent;
  }

  /** Appends to the change log. */
  log(scope: LogScope, at: number): number {
    this.head += 1;
    this.#tables.log.put(this.head, encodeLog(scope, at));
    this.#seen(at);
    return this.head;
  }

  event(event: NewEvent): void {
    this.#writeLastEvent(undefined);
    this.#lastEvent += 1;
    this.#lastTold = event;
    this.#seen(event.at);
  }

  /** Adds a session whose creation the last event records, and which is in no index yet. */
  created(stored: StoredSession, row: Row): void {
    this.#unwritten.set(stored.id, row);
    this.#created.set(stored.id, freshOf(stored, nextCheckAtOf(row), this.#lastEvent));
  }

  get createdAny(): boolean {
    return this.#created.size > 0;
  }

  /** Notes that a session is now in the indexes. */
  placed(id: SessionId): void {
    this.#placed.add(id);
  }

  /** Whether a session is in no index yet. */
  isFresh(id: SessionId): boolean {
    return (this.#state.fresh.has(id) || this.#created.has(id)) && !this.#placed.has(id);
  }

  /** How many of a user's sessions of these epochs are in no index yet. */
  countFresh(userId: UserId, epochs: Epochs): number {
    const { fresh } = this.#state;
    const key = userKey(userId, epochs);
    let count = fresh.countUnder(key);
    for (const id of this.#placed) if (fresh.isUnder(id, key)) count -= 1;
    for (const session of this.#created.values()) if (session.key === key && !this.#placed.has(session.id)) count += 1;
    return count;
  }

  /** Whether any session of a user is in no index yet, whatever its epochs. */
  hasFresh(userId: UserId): boolean {
    for (const source of this.#state.fresh.ofUser(userId)) {
      for (const id of source.ascending(undefined)) if (!this.#placed.has(id)) return true;
    }
    for (const session of this.#created.values()) {
      if (session.userId === userId && !this.#placed.has(session.id)) return true;
    }
    return false;
  }

  /** Notes that a session of a user was created or ended. */
  revise(userId: UserId): void {
    this.#revised.set(userId, this.#state.revisions.next());
  }

  revisionOf(userId: UserId): number {
    return this.#revised.get(userId) ?? this.#state.revisions.of(userId);
  }

  /** Notes that a key has changed: its cached value is dropped as soon as that is visible, on disk or not. */
  keyChanged(id: KeyId): void {
    this.#changedKeys.add(id);
  }

  epochsOf(userId: UserId): Epochs {
    return { user: numberOf(this.historyOf(userId)), everyone: numberOf(this.#everyone) };
  }

  historyOf(userId: UserId | undefined): EpochHistory {
    if (userId === undefined) return this.#everyone;
    return this.#users.get(userId) ?? this.#state.epochs.historyOf(userId);
  }

  epochEnd(session: StoredSession): SequencedEnd | undefined {
    return firstEnd(session, this.historyOf(session.userId), this.#everyone);
  }

  /** Moves the epoch of a user, or (`undefined`) of everyone, past all sessions that have it. */
  moveEpoch(userId: UserId | undefined, end: SequencedEnd): void {
    const history = this.historyOf(userId);
    const step = { number: numberOf(history) + 1, end, settled: false };
    putStep(this.#tables, userId, step);
    if (userId !== undefined) this.#setAside.delete(userId);
    this.#setHistory(userId, [...history, step]);
  }

  /** Replaces the stored steps of an epoch, in memory and on disk. */
  rewriteHistory(userId: UserId | undefined, history: EpochHistory): void {
    for (const step of this.historyOf(userId)) {
      if (!history.some(({ number }) => number === step.number)) removeStep(this.#tables, userId, step);
    }
    for (const step of history) putStep(this.#tables, userId, step);
    this.#setHistory(userId, history);
  }

  /** Notes that the ends of all sessions that an epoch's steps up to one have passed are recorded. */
  settleSteps(userId: UserId | undefined, last: number): void {
    const settled = this.historyOf(userId).map((step) => (step.number > last ? step : { ...step, settled: true }));
    this.rewriteHistory(userId, settled);
  }

  /** Notes that a user's history was old, and has been dealt with. */
  setAside(userId: UserId): void {
    this.#setAside.add(userId);
  }

  #setHistory(userId: UserId | undefined, history: EpochHistory): void {
    if (userId === undefined) this.#everyone = history;
    else this.#users.set(userId, history);
  }

  /** Lowers the latest time to at most this one. */
  mendTime(now: number): void {
    this.#time = Math.min(this.#time, now);
    this.keepCounters();
  }

  #seen(at: number): void {
    if (at > this.#time) this.#time = at;
  }

  /** Makes the last writes of the batch: the counters for the next batch, or the next start. */
  finish(): void {
    this.#writeCreated();
    const state = this.#state;
    const counters = { head: this.head, lastEvent: this.#lastEvent, active: this.active, time: this.#time };
    if (this.#lastTold) this.#writeLastEvent(counters);
    else if (this.head !== state.head || this.active !== state.active) this.keepCounters();
    if (this.progress !== state.progress) this.#tables.meta.put(progressKey, this.progress);
    state.placing = this.#placed;
  }

  /** Writes the counters separately: if no event contains them, or if events are being deleted. */
  keepCounters(): void {
    const { head, active } = this;
    this.#tables.meta.put(countersKey, { head, lastEvent: this.#lastEvent, active, time: this.#time });
  }

  #writeLastEvent(counters: Counters | undefined): void {
    if (this.#lastTold) this.#tables.events.put(this.#lastEvent, encodeEvent(this.#lastTold, counters));
  }

  /** Applies the batch to the state in memory, after its commit has become visible. */
  publish(): void {
    this.published = true;
    const state = this.#state;
    state.head = this.head;
    state.lastEvent = this.#lastEvent;
    state.active = this.active;
    state.time = this.#time;
    for (const session of this.#created.values()) state.fresh.add(session);
    for (const id of this.#placed) state.fresh.remove(id);
    state.placing = none;
    for (const id of this.#changedKeys) state.keys.delete(id);
    state.progress = this.progress;
    state.epochs.everyone = this.#everyone;
    for (const [userId, history] of this.#users) state.epochs.set(userId, history);
    for (const userId of this.#setAside) state.epochs.setAside(userId);
    for (const [userId, revision] of this.#revised) state.revisions.set(userId, revision);
  }
}

type Write<T> = (draft: Draft) => T;
/** `urgent`: it cannot wait until a full disk has room again. */
type Task = {
  write: Write<unknown>;
  urgent: boolean;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
};
type TaskResult = { task: Task } & ({ value: unknown } | { refusal: CurfewError });

/**
 * Group commit: writes that arrive while a transaction is in progress go into the next one and share its sync. A write
 * first checks and then writes: it may refuse (throw a `CurfewError`) only before it has written.
 */
export class Committer {
  readonly #tables: Tables;
  readonly #state: State;
  readonly #folder: string;
  readonly #reserve: Reserve;
  #queue: Task[] = [];
  #draining: Promise<void> | undefined;
  readonly #watchers: Set<() => void> = new Set();
  readonly #pace: Pace;
  #closed = false;
  /** Why the disk has not confirmed a write that is visible. Nothing that is written after that is sure to last, either. */
  #unconfirmed: CurfewError | undefined;

  constructor(tables: Tables, state: State, folder: string, reserve: Reserve, pace: Pace = shared) {
    this.#pace = pace;
    this.#tables = tables;
    this.#state = state;
    this.#folder = folder;
    this.#reserve = reserve;
  }

  /** Resolves when the write is on disk. */
  run<T>(write: Write<T>): Promise<T> {
    return this.#run(write, false);
  }

  /** The same for a write that cannot wait: on a full disk it may use the reserve. */
  runUrgent<T>(write: Write<T>): Promise<T> {
    return this.#run(write, true);
  }

  /** A write for every few items, because very many in one would take a long turn of the event loop. */
  async runInPieces<Item>(items: readonly Item[], write: (draft: Draft, some: readonly Item[]) => void): Promise<void> {
    const writes: Promise<void>[] = [];
    for (let from = 0; from < items.length; from += piece) {
      const some = items.slice(from, from + piece);
      writes.push(this.run((draft) => write(draft, some)));
    }
    await Promise.all(writes);
  }

  #run<T>(write: Write<T>, urgent: boolean): Promise<T> {
    if (this.#closed) return Promise.reject(closedError());
    if (!urgent && this.#reserve.shortage !== undefined) return Promise.reject(this.#reserve.refusal());
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ write, urgent, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Resolves when everything that is visible now is on disk. */
  async settled(): Promise<void> {
    if (this.#unconfirmed) throw this.#unconfirmed;
    if (this.#draining) await this.runUrgent(() => {});
  }

  /** Calls back whenever the log has grown, until the returned function is called. */
  watch(onGrowth: () => void): () => void {
    this.#watchers.add(onGrowth);
    return () => this.#watchers.delete(onGrowth);
  }

  /** Accepts nothing more and waits for what was accepted. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const taken: Task[] = [];
      try {
        await this.#commit(() => this.#take(taken));
      } catch (error) {
        // A write that failed by its own fault must not fail the others: each is repeated alone.
        if (taken.length > 1 && !isCommitFailure(error)) {
          for (const task of taken) await this.#commit(() => [task]).catch((fault) => this.#refuse([task], fault));
        } else await this.#giveWay(taken, error);
      }
    }
    // Done in the same turn in which the queue was found empty: a write that arrives later must start a new run.
    this.#draining = undefined;
  }

  /** The next batch, one by one as they are written; collects its tasks in `taken`. */
  *#take(taken: Task[]): Iterable<Task> {
    const { clock, writes, batch } = this.#pace;
    const until = clock() + batch;
    try {
      for (const task of this.#queue) {
        taken.push(task);
        yield task;
        if (taken.length === writes || clock() >= until) return;
      }
    } finally {
      this.#queue.splice(0, taken.length);
    }
  }

  async #refuse(tasks: readonly Task[], error: unknown): Promise<void> {
    const fault = await writeFault(error, this.#folder);
    for (const task of tasks) task.reject(fault);
  }

  /** After a failed commit: if the disk is full, writes urgent tasks into the reserve and refuses all others. */
  async #giveWay(taken: readonly Task[], error: unknown): Promise<void> {
    const urgent = taken.filter((task) => task.urgent);
    let fault = await writeFault(error, this.#folder);
    while (fault.code === 'store_full' && this.#reserve.release()) {
      for (const task of taken) if (!task.urgent) task.reject(this.#reserve.refusal(fault.cause));
      if (urgent.length === 0) return;
      try {
        await this.#commit(() => urgent);
        return;
      } catch (again) {
        fault = await writeFault(again, this.#folder);
      }
    }
    for (const task of taken) task.reject(fault);
  }

  /** One transaction. Its tasks are answered when it is on disk. @throws if it has changed nothing */
  async #commit(take: () => Iterable<Task>): Promise<void> {
    const { root } = this.#tables;
    let begun: { draft: Draft; results: TaskResult[]; number: number } | undefined;
    try {
      await root.childTransaction(() => {
        const draft = new Draft(this.#tables, this.#state);
        const results: TaskResult[] = [];
        for (const task of take()) results.push(written(task, draft));
        draft.finish();
        begun = { draft, results, number: root.getWriteTxnId() };
      });
    } catch (error) {
      // LMDB reports a failed sync like any other failure, but by then the transaction is visible.
      const isVisible = begun && isCommitFailure(error) && newestOf(root) >= begun.number;
      if (!isVisible) throw error;
      const fault = await writeFault(error, this.#folder);
      this.#unconfirmed ??= unconfirmed(fault);
    }
    const { draft, results } = begun!;
    const grown = draft.head > this.#state.head;
    draft.publish();
    // No later read may use a read transaction from before this commit.
    root.resetReadTxn();
    if (grown) for (const watcher of this.#watchers) watcher();
    for (const result of results) {
      const { task } = result;
      if (this.#unconfirmed) task.reject(this.#unconfirmed);
      else if ('refusal' in result) task.reject(result.refusal);
      else task.resolve(result.value as never);
    }
  }
}

/**
 * Linux forgets what it could not write: a later sync that succeeds says nothing of the pages of this one, and later
 * transactions refer to them.
 */
function unconfirmed({ facts, cause }: CurfewError): CurfewError {
  const detail = `The disk did not confirm a write, so this one and later ones may be lost: ${facts.detail}`;
  const remedy = 'Restart the server on a disk that works. If it does not start, restore a backup.';
  return new CurfewError('outcome_unknown', { detail, remedy }, cause);
}

/** The number of the newest transaction that is visible. */
function newestOf(root: RootDatabase): number {
  return (root.getStats() as { lastTxnId: number }).lastTxnId;
}

function written(task: Task, draft: Draft): TaskResult {
  try {
    return { task, value: task.write(draft) };
  } catch (error) {
    if (isCurfewError(error)) return { task, refusal: error };
    throw error;
  }
}

export function closedError(): CurfewError {
  return new CurfewError('store_unavailable', { detail: 'The store is closed.' });
}

function isCommitFailure(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'commitError' in error;
}
