import { addressRank } from '../domain/address-bytes.ts';
import { sumOfIds } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseAddress, parseGroup, parseSessionName, parseUserId } from '../domain/parse.ts';
import type { Session, SessionStatus } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { SessionFilter } from '../stores/contract.ts';
import type { AuthorityContext } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { view } from './get-session.ts';
import { budget, eachMatch, mostSorted, parseText } from './match-sessions.ts';

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
  const { sessions, next, found, partial } = await sortedPage(context, { filter, sort, limit, after });
  return {
    sessions,
    nextCursor: next && encodeCursor(JSON.stringify(next), query),
    total: partial.scan ? total : found,
    partial: partial.scan || partial.moved,
  };
}

/** A page in any other order. One user may have very many matches, so only those are kept that may come on the page. */
async function sortedPage(
  context: AuthorityContext,
  { filter, sort, limit, after }: { filter: SessionFilter; sort: Sort; limit: number; after: Shown | undefined },
): Promise<{ sessions: Session[]; next?: Shown; found: number; partial: { scan: boolean; moved: boolean } }> {
  const order = orderBy(sort);
  let kept: { session: Session; position: Position }[] = [];
  let [found, before] = [0, nothing];
  const scan = await eachMatch(context, { filter, most: mostSorted(filter) }, (sessions) => {
    found += sessions.length;
    for (const session of sessions) {
      const position = positionOf(session, sort);
      // After the position of the last one shown, wherever that session is now: an end must not shift the pages.
      if (after && order(position, after) <= 0) before = withSession(before, session);
      else kept.push({ session, position });
    }
    kept.sort((a, b) => order(a.position, b.position));
    kept = kept.slice(0, limit + 1);
  });
  const page = kept.slice(0, limit);
  const sessions = page.map(({ session }) => session);
  const moves = isMoving(sort, filter);
  const moved = after !== undefined && moves && after.shown !== digestOf(before);
  const shown = !moves ? '' : moved ? lost : digestOf(sessions.reduce(withSession, before));
  return {
    sessions,
    ...(kept.length > limit && { next: { ...page.at(-1)!.position, shown } }),
    found,
    partial: { scan: scan.partial, moved },
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

/** Which sessions these are, whatever their order: how many, and the sum of the random digits of their ids. */
type Those = { count: number; sum: number };

const nothing: Those = { count: 0, sum: 0 };

function withSession({ count, sum }: Those, { id }: Session): Those {
  return { count: count + 1, sum: sumOfIds(sum, id) };
}

function digestOf({ count, sum }: Those): string {
  return `${count} ${sum}`;
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
