import { limits } from '../domain/limits.ts';
import { parseAddress, parseGroup, parseSessionName, parseUserId } from '../domain/parse.ts';
import type { Session, SessionStatus } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { SessionFilter } from '../stores/contract.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { view } from './get-session.ts';
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

/** Milliseconds that a list may look for matches. */
const budget = 500;
/** How many of one user's sessions an order sorts: all that a person can have. */
const pageOfScan = 500;

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
  const { sessions, partial } = await matchesOf(world, filter);
  sessions.sort(orderBy(sort));
  const end = offset + limit;
  return {
    sessions: sessions.slice(offset, end),
    nextCursor: end < sessions.length ? encodeCursor(String(end), query) : undefined,
    total: partial ? total : sessions.length,
    partial,
  };
}

/** Everything that matches, up to what an order may sort. A user's own are all of them. */
async function matchesOf(world: World, filter: SessionFilter): Promise<{ sessions: Session[]; partial: boolean }> {
  const most = filter.userId === undefined ? limits.sortedMatches : Number.POSITIVE_INFINITY;
  const began = performance.now();
  const sessions: Session[] = [];
  let after: Session['id'] | undefined;
  do {
    const left = budget - (performance.now() - began);
    const now = world.clock.nowForEnd();
    const page = await world.store.listSessions({ filter, after, limit: pageOfScan, now, budget: Math.max(0, left) });
    sessions.push(...page.sessions.map((snapshot) => view(world, snapshot)));
    after = page.next;
    // A user's own are sorted exactly, however many; a scan across users stops at its time and its number.
    const spent = filter.userId === undefined && performance.now() - began >= budget;
    if (after !== undefined && (spent || sessions.length >= most)) {
      return { sessions: sessions.slice(0, most), partial: true };
    }
  } while (after !== undefined);
  return { sessions, partial: false };
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
    text: filter === undefined || filter === '' ? undefined : parseText(filter),
  };
}

function parseText(text: string): string {
  if (text.length <= limits.filter) return text.toLowerCase();
  throw new CurfewError('invalid_value', { detail: `A filter has at most ${limits.filter} characters.` });
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
