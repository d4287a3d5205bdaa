import type { SessionId, UserId } from '../../domain/brand.ts';
import { type Epochs, nextDeadline, type StoredSession } from '../../domain/session.ts';
import { decodeEvent, decodeSession } from './codec.ts';
import { stateKeys, tagKeys, userKey } from './keys.ts';
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
  /** What it will stand under. */
  tags: readonly string[];
};

/** One entry of an index that a fresh session is to have; the one by user comes last. */
export type Placement = { id: SessionId; deadline: number } | { id: SessionId; key: string; last: boolean };

/**
 * The newest part of the indexes, in memory: sessions created since the sweep last placed some, and not changed since
 * (whatever changes one places it). So each is active under the epochs that it was opened under. Writing them into
 * the trees many at a time, in the order of the keys, touches each page once; one at a time would write a page of
 * 4 kB for each entry of 50 bytes. After a restart the events say which sessions they are.
 */
export class FreshSessions {
  /** In the order of creation. */
  readonly #all: Map<SessionId, FreshSession> = new Map();
  readonly #index: Map<string, Set<SessionId>> = new Map();
  /** Of each user, whatever the epochs; in the order of creation. */
  readonly #ofUser: Map<UserId, Set<SessionId>> = new Map();

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
    return this.#index.get(key) ?? none;
  }

  ofUser(userId: UserId): ReadonlySet<SessionId> {
    return this.#ofUser.get(userId) ?? none;
  }

  oldestOf(userId: UserId): FreshSession | undefined {
    const [id] = this.ofUser(userId);
    return id === undefined ? undefined : this.#all.get(id);
  }

  /** Those whose deadline has come, unless they were active since. */
  dueAt(now: number): SessionId[] {
    const due: SessionId[] = [];
    for (const session of this.#all.values()) if (session.due <= now) due.push(session.id);
    return due;
  }

  add(session: FreshSession): void {
    const { id, userId } = session;
    this.#all.set(id, session);
    insert(this.#ofUser, userId, id);
    insert(this.#index, keyOf(session), id);
    for (const tag of session.tags) insert(this.#index, tag, id);
  }

  remove(id: SessionId): void {
    const session = this.#all.get(id);
    if (!session) return;
    this.#all.delete(id);
    withdraw(this.#ofUser, session.userId, id);
    withdraw(this.#index, keyOf(session), id);
    for (const tag of session.tags) withdraw(this.#index, tag, id);
  }

  /** All that is to be written to place those that are here now: in the order of the trees, the users last. */
  placements(): Placement[] {
    const all = [...this.#all.values()];
    const users = new Set(all.map(keyOf));
    const tags = [...this.#index.keys()].filter((key) => !users.has(key));
    return [
      ...all.sort((a, b) => a.due - b.due || (a.id < b.id ? -1 : 1)).map(({ id, due }) => ({ id, deadline: due })),
      ...tags.sort().flatMap((key) => [...this.under(key)].map((id) => ({ id, key, last: false }))),
      ...[...users].sort().flatMap((key) => [...this.under(key)].map((id) => ({ id, key, last: true }))),
    ];
  }
}

const none: ReadonlySet<SessionId> = new Set();

export function freshOf(stored: StoredSession, told: number): FreshSession {
  const { id, userId, epochs, createdAt } = stored;
  return { id, userId, epochs, createdAt, due: nextDeadline(stored), told, tags: tagKeys(stored) };
}

function keyOf({ userId, epochs }: FreshSession): string {
  return userKey(userId, epochs);
}

function insert<Key>(index: Map<Key, Set<SessionId>>, key: Key, id: SessionId): void {
  const ids = index.get(key);
  if (ids) ids.add(id);
  else index.set(key, new Set([id]));
}

function withdraw<Key>(index: Map<Key, Set<SessionId>>, key: Key, id: SessionId): void {
  const ids = index.get(key);
  if (ids?.delete(id) && ids.size === 0) index.delete(key);
}

/** Reads from the events which sessions stand in no index. */
export function loadFresh(tables: Tables, placed: number): FreshSessions {
  const fresh = new FreshSessions();
  for (const { key: told, value } of tables.events.getRange({ start: placed + 1 })) {
    const { type, sessionId } = decodeEvent(value);
    if (type !== 'session.created' || !sessionId) continue;
    const row = tables.sessions.get(sessionId);
    const stored = row && decodeSession(sessionId, row);
    const stands = stored && stateKeys(stored).some((key) => tables.live.doesExist(key, sessionId));
    if (stored && !stands) fresh.add(freshOf(stored, told));
  }
  return fresh;
}
