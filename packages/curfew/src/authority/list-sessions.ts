import { limits } from '../domain/limits.ts';
import { parseAddress, parseGroup, parseSessionName, parseUserId } from '../domain/parse.ts';
import type { Session, SessionStatus } from '../domain/session.ts';
import type { SessionFilter } from '../stores/contract.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { view } from './get-session.ts';
import { budget, matchesOf, mostSorted, parseText } from './match-sessions.ts';
import type { World } from './world.ts';

/** What sessions can be ordered by; newest first is the order of creation downwards. */
export const sortKeys = ['createdAt', 'lastSeenAt', 'expiresAt', 'userId', 'ip', 'device', 'status'] as const;
export type SortKey = (typeof sortKeys)[number];
export type Sort = SortKey | `-${SortKey}`;
export const defaultSort: Sort = '-createdAt';

export type ListRequest = {
  user?: string | undefined;
  group?: string | undefined;
  name?: string | undefined;
  ip?: string | undefined;
  status?: SessionStatus | undefined;
  /** Free text, looked for as it is. */
  filter?: string | undefined;
  sort?: Sort | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
};

export type SessionList = {
  sessions: Session[];
  /** For the next page; absent on the last one. */
  nextCursor: string | undefined;
  /** How many match in all; absent where counting would take a walk over all sessions. */
  total: number | undefined;
  /** Whether there may be more than was looked at: a scan ran out of time, or an order out of matches. */
  partial: boolean;
};

/**
 * A page of sessions. Newest first by cursor at any size; another order sorts what matches, at most 10,000 across
 * users, and says `partial` when there were more.
 * @throws `cursor_invalid`, `cursor_of_another_query`, `invalid_value`
 */
export async function listSessions(world: World, request: ListRequest): Promise<SessionList> {
  const filter = parseFilter(request);
  const sort = request.sort ?? defaultSort;
  const limit = request.limit ?? limits.pageDefault;
  const query = { list: 'sessions', filter, sort };
  const total = await totalOf(world, filter);
  if (sort === defaultSort) {
    const after = decodeCursor(request.cursor, query);
    const now = world.clock.nowForEnd();
    const page = await world.store.listSessions({
      filter,
      after: after as Session['id'] | undefined,
      limit,
      now,
      budget,
    });
    return {
      sessions: page.sessions.map((snapshot) => view(world, snapshot)),
      nextCursor: page.next === undefined ? undefined : encodeCursor(page.next, query),
      total,
      partial: page.partial,
    };
  }
  const offset = Number(decodeCursor(request.cursor, query) ?? 0);
  const { sessions, partial } = await matchesOf(world, filter, mostSorted(filter));
  sessions.sort(orderBy(sort));
  const end = offset + limit;
  return {
    sessions: sessions.slice(offset, end),
    nextCursor: end < sessions.length ? encodeCursor(String(end), query) : undefined,
    total: partial ? total : sessions.length,
    partial,
  };
}

/** Counts what the store counts by itself: the active ones, of everybody or of a user. */
async function totalOf(world: World, filter: SessionFilter): Promise<number | undefined> {
  const { userId, status, ...others } = filter;
  if (status !== 'active' || Object.values(others).some((part) => part !== undefined)) return undefined;
  return world.store.countActive(world.clock.nowForEnd(), userId);
}

function parseFilter(request: ListRequest): SessionFilter {
  const { user, group, name, ip, status, filter } = request;
  return {
    userId: user === undefined ? undefined : parseUserId(user),
    accessGroup: group === undefined ? undefined : parseGroup(group),
    name: name === undefined ? undefined : parseSessionName(name),
    ip: parseAddress(ip),
    status,
    text: parseText(filter),
  };
}

/** Ties are broken by id, so an order is the same on every page. */
function orderBy(sort: Sort): (a: Session, b: Session) => number {
  const down = sort.startsWith('-');
  const key = (down ? sort.slice(1) : sort) as SortKey;
  const rank = (session: Session) => (key === 'device' ? (session.device.name ?? '') : (session[key] ?? ''));
  return (a, b) => {
    const [x, y] = [rank(a), rank(b)];
    const order = x < y ? -1 : x > y ? 1 : a.id < b.id ? -1 : 1;
    return down ? -order : order;
  };
}
