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
  #toIndex: FreshSession[] = [];

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
    for (const session of this.#toIndex) {
      // Placed meanwhile, by a change.
      if (!this.#all.has(session.id)) continue;
      for (const its of keysOf(session)) insert(this.#index, its, session.id);
    }
    this.#toIndex = [];
    return this.#index.get(key) ?? none;
  }

  /** All of a user, in the order of creation. */
  ofUser(userId: UserId): ReadonlySet<SessionId> {
    return this.under(wholeUser(userId));
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
    this.#toIndex.push(session);
  }

  remove(id: SessionId): void {
    const session = this.#all.get(id);
    if (!session) return;
    this.#all.delete(id);
    if (this.#all.size === 0) this.#toIndex = [];
    if (this.#index.size > 0) for (const key of keysOf(session)) withdraw(this.#index, key, id);
  }

  /** All that is to be written to place those that are here now: in the order of the trees, the users last. */
  *placements(): Generator<Placement, void> {
    const deadlines: { id: SessionId; deadline: string }[] = [];
    const [tags, users]: [Marked, Marked] = [new Map(), new Map()];
    for (const { id, due, tags: its, key } of this.#all.values()) {
      deadlines.push({ id, deadline: timeKey(due, id) });
      for (const tag of its) mark(tags, tag, id);
      mark(users, key, id);
    }
    yield* deadlines.sort((a, b) => (a.deadline < b.deadline ? -1 : 1));
    for (const key of [...tags.keys()].sort()) for (const id of tags.get(key)!) yield { id, key, last: false };
    for (const key of [...users.keys()].sort()) for (const id of users.get(key)!) yield { id, key, last: true };
  }
}

/** Ids by key, each key's in the order of creation. */
type Marked = Map<string, SessionId[]>;

function mark(marked: Marked, key: string, id: SessionId): void {
  const ids = marked.get(key);
  if (ids) ids.push(id);
  else marked.set(key, [id]);
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
