import type { SessionId, UserId } from '../../domain/brand.ts';
import { limits } from '../../domain/limits.ts';
import type { SessionFilter, SessionPage, SessionQuery, SessionSnapshot } from '../contract.ts';
import { searchPage } from '../search.ts';
import { matchesFilter } from '../session-filter.ts';
import { deadlineOf, decodeLog, decodeSession } from './codec.ts';
import type { State } from './commit.ts';
import { isSettled } from './epochs.ts';
import {
  addressKey,
  endedOfUser,
  endOfTime,
  groupKey,
  idOfTimeKey,
  nameKey,
  suspendedKey,
  suspendedOfUser,
  userKey,
  userRange,
} from './keys.ts';
import { find } from './sessions.ts';
import { SortedIds, type Source } from './sorted-ids.ts';
import { idsUnder, type Tables } from './tables.ts';

/** How many candidates are examined before others get their turn, and for how many milliseconds. */
const [slice, turn] = [200, 3];

export async function listSessions(tables: Tables, state: State, query: SessionQuery): Promise<SessionPage> {
  const { filter, now } = query;
  await state.fresh.indexAll();
  const sources = sourcesOf(tables, state, filter, now);
  const { page, ...rest } = await searchPage(query, async (after: SessionId | undefined) => {
    const piece = { more: false, looked: look(after) };
    function* look(position: SessionId | undefined): Generator<readonly [SessionId, SessionSnapshot | undefined]> {
      const until = performance.now() + turn;
      let looked = 0;
      for (const id of descending(sources, position)) {
        const stored = find(tables, id);
        const snapshot = stored && { stored, epochEnd: stored.end ? undefined : state.epochs.endOf(stored) };
        yield [id, snapshot && matchesFilter(snapshot, filter, now) ? snapshot : undefined];
        looked += 1;
        piece.more = looked === slice || performance.now() >= until;
        if (piece.more) return;
      }
    }
    return piece;
  });
  return { sessions: page, ...rest };
}

/** How many sessions are active: the stored count, less those whose end by deadline is not recorded yet. */
export async function countActive(
  tables: Tables,
  state: State,
  now: number,
  userId: UserId | undefined,
): Promise<number> {
  const { head } = state;
  const of = userId === undefined ? undefined : keptOf(tables, state, userId);
  const due = of === undefined || of.isLarge ? someDue(tables, state, now) : of.ids();
  let count = of?.count ?? state.active;
  const ids = [...due];
  for (let from = 0; from < ids.length; from += slice) {
    const some = ids.slice(from, from + slice);
    // Others have their turn; their changes meanwhile do not affect a count that has begun.
    if (from > 0 || ids.length > slice) await tables.sessions.prefetch(some);
    for (const id of some) {
      const row = tables.sessions.get(id) ?? tables.ended.get(id);
      // It has been active since its next check was planned.
      if (!row || deadlineOf(row) > now) continue;
      const stored = decodeSession(id, row);
      if (stored.suspended || (userId !== undefined && stored.userId !== userId)) continue;
      const end = stored.end ?? state.epochs.endOf(stored);
      if (!end || end.sequence > head) count -= 1;
    }
  }
  return count;
}

/** A user's active sessions as stored: their number, and the ids, including suspended ones, if not too many. */
function keptOf({ live }: Tables, state: State, userId: UserId) {
  const epochs = state.epochs.of(userId);
  const key = userKey(userId, epochs);
  const placed = live.getValuesCount(key);
  let fresh = state.fresh.countUnder(key);
  // While the sweep places some, they are in both for a moment.
  for (const id of state.placing) if (state.fresh.isUnder(id, key) && live.doesExist(key, id)) fresh -= 1;
  return {
    count: placed - live.getValuesCount(suspendedOfUser(userId, epochs)) + fresh,
    isLarge: placed + fresh > limits.dueCounted,
    ids: (): Iterable<SessionId> => [...ascending([valuesOf(live, key), ...state.fresh.under(key)], undefined)],
  };
}

/** Sessions whose deadline has passed, placed or not: at most as many as a count examines. */
function someDue(tables: Tables, state: State, now: number): Set<SessionId> {
  const due = new Set<SessionId>();
  for (const some of [dueSessions(tables, now, limits.dueCounted), state.fresh.dueAt(now)]) {
    for (const id of some) {
      if (due.size >= limits.dueCounted) return due;
      due.add(id);
    }
  }
  return due;
}

/** Live sessions to check: their recorded deadline has passed, but activity may have moved it since. */
function* dueSessions(tables: Tables, now: number, limit: number): Iterable<SessionId> {
  for (const key of dueKeys(tables, now, limit)) yield idOfTimeKey(key);
}

/** Their keys in the index by deadline. */
export function dueKeys({ deadlines }: Tables, now: number, limit: number): Iterable<string> {
  return deadlines.getKeys({ end: endOfTime(now), limit });
}

/** Sessions that changed since the sweep last followed the log, among them those whose end was recorded. */
export function unburied(tables: Tables, after: number, upTo: number): SessionId[] {
  return [...tables.log.getRange({ start: after + 1, end: upTo + 1 })].flatMap(({ key, value }) => {
    const entry = decodeLog(key, value);
    return 'sessionId' in entry ? [entry.sessionId] : [];
  });
}

/** The sources of candidates for a filter, as few as its indexes allow. */
function sourcesOf(tables: Tables, state: State, filter: SessionFilter, now: number): Source[] {
  const { status } = filter;
  if (filter.userId !== undefined) return userSources(tables, state, filter.userId, status);
  const key =
    filter.name !== undefined
      ? nameKey(filter.name)
      : filter.accessGroup !== undefined
        ? groupKey(filter.accessGroup)
        : filter.ip !== undefined
          ? addressKey(filter.ip)
          : undefined;
  if (key !== undefined) {
    const live = [valuesOf(tables.live, key), ...state.fresh.under(key)];
    return status === 'active' || status === 'suspended' ? live : [...live, valuesOf(tables.past, key)];
  }
  if (status === 'suspended') return [valuesOf(tables.live, suspendedKey)];
  if (status === 'active') return [rowsOf(tables.sessions)];
  if (status === 'ended') return [rowsOf(tables.ended), endedButLive(tables, state, now)];
  return [rowsOf(tables.sessions), rowsOf(tables.ended)];
}

function userSources(tables: Tables, state: State, userId: UserId, status: SessionFilter['status']): Source[] {
  const epochs = state.epochs.of(userId);
  if (status === 'active' || status === 'suspended') {
    const key = userKey(userId, epochs);
    return [valuesOf(tables.live, key), ...state.fresh.under(key)];
  }
  // Sessions that an epoch left behind are under earlier keys until the sweep has recorded their end.
  const placed = [...tables.live.getKeys(userRange(userId))].map((key) => valuesOf(tables.live, key));
  return [...placed, ...state.fresh.ofUser(userId)];
}

/** Ended sessions that are still among the living: ended just now, by an epoch or by a deadline. */
function endedButLive(tables: Tables, state: State, now: number): Source {
  const due = [...dueSessions(tables, now, limits.dueCounted + 1)];
  const changed = state.head - state.progress.buried;
  // Search all sessions: sorting very many would take longer than finding those of a page.
  if (Math.max(due.length, changed) > limits.dueCounted || !isSettled(state.epochs.everyone))
    return rowsOf(tables.sessions);
  const ids = new Set(due);
  for (const some of endedSources(tables, state, now)) {
    for (const id of some) {
      // The list may be incomplete.
      if (ids.size > limits.dueCounted) return rowsOf(tables.sessions);
      ids.add(id);
    }
  }
  const found = new SortedIds();
  for (const id of [...ids].sort()) found.add(id);
  return found;
}

/** What has ended besides those whose deadline, as planned, has passed. */
function* endedSources(tables: Tables, state: State, now: number): Iterable<Iterable<SessionId>> {
  yield state.fresh.dueAt(now);
  yield unburied(tables, state.progress.buried, state.head);
  for (const userId of state.epochs.unsettled) {
    const present = userKey(userId, state.epochs.of(userId));
    for (const fresh of state.fresh.ofUser(userId)) yield fresh.ascending(undefined);
    for (const key of tables.live.getKeys(userRange(userId))) {
      if (key === present || key === endedOfUser(userId)) continue;
      yield idsUnder(tables.live, key, limits.dueCounted + 1);
    }
  }
}

/** The ids under a key of an index; not within a write, see {@link idsUnder}. */
export function valuesOf(index: Tables['live'], key: string): Source {
  // The options are those of the values, although the declaration speaks of keys.
  const values = (after: SessionId | undefined, reverse: boolean) =>
    index.getValues(key, { reverse, ...startAfter(after) } as object) as Iterable<SessionId>;
  return { ascending: (after) => values(after, false), descending: (after) => values(after, true) };
}

function rowsOf(table: Tables['sessions']): Source {
  const keys = (after: SessionId | undefined, reverse: boolean) =>
    table.getKeys({ reverse, ...startAfter(after) }) as Iterable<SessionId>;
  return { ascending: (after) => keys(after, false), descending: (after) => keys(after, true) };
}

function startAfter(after: SessionId | undefined): { start?: SessionId; exclusiveStart?: true } {
  return after === undefined ? {} : { start: after, exclusiveStart: true };
}

/** The ids of all sources in ascending order, each once. */
export function ascending(sources: readonly Source[], after: SessionId | undefined): Iterable<SessionId> {
  return merged(
    sources.map((source) => source.ascending(after)),
    (one, other) => one < other,
  );
}

/** The ids of all sources in descending order, each once. */
function descending(sources: readonly Source[], after: SessionId | undefined): Iterable<SessionId> {
  return merged(
    sources.map((source) => source.descending(after)),
    (one, other) => one > other,
  );
}

function* merged(
  sources: readonly Iterable<SessionId>[],
  isBefore: (one: SessionId, other: SessionId) => boolean,
): Iterable<SessionId> {
  const cursors = sources.map((source) => source[Symbol.iterator]());
  const heads = cursors.map((cursor) => cursor.next());
  try {
    for (;;) {
      let first: SessionId | undefined;
      for (const head of heads) {
        if (!head.done && (first === undefined || isBefore(head.value, first))) first = head.value;
      }
      if (first === undefined) return;
      yield first;
      heads.forEach((head, i) => {
        if (!head.done && head.value === first) heads[i] = cursors[i]!.next();
      });
    }
  } finally {
    for (const cursor of cursors) cursor.return?.();
  }
}
