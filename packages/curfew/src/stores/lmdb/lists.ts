import type { SessionId, UserId } from '../../domain/brand.ts';
import { limits } from '../../domain/limits.ts';
import type { SessionFilter, SessionPage, SessionQuery, SessionSnapshot } from '../contract.ts';
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
import { idsUnder, type Tables } from './tables.ts';

/** How many candidates are examined before others get their turn. */
const slice = 200;

/** Ids in descending order, from just below `after`. */
type Source = (after: SessionId | undefined) => Iterable<SessionId>;

export async function listSessions(tables: Tables, state: State, query: SessionQuery): Promise<SessionPage> {
  const { filter, limit, now, budget } = query;
  const sources = sourcesOf(tables, state, filter, now);
  const began = performance.now();
  const found: SessionSnapshot[] = [];
  let position = query.after;
  for (;;) {
    let looked = 0;
    for (const id of merged(sources, position)) {
      const stored = find(tables, id);
      position = id;
      looked += 1;
      if (stored) {
        const snapshot = { stored, epochEnd: stored.end ? undefined : state.epochs.endOf(stored) };
        if (matchesFilter(snapshot, filter, now)) found.push(snapshot);
        if (found.length > limit) {
          found.pop();
          return { sessions: found, next: found.at(-1)!.stored.id, partial: false };
        }
      }
      if (looked === slice) break;
    }
    if (looked < slice) return { sessions: found, next: undefined, partial: false };
    if (performance.now() - began >= budget) return { sessions: found, next: position, partial: true };
    await new Promise(setImmediate);
  }
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
  let looked = 0;
  for (const id of due) {
    // Others have their turn; their changes meanwhile do not affect a count that has begun.
    if (looked > 0 && looked % slice === 0) await new Promise(setImmediate);
    looked += 1;
    const row = tables.sessions.get(id) ?? tables.ended.get(id);
    // It has been active since its next check was planned.
    if (!row || deadlineOf(row) > now) continue;
    const stored = decodeSession(id, row);
    if (stored.suspended || (userId !== undefined && stored.userId !== userId)) continue;
    const end = stored.end ?? state.epochs.endOf(stored);
    if (!end || end.sequence > head) count -= 1;
  }
  return count;
}

/** A user's active sessions as stored: their number, and the ids, including suspended ones, if not too many. */
function keptOf({ live }: Tables, state: State, userId: UserId) {
  const epochs = state.epochs.of(userId);
  const key = userKey(userId, epochs);
  const placed = live.getValuesCount(key);
  // While the sweep places some, they are in both for a moment.
  const fresh = [...state.fresh.under(key)].filter((id) => !live.doesExist(key, id));
  return {
    count: placed - live.getValuesCount(suspendedOfUser(userId, epochs)) + fresh.length,
    isLarge: placed + fresh.length > limits.dueCounted,
    ids: (): Iterable<SessionId> => new Set([...valuesOf(live, key)(undefined), ...fresh]),
  };
}

/** Sessions whose deadline has passed, placed or not: at most as many as a count examines. */
function someDue(tables: Tables, state: State, now: number): Set<SessionId> {
  const due = new Set<SessionId>();
  for (const some of [dueSessions(tables, now), state.fresh.dueAt(now)]) {
    for (const id of some) {
      if (due.size >= limits.dueCounted) return due;
      due.add(id);
    }
  }
  return due;
}

/** Live sessions to check: their recorded deadline has passed, but activity may have moved it since. */
export function* dueSessions(tables: Tables, now: number, limit = Number.POSITIVE_INFINITY): Iterable<SessionId> {
  let seen = 0;
  for (const key of tables.deadlines.getKeys({ end: endOfTime(now) })) {
    if (seen++ >= limit) return;
    yield idOfTimeKey(key);
  }
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
    const live = [valuesOf(tables.live, key), sorted(state.fresh.under(key))];
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
    return [valuesOf(tables.live, key), sorted(state.fresh.under(key))];
  }
  // Sessions that an epoch left behind are under earlier keys until the sweep has recorded their end.
  const placed = [...tables.live.getKeys(userRange(userId))].map((key) => valuesOf(tables.live, key));
  return [...placed, sorted(state.fresh.ofUser(userId))];
}

/** Ended sessions that are still among the living: ended just now, by an epoch or by a deadline. */
function endedButLive(tables: Tables, state: State, now: number): Source {
  const due = [...dueSessions(tables, now, limits.dueCounted + 1)];
  const changed = state.head - state.progress.buried;
  // Search all sessions: sorting very many would take longer than finding those of a page.
  if (Math.max(due.length, changed) > limits.dueCounted || !isSettled(state.epochs.everyone))
    return rowsOf(tables.sessions);
  const ids = new Set([...due, ...state.fresh.dueAt(now), ...unburied(tables, state.progress.buried, state.head)]);
  for (const userId of state.epochs.unsettled) {
    if (ids.size > limits.dueCounted) return rowsOf(tables.sessions);
    const present = userKey(userId, state.epochs.of(userId));
    for (const id of state.fresh.ofUser(userId)) ids.add(id);
    for (const key of tables.live.getKeys(userRange(userId))) {
      if (key === present || key === endedOfUser(userId)) continue;
      for (const id of idsUnder(tables.live, key, limits.dueCounted + 1)) ids.add(id);
    }
  }
  // The list may be incomplete.
  return ids.size > limits.dueCounted ? rowsOf(tables.sessions) : sorted(ids);
}

function sorted(ids: Iterable<SessionId>): Source {
  const descending = [...ids].sort().reverse();
  return (after) => (after === undefined ? descending : descending.filter((id) => id < after));
}

function valuesOf(index: Tables['live'], key: string): Source {
  return (after) => {
    const from = after === undefined ? {} : { start: after, exclusiveStart: true };
    // The options are those of the values, although the declaration speaks of keys.
    return index.getValues(key, { reverse: true, ...from } as object) as Iterable<SessionId>;
  };
}

function rowsOf(table: Tables['sessions']): Source {
  return (after) => {
    const from = after === undefined ? {} : { start: after, exclusiveStart: true };
    return table.getKeys({ reverse: true, ...from }) as Iterable<SessionId>;
  };
}

/** The ids of all sources in one descending order, each once. */
function* merged(sources: readonly Source[], after: SessionId | undefined): Iterable<SessionId> {
  const cursors = sources.map((source) => source(after)[Symbol.iterator]());
  const heads = cursors.map((cursor) => cursor.next());
  try {
    for (;;) {
      let highest: SessionId | undefined;
      for (const head of heads) {
        if (!head.done && (highest === undefined || head.value > highest)) highest = head.value;
      }
      if (highest === undefined) return;
      yield highest;
      heads.forEach((head, i) => {
        if (!head.done && head.value === highest) heads[i] = cursors[i]!.next();
      });
    }
  } finally {
    for (const cursor of cursors) cursor.return?.();
  }
}
