import { hash } from 'node:crypto';
import { addressRank } from '../domain/address-bytes.ts';
import { limits } from '../domain/limits.ts';
import { parseAddress, parseGroup, parseSessionName, parseUserId } from '../domain/parse.ts';
import type { Session, SessionStatus } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { SessionFilter } from '../stores/contract.ts';
import type { AuthorityContext } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { view } from './get-session.ts';
import { budget, matchesOf, mostSorted, parseText } from './match-sessions.ts';

/** What sessions can be ordered by; newest first is `-createdAt`. */
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
  /** Text to search for, taken literally. */
  filter?: string | undefined;
  sort?: Sort | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
};

export type SessionList = {
  sessions: Session[];
  /** For the next page; absent on the last one. */
  nextCursor: string | undefined;
  /** How many match in all; absent if counting would require reading every session. */
  total: number | undefined;
  /**
   * Whether there may be more than was shown: a scan ran out of time, there were too many matches to sort, or a session
   * may have moved to an earlier page.
   */
  partial: boolean;
};

/**
 * A page of sessions. Newest first works by cursor for any number of sessions. Any other order sorts the matches, at
 * most 10,000 across users, and is `partial` if there were more. However many sessions end meanwhile, the pages show
 * every session that existed throughout; in an order by a value that changes, a page that may have missed one is
 * `partial`.
 * @throws `cursor_invalid`, `cursor_of_another_query`, `invalid_value`
 */
export async function listSessions(context: AuthorityContext, request: ListRequest): Promise<SessionList> {
  const filter = parseFilter(request);
  const sort = request.sort ?? defaultSort;
  const limit = request.limit ?? limits.pageDefault;
  const query = { list: 'sessions', filter, sort };
  const total = await totalOf(context, filter);
  if (sort === defaultSort) {
    const after = decodeCursor(request.cursor, query);
    const now = context.clock.nowForEnd();
    const page = await context.store.listSessions({
      filter,
      after: after as Session['id'] | undefined,
      limit,
      now,
      budget,
    });
    return {
      sessions: page.sessions.map((snapshot) => view(context, snapshot)),
      nextCursor: page.next === undefined ? undefined : encodeCursor(page.next, query),
      total,
      partial: page.partial,
    };
  }
  const after = parsePosition(decodeCursor(request.cursor, query));
  const { sessions, partial } = await matchesOf(context, filter, mostSorted(filter));
  const order = orderBy(sort);
  sessions.sort((a, b) => order(positionOf(a, sort), positionOf(b, sort)));
  // After the position of the last one shown, wherever that session is now: an end must not shift the pages.
  const start = after ? sessions.filter((session) => order(positionOf(session, sort), after) <= 0).length : 0;
  const end = start + limit;
  const moves = isMoving(sort, filter);
  const moved = after !== undefined && moves && after.shown !== digestOf(sessions.slice(0, start));
  const shown = !moves ? '' : moved ? lost : digestOf(sessions.slice(0, end));
  return {
    sessions: sessions.slice(start, end),
    nextCursor:
      end < sessions.length
        ? encodeCursor(JSON.stringify({ ...positionOf(sessions[end - 1]!, sort), shown }), query)
        : undefined,
    total: partial ? total : sessions.length,
    partial: partial || moved,
  };
}

/** A session's position in an order. Ties are broken by id, so the order is the same on every page. */
type Position = { rank: string | number; id: string };
/** Where a list continues; if sessions can move in the order, `shown` is a digest of all sessions shown so far. */
type Shown = Position & { shown: string };

/** In place of a digest: an earlier page found that a session had moved, so later pages cannot be sure either. */
const lost = 'lost';

/**
 * Whether sessions can move in an order while they are active. A session may then move from after a page to before it,
 * and no page would show it: so a later page checks whether all before it have been shown, and is `partial` if not.
 */
function isMoving(sort: Sort, { status }: SessionFilter): boolean {
  const key = keyOf(sort);
  return key === 'lastSeenAt' || (key === 'status' && status === undefined);
}

function digestOf(sessions: readonly Session[]): string {
  const ids = sessions.map(({ id }) => id).sort();
  return hash('sha256', ids.join(' '), 'base64url').slice(0, 22);
}

/** @throws `cursor_invalid` */
function parsePosition(text: string | undefined): Shown | undefined {
  if (text === undefined) return undefined;
  const position = partsOf(text);
  if (position) return position;
  throw new CurfewError('cursor_invalid');
}

function partsOf(text: string): Shown | undefined {
  try {
    const { rank, id, shown } = JSON.parse(text) as Record<string, unknown>;
    const isRank = typeof rank === 'string' || typeof rank === 'number';
    return isRank && typeof id === 'string' && typeof shown === 'string' ? { rank, id, shown } : undefined;
  } catch {
    return undefined;
  }
}

/** The total, if the store counts it anyway: the number of active sessions, of everybody or of one user. */
async function totalOf(context: AuthorityContext, filter: SessionFilter): Promise<number | undefined> {
  const { userId, status, ...others } = filter;
  if (status !== 'active' || Object.values(others).some((part) => part !== undefined)) return undefined;
  return context.store.countActive(context.clock.nowForEnd(), userId);
}

/** @throws `invalid_value`, `user_id_too_long` */
export function parseFilter(request: Omit<ListRequest, 'sort' | 'limit' | 'cursor'>): SessionFilter {
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

function keyOf(sort: Sort): SortKey {
  return (sort.startsWith('-') ? sort.slice(1) : sort) as SortKey;
}

function positionOf(session: Session, sort: Sort): Position {
  return { rank: rankOf(session, keyOf(sort)), id: session.id };
}

function rankOf(session: Session, key: SortKey): string | number {
  switch (key) {
    case 'device':
      return session.device.name ?? '';
    case 'ip':
      return addressRank(session.ip);
    default:
      return session[key];
  }
}

function orderBy(sort: Sort): (a: Position, b: Position) => number {
  const direction = sort.startsWith('-') ? -1 : 1;
  return (a, b) => {
    if (a.rank !== b.rank) return a.rank < b.rank ? -direction : direction;
    return a.id === b.id ? 0 : a.id < b.id ? -direction : direction;
  };
}
