import { setTimeout } from 'node:timers/promises';
import type { Account } from '../../domain/account.ts';
import { type Alias, nameOfAlias } from '../../domain/alias.ts';
import type { AccountId, KeyId, SessionId, SessionName, UserId } from '../../domain/brand.ts';
import type { ApiKey } from '../../domain/key.ts';
import { type Epochs, nextDeadline, type StoredSession } from '../../domain/session.ts';
import type { Change, Engine, Found, Outcome, RowChange, Scan, SessionRow } from '../commit.ts';
import type { SessionSnapshot, SweepTask } from '../contract.ts';
import { readAccount, readKey } from './accounts.ts';
import type { Attempts } from './attempts.ts';
import { decodeSession, encodeSession, type Row } from './codec.ts';
import { type Committer, closedError, type Draft, type State } from './commit.ts';
import { readFault } from './faults.ts';
import { suspendedOfUser, userKey } from './keys.ts';
import { ascending, valuesOf } from './lists.ts';
import { type Pace, shared } from './pace.ts';
import { isSession, isThere, put, rowsFound } from './rows.ts';
import { Scans } from './scans.ts';
import { archive, insert, rewrite } from './sessions.ts';
import { readSlot } from './slots.ts';
import { Sweeper } from './sweep.ts';
import type { Tables } from './tables.ts';

/** The most keys that are kept in memory. */
const mostKeys = 1000;

/** The largest share of the event loop that others are assumed to need. */
const mostUse = 0.9;

/** The engine on LMDB: what each operation means is defined in `../commit.ts`. */
export class LmdbEngine implements Engine {
  readonly #tables: Tables;
  readonly #state: State;
  readonly #committer: Committer;
  readonly #attempts: Attempts;
  readonly #pace: Pace;
  readonly #scans: Scans;
  readonly #sweeper: Sweeper;
  /** Milliseconds that the sweep has worked since it last rested, and whether a scan has found more than it may. */
  #worked = 0;
  #foundMore = false;
  /** The share of the event loop that others used while the sweep last rested. */
  #otherUse = 0;

  constructor(tables: Tables, state: State, committer: Committer, attempts: Attempts, pace: Pace = shared) {
    this.#tables = tables;
    this.#state = state;
    this.#committer = committer;
    this.#attempts = attempts;
    this.#pace = pace;
    this.#scans = new Scans(tables, state, committer, pace);
    this.#sweeper = new Sweeper(state, pace);
  }

  commit(change: Change): Promise<Outcome> {
    const write = (draft: Draft) => apply(draft, change);
    if (change.upkeep) return this.#committer.run((draft) => this.#work(() => write(draft)));
    return change.urgent ? this.#committer.runUrgent(write) : this.#committer.run(write);
  }

  readSession = (id: SessionId): Promise<SessionSnapshot | undefined> => this.read(() => this.#find(id));

  readSessionByAlias = (alias: Alias): Promise<SessionSnapshot | undefined> =>
    this.read(() => {
      const id = this.#tables.aliases.get(nameOfAlias(alias));
      return id === undefined ? undefined : this.#find(id as SessionId);
    });

  readSessionsOf: Engine['readSessionsOf'] = (userId, { after, limit }) =>
    this.read(async () => {
      const { epochs, fresh, revisions } = this.#state;
      await fresh.indexAll();
      const present = epochs.of(userId);
      const on = { userId, ...present, revision: revisions.of(userId) };
      if (limit === 0) return { on, sessions: [], next: undefined };
      const key = userKey(userId, present);
      const sessions: StoredSession[] = [];
      let [looked, last]: [number, SessionId | undefined] = [0, undefined];
      // While the sweep places some, they are in both for a moment; and a row may show more than the state in memory.
      for (const id of ascending([valuesOf(this.#tables.live, key), ...fresh.under(key)], after)) {
        if (looked === limit) return { on, sessions, next: last };
        [looked, last] = [looked + 1, id];
        const row = this.#tables.sessions.get(id);
        const stored = row && decodeSession(id, row);
        if (stored && !stored.end) sessions.push(stored);
      }
      return { on, sessions, next: undefined };
    });

  readAccount = (id: AccountId): Promise<Account | undefined> => this.read(() => readAccount(this.#tables, id));

  readKey = (id: KeyId): Promise<ApiKey | undefined> =>
    this.read(() => {
      const { keys } = this.#state;
      const key = keys.get(id) ?? readKey(this.#tables, id);
      if (!key) return undefined;
      if (keys.size >= mostKeys) keys.clear();
      keys.set(id, key);
      return key;
    });

  readSlot = (name: SessionName): ReturnType<Engine['readSlot']> =>
    this.read(() => {
      const slot = readSlot(this.#tables, name);
      return { slot, held: slot?.sessionId && this.#find(slot.sessionId) };
    });

  head = (): Promise<number> => this.read(() => this.#state.head);

  epochsOf(userId: UserId): Epochs {
    return this.#state.epochs.of(userId);
  }

  durable(): Promise<void> {
    return this.#committer.settled();
  }

  scanPassed = (most: number): Promise<Scan> => this.#scan(() => this.#scans.passed(most));

  scanDue = (now: number, most: number): Promise<Scan> => this.#scan(() => this.#scans.due(now, most));

  async forget(task: SweepTask): ReturnType<Engine['forget']> {
    // A killed backup would prevent the reuse of pages that it was reading.
    await this.read(() => this.#tables.root.readerCheck());
    const attempts = await this.read(() => this.#attempts.sweep(task.now));
    const { forgotten, more } = await this.#committer.run((draft) =>
      this.#work(() => this.#sweeper.sweep(draft, task)),
    );
    if (more || this.#foundMore) await this.#rest();
    this.#worked = 0;
    this.#foundMore = false;
    return { forgotten, more: more || attempts.more };
  }

  async #scan(look: () => Promise<Scan>): Promise<Scan> {
    const scan = await this.read(() => this.#work(look));
    // What is recorded now is moved by the next round.
    if (scan.candidates.length > 0) this.#sweeper.wake();
    if (scan.more) this.#foundMore = true;
    return scan;
  }

  #work<T>(work: () => T): T {
    const began = performance.now();
    try {
      return work();
    } finally {
      this.#worked += performance.now() - began;
    }
  }

  /** Others get the event loop for at least as long, and longer if they keep it busy: nobody waits for the sweep. */
  async #rest(): Promise<void> {
    const before = performance.eventLoopUtilization();
    await setTimeout(Math.min(this.#worked / (1 - this.#otherUse), this.#pace.rest));
    // The use of the loop by others meanwhile shows what they need.
    this.#otherUse = Math.min(performance.eventLoopUtilization(before).utilization, mostUse);
  }

  /** @throws `store_unavailable` if the store is closed, `store_damaged` if a row cannot be read */
  async read<T>(read: () => T | Promise<T>): Promise<T> {
    if (this.#committer.isClosed) throw closedError();
    try {
      return await read();
    } catch (error) {
      throw readFault(error);
    }
  }

  #find(id: SessionId): SessionSnapshot | undefined {
    const { sessions, ended } = this.#tables;
    const row = sessions.get(id) ?? ended.get(id);
    const stored = row && decodeSession(id, row);
    return stored && { stored, epochEnd: stored.end ? undefined : this.#state.epochs.endOf(stored) };
  }
}

/** Writes a change, if what it was decided on still holds; everything is checked before anything is written. */
function apply(draft: Draft, change: Change): Outcome {
  const { at, rows = [], step, count, log = [], events = [] } = change;
  const there = sessionsThere(draft, rows);
  if (!holds(draft, change, there)) return { kind: 'conflict', found: foundOf(draft, change) };
  const ended = step ? activeUnder(draft, step.userId) - step.left : 0;
  const sequences = log.map((scope) => draft.log(scope, at));
  if (step) {
    draft.moveEpoch(step.userId, { ...step.end, sequence: sequences[0]! });
    draft.active -= ended;
    draft.event({ ...step.event, details: { ...step.event.details, ended } });
  }
  const made = new Map<SessionId, StoredSession>();
  for (const row of rows) {
    if (row.before === row.after) continue;
    if (row.table !== 'sessions') put(draft, row);
    // No entry in the log tells the sweep to move it, or it is the sweep that records this.
    else if (row.before && row.after.end && (change.upkeep || row.entry === undefined)) {
      archive(draft, there.get(row.after.id)!, row.before, sequenced(row, sequences), at);
    } else if (row.before) rewrite(draft, there.get(row.after.id)!, row.before, sequenced(row, sequences));
    else {
      made.set(row.after.id, row.after);
      draft.holdAliases(row.after);
    }
  }
  for (const event of events) {
    draft.event(event);
    const session = event.type === 'session.created' ? made.get(event.sessionId!) : undefined;
    if (!session || session.suspended || session.end) continue;
    // The sweep finds it by the event, and places it in the indexes.
    draft.created(session, encodeSession(session, nextDeadline(session)));
    made.delete(session.id);
  }
  for (const session of made.values()) insert(draft, session);
  if (count !== undefined) {
    draft.active += count;
    draft.revise(change.on!.userId);
  }
  return { kind: 'committed', sequences, ended };
}

/** The rows of the sessions that a change names. There may be a thousand, and each is read once. */
function sessionsThere(draft: Draft, rows: readonly RowChange[]): Map<SessionId, Row> {
  const there = new Map<SessionId, Row>();
  for (const { table, after } of rows) {
    const row = table === 'sessions' ? draft.rowOf(after.id) : undefined;
    if (row) there.set((after as StoredSession).id, row);
  }
  return there;
}

function holds(draft: Draft, { on, rows = [] }: Change, there: ReadonlyMap<SessionId, Row>): boolean {
  if (on) {
    const { user, everyone } = draft.epochsOf(on.userId);
    if (on.user !== user || on.everyone !== everyone) return false;
    if (on.revision !== undefined && on.revision !== draft.revisionOf(on.userId)) return false;
  }
  return rows.every((row) =>
    row.table === 'sessions' ? isSession(draft, row, there.get(row.after.id)) : isThere(draft, row),
  );
}

function foundOf(draft: Draft, { on, rows = [] }: Change): Found {
  const { userId } = on ?? {};
  const standing = userId && { userId, ...draft.epochsOf(userId), revision: draft.revisionOf(userId) };
  return { ...rowsFound(draft, rows), on: standing };
}

/** The session after a change, with the sequence of its end. */
function sequenced({ after, entry }: SessionRow, sequences: readonly number[]): StoredSession {
  return after.end && entry !== undefined ? { ...after, end: { ...after.end, sequence: sequences[entry]! } } : after;
}

/**
 * The sessions of a user, or (`undefined`) of all, that no epoch has ended and that are not suspended, whatever their
 * deadlines. Those in the index are counted unread.
 */
function activeUnder(draft: Draft, userId: UserId | undefined): number {
  if (userId === undefined) return draft.active;
  const { live } = draft.tables;
  const epochs = draft.epochsOf(userId);
  const placed = live.getValuesCount(userKey(userId, epochs)) - live.getValuesCount(suspendedOfUser(userId, epochs));
  return placed + draft.countFresh(userId, epochs);
}
