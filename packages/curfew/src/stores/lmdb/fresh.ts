import type { SessionId, UserId } from '../../domain/brand.ts';
import { type Epochs, nextDeadline, type StoredSession } from '../../domain/session.ts';
import { createdIn, decodeSession, versionOf } from './codec.ts';
import { stateKeys, tagKeys, timeKey, userKey, userRange } from './keys.ts';
import type { Tables } from './tables.ts';

/** A session that stands in no index yet. */
export type FreshSession = {
  id: SessionId;
  userId: UserId;
  epochs: Epochs;
  createdAt: number;
  /** Its first deadline: activity may have moved it on since. */
  due: number;
  /** The number of the event that tells of its creation. */
  told: number;
  /** What it will stand under: by user, and by what it has. */
  key: string;
  tags: readonly string[];
};

/** Sessions that are put in order, or indexed, in one step: a millisecond's work. */
const step = 500;

/** One entry of an index that a fresh session is to have; the one by user comes last. */
export type Placement = { id: SessionId; deadline: string } | { id: SessionId; key: string; last: boolean };

/**
 * The newest part of the indexes, in memory: sessions created since the sweep last placed some, and not changed since
 * (whatever changes one places it). So each is active under the epochs that it was opened under. Writing them into
 * the trees many at a time, in the order of the keys, touches each page once; one at a time would write a page of
 * 4 kB for each entry of 50 bytes. After a restart the events say which sessions they are.
 */
export class FreshSessions {
  /** In the order of creation. */
  readonly #all: Map<SessionId, FreshSession> = new Map();
  /** By key, and by user whatever the epochs: made when somebody asks, because most are placed before anybody does. */
  readonly #index: Map<string, Set<SessionId>> = new Map();
  /** Those that stand in `#index` not yet: the newest. */
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

  /** Those that will stand under a key of the index. */
  under(key: string): ReadonlySet<SessionId> {
    return this.#find(key, (session) => session.key === key || session.tags.includes(key));
  }

  /** All of a user, in the order of creation. */
  ofUser(userId: UserId): ReadonlySet<SessionId> {
    return this.#find(wholeUser(userId), (session) => session.userId === userId);
  }

  /** Whoever asks has some of them indexed, not tens of thousands; of the others each is looked at. */
  #find(key: string, isAsked: (session: FreshSession) => boolean): ReadonlySet<SessionId> {
    let left = step;
    for (const session of this.#toIndex.values()) {
      if (left-- === 0) break;
      for (const its of keysOf(session)) insert(this.#index, its, session.id);
      this.#toIndex.delete(session.id);
    }
    const indexed = this.#index.get(key) ?? none;
    const others: SessionId[] = [];
    for (const session of this.#toIndex.values()) if (isAsked(session)) others.push(session.id);
    return others.length === 0 ? indexed : new Set([...indexed, ...others]);
  }

  oldestOf(userId: UserId): FreshSession | undefined {
    const [id] = this.ofUser(userId);
    return id === undefined ? undefined : this.#all.get(id);
  }

  /** Those whose deadline has come, unless they were active since. */
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
    if (!this.#toIndex.delete(id)) for (const key of keysOf(session)) withdraw(this.#index, key, id);
  }

  /**
   * All that is to be written to place those that are here now: in the order of the trees, the users last. It is put in
   * order step by step: `undefined` says that a step is done, and that others may have their turn.
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

/** What sessions are to have, in one order: runs of them are sorted one by one, then merged as the result is read. */
function* inOrder(
  sessions: readonly FreshSession[],
  entriesOf: (session: FreshSession) => Iterable<Ordered>,
): Generator<Ordered | undefined, void> {
  /** By what comes next of each, the last one first. */
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

/** Puts a run back where its next entry belongs; one that is at its end goes. */
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

const none: ReadonlySet<SessionId> = new Set();

export function freshOf(stored: StoredSession, told: number): FreshSession {
  const { id, userId, epochs, createdAt } = stored;
  const key = userKey(userId, epochs);
  return { id, userId, epochs, createdAt, due: nextDeadline(stored), told, key, tags: tagKeys(stored) };
}

/** A key that no index has: of all sessions of a user. */
function wholeUser(userId: UserId): string {
  return userRange(userId).start;
}

function keysOf({ userId, key, tags }: FreshSession): string[] {
  return [wholeUser(userId), key, ...tags];
}

function insert(index: Map<string, Set<SessionId>>, key: string, id: SessionId): void {
  const ids = index.get(key);
  if (ids) ids.add(id);
  else index.set(key, new Set([id]));
}

function withdraw(index: Map<string, Set<SessionId>>, key: string, id: SessionId): void {
  const ids = index.get(key);
  if (ids?.delete(id) && ids.size === 0) index.delete(key);
}

/**
 * Reads from the events which sessions stand in no index. `placed`: up to which event all of them do; `begun`: up to which
 * some may, because the process that placed them ended before it was through. It may be tens of thousands, which a start
 * waits for, so no more is looked at than it takes.
 */
export function loadFresh(tables: Tables, { placed, begun }: { placed: number; begun: number }): FreshSessions {
  const fresh = new FreshSessions();
  for (const { key: told, value } of tables.events.getRange({ start: placed + 1 })) {
    const sessionId = createdIn(value);
    const row = sessionId && tables.sessions.get(sessionId);
    if (!row) continue;
    // Whatever changes a session places it.
    const mayStand = told <= begun || versionOf(row) > 1;
    const stored = decodeSession(sessionId, row);
    if (!mayStand || !stateKeys(stored).some((key) => tables.live.doesExist(key, sessionId))) {
      fresh.add(freshOf(stored, told));
    }
  }
  return fresh;
}
