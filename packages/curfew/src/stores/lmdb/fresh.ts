import type { SessionId, UserId } from '../../domain/brand.ts';
import type { Epochs, StoredSession } from '../../domain/session.ts';
import { createdIn, decodeSession, nextCheckAtOf, versionOf } from './codec.ts';
import { stateKeys, tagKeys, timeKey, userKey, userRange } from './keys.ts';
import { SortedIds, type Source } from './sorted-ids.ts';
import type { Tables } from './tables.ts';

/** A session that is in no index yet. */
export type FreshSession = {
  id: SessionId;
  userId: UserId;
  epochs: Epochs;
  createdAt: number;
  /** When it is to be checked, as its row says: its first deadline, which activity may have moved since. */
  due: number;
  /** The sequence of the event that records its creation. */
  told: number;
  /** Its future keys in the index: by user, and by its tags. */
  key: string;
  tags: readonly string[];
};

/** How many sessions are sorted, or indexed, in one step, which takes about a millisecond. */
const step = 500;

/** One future index entry of a fresh session; the one by user comes last. */
export type Placement = { id: SessionId; deadline: string } | { id: SessionId; key: string; last: boolean };

/**
 * The newest part of the indexes, in memory: sessions created since the sweep last placed some, and not changed since
 * (every change places a session), so each is active under the epochs of its creation. Writing many into the trees at
 * once, in the order of the keys, touches each page once; one at a time would write a page of 4 kB for each entry of 50
 * bytes. After a restart the events show which sessions they are.
 */
export class FreshSessions {
  /** In order of creation. */
  readonly #all: Map<SessionId, FreshSession> = new Map();
  /** By key, and by user whatever the epochs; built on demand, because most are placed before anybody asks. */
  readonly #index: Map<string, SortedIds> = new Map();
  /** By user, in order of creation. */
  readonly #ofUsers: Map<UserId, Set<SessionId>> = new Map();
  /** The newest ones, which are not in `#index` yet. */
  readonly #toIndex: Map<SessionId, FreshSession> = new Map();

  get size(): number {
    return this.#all.size;
  }

  get oldest(): FreshSession | undefined {
    return this.#all.values().next().value;
  }

  [Symbol.iterator](): Iterator<FreshSession> {
    return this.#all.values();
  }

  has(id: SessionId): boolean {
    return this.#all.has(id);
  }

  /** Indexes everything, in steps between which others have their turn; what is added meanwhile is not waited for. */
  async indexAll(): Promise<void> {
    for (let left = this.#toIndex.size - step; left > 0; left -= step) {
      this.#indexSome();
      await new Promise(setImmediate);
    }
  }

  /** The sessions with this future key in the index, in sources that have no session in common. */
  under(key: string): [Source, Source] {
    return this.#find(key, (session) => session.key === key || session.tags.includes(key));
  }

  countUnder(key: string): number {
    this.#indexSome();
    let count = 0;
    for (const session of this.#toIndex.values()) if (session.key === key) count += 1;
    return count + (this.#index.get(key)?.size ?? 0);
  }

  /** All sessions of a user. */
  ofUser(userId: UserId): [Source, Source] {
    return this.#find(wholeUser(userId), (session) => session.userId === userId);
  }

  /** A session of this key. */
  isUnder(id: SessionId, key: string): boolean {
    return this.#all.get(id)?.key === key;
  }

  /** Indexes a limited number of sessions on each call, not tens of thousands, and examines the others one by one. */
  #find(key: string, isAsked: (session: FreshSession) => boolean): [Source, Source] {
    this.#indexSome();
    const others = new SortedIds();
    for (const session of this.#toIndex.values()) if (isAsked(session)) others.add(session.id);
    // Looked up again for each piece of a list, because it may be another one by then.
    const indexed = (): SortedIds => this.#index.get(key) ?? none;
    return [
      { descending: (after) => indexed().descending(after), ascending: (after) => indexed().ascending(after) },
      others,
    ];
  }

  #indexSome(): void {
    let left = step;
    for (const session of this.#toIndex.values()) {
      if (left-- === 0) break;
      for (const its of keysOf(session)) insert(this.#index, its, session.id);
      const ofUser = this.#ofUsers.get(session.userId);
      if (ofUser) ofUser.add(session.id);
      else this.#ofUsers.set(session.userId, new Set([session.id]));
      this.#toIndex.delete(session.id);
    }
  }

  /** The session of a user that was created first: a later one may have an earlier id. */
  oldestOf(userId: UserId): FreshSession | undefined {
    this.#indexSome();
    for (const id of this.#ofUsers.get(userId) ?? []) return this.#all.get(id);
    for (const session of this.#toIndex.values()) if (session.userId === userId) return session;
    return undefined;
  }

  /** Sessions whose deadline has passed, unless they have been active since. */
  *dueAt(now: number): Iterable<SessionId> {
    for (const session of this.#all.values()) if (session.due <= now) yield session.id;
  }

  add(session: FreshSession): void {
    this.#all.set(session.id, session);
    this.#toIndex.set(session.id, session);
  }

  remove(id: SessionId): void {
    const session = this.#all.get(id);
    if (!session) return;
    this.#all.delete(id);
    if (this.#toIndex.delete(id)) return;
    for (const key of keysOf(session)) withdraw(this.#index, key, id);
    const ofUser = this.#ofUsers.get(session.userId)!;
    ofUser.delete(id);
    if (ofUser.size === 0) this.#ofUsers.delete(session.userId);
  }

  /**
   * Everything to write to place the current sessions, in the order of the trees, users last. It is sorted step by
   * step: `undefined` means that a step is done and others may have their turn.
   */
  *placements(): Generator<Placement | undefined, void> {
    const all = [...this.#all.values()];
    yield* inOrder(all, function* ({ id, due }) {
      yield { order: timeKey(due, id), id, deadline: timeKey(due, id) };
    });
    yield* inOrder(all, function* ({ id, tags }) {
      for (const key of tags) yield { order: `${key}\u0000${id}`, id, key, last: false };
    });
    yield* inOrder(all, function* ({ id, key }) {
      yield { order: `${key}\u0000${id}`, id, key, last: true };
    });
  }
}

type Ordered = Placement & { order: string };

/** The entries of sessions in one order: runs of them are sorted separately, then merged as the result is read. */
function* inOrder(
  sessions: readonly FreshSession[],
  entriesOf: (session: FreshSession) => Iterable<Ordered>,
): Generator<Ordered | undefined, void> {
  /** Sorted by the next entry of each run, the lowest at the end. */
  const runs: Run[] = [];
  for (let from = 0; from < sessions.length; from += step) {
    const entries = sessions.slice(from, from + step).flatMap((session) => [...entriesOf(session)]);
    takeUp(runs, entries.sort((one, other) => (one.order < other.order ? -1 : 1)).values());
    yield undefined;
  }
  for (let run = runs.pop(); run; run = runs.pop()) {
    yield run.next;
    takeUp(runs, run.rest);
  }
}

type Run = { next: Ordered; rest: Iterator<Ordered> };

/** Puts a run back in the place of its next entry; a finished run is dropped. */
function takeUp(runs: Run[], rest: Iterator<Ordered>): void {
  const { value: next, done } = rest.next();
  if (done) return;
  let [from, to] = [0, runs.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (runs[middle]!.next.order > next.order) from = middle + 1;
    else to = middle;
  }
  runs.splice(from, 0, { next, rest });
}

const none = new SortedIds();

export function freshOf(stored: StoredSession, due: number, told: number): FreshSession {
  const { id, userId, epochs, createdAt } = stored;
  return { id, userId, epochs, createdAt, due, told, key: userKey(userId, epochs), tags: tagKeys(stored) };
}

/** A key that is in no index: for all sessions of a user. */
function wholeUser(userId: UserId): string {
  return userRange(userId).start;
}

function keysOf({ userId, key, tags }: FreshSession): string[] {
  return [wholeUser(userId), key, ...tags];
}

function insert(index: Map<string, SortedIds>, key: string, id: SessionId): void {
  const ids = index.get(key) ?? new SortedIds();
  ids.add(id);
  index.set(key, ids);
}

function withdraw(index: Map<string, SortedIds>, key: string, id: SessionId): void {
  const ids = index.get(key);
  ids?.remove(id);
  if (ids?.size === 0) index.delete(key);
}

/**
 * Finds in the events the sessions that are in no index. Up to `placed` all of them are in one; up to `begun` some may
 * be, because the process that placed them ended before it finished. A start waits for this, and there may be tens of
 * thousands, so it examines no more than necessary.
 */
export function loadFresh(tables: Tables, { placed, begun }: { placed: number; begun: number }): FreshSessions {
  const fresh = new FreshSessions();
  for (const { key: told, value } of tables.events.getRange({ start: placed + 1 })) {
    const sessionId = createdIn(value);
    const row = sessionId && tables.sessions.get(sessionId);
    if (!row) continue;
    const stored = decodeSession(sessionId, row);
    // Every change of a session places it, and a session that was suspended from the start never was fresh.
    const mayStand = told <= begun || versionOf(row) > 1 || stored.suspended;
    if (!mayStand || !stateKeys(stored).some((key) => tables.live.doesExist(key, sessionId))) {
      fresh.add(freshOf(stored, nextCheckAtOf(row), told));
    }
  }
  return fresh;
}
