import { setImmediate } from 'node:timers/promises';
import type { AccountId, UserId } from '../domain/brand.ts';
import { limits } from '../domain/limits.ts';
import { parseUserId } from '../domain/parse.ts';
import type { Session } from '../domain/session.ts';
import type { SessionFilter } from '../stores/contract.ts';
import type { AuthorityContext } from './context.ts';
import { view } from './get-session.ts';
import { budget, eachMatch, mostSorted, parseText } from './match-sessions.ts';
import { sortInPieces } from './sort-in-pieces.ts';

/** What a browsed list can be ordered by; `username` and `displayName` are those of the session's user. */
export const browseKeys = ['createdAt', 'device', 'os', 'osVersion', 'username', 'displayName'] as const;
export type BrowseKey = (typeof browseKeys)[number];
/** Sort keys, the most significant first, each ascending or descending. */
export type BrowseOrder = readonly { key: BrowseKey; down: boolean }[];

export type BrowseRequest = {
  /** One user's sessions; if absent, everybody's. */
  user?: string | undefined;
  /** Text to search for, taken literally; across users, their names are searched too. */
  filter?: string | undefined;
  /** If empty: newest first. */
  order: BrowseOrder;
  offset: number;
  limit: number;
};

/** The names of a session's user: those of the account, or the user's id if there is no account. */
export type OwnerNames = { username: string; displayName: string };
export type Browsed = {
  sessions: { session: Session; named: OwnerNames }[];
  /** How many match in all; if a search for text is `partial`, how many were found. */
  total: number;
  /** Whether there may be more than was looked at: a scan ran out of time, or there were too many matches to sort. */
  partial: boolean;
};

/**
 * Active sessions by offset, for clients with numbered pages. All pages share one order: one user's sessions are sorted
 * exactly; across users at most 10,000 matches are sorted, and newest first goes as deep as its time allows.
 * @throws `invalid_value`, `user_id_too_long`
 */
export async function browseSessions(context: AuthorityContext, request: BrowseRequest): Promise<Browsed> {
  const { offset, limit, order } = request;
  const userId = request.user === undefined ? undefined : parseUserId(request.user);
  const filter: SessionFilter = { userId, status: 'active', text: parseText(request.filter) };
  if (filter.text === undefined && isNewestFirst(order)) return newest(context, filter, offset, limit);
  const { matches, partial } = await everyMatch(context, filter);
  const named = needsNames(order) ? await namesOf(context, matches) : undefined;
  const sorted = await sortInPieces(matches, orderBy(order, named));
  const total = partial && filter.text === undefined ? await countActive(context, userId) : matches.length;
  const page = await stillActive(context, sorted.slice(offset, offset + limit));
  return { sessions: withNames(page, named ?? (await namesOf(context, page))), total, partial };
}

/** What is kept of a session until its page is known: one user may have very many. */
type Match = Pick<Session, 'id' | 'userId' | 'createdAt' | 'device'>;

function matchOf({ id, userId, createdAt, device }: Session): Match {
  return { id, userId, createdAt, device };
}

/** The sessions that were found, but for those that have ended meanwhile. */
async function stillActive(context: AuthorityContext, matches: readonly Match[]): Promise<Session[]> {
  const found = await Promise.all(matches.map(({ id }) => context.store.readSession(id)));
  return found.flatMap((snapshot) => {
    const session = snapshot && view(context, snapshot);
    return session?.status === 'active' ? [session] : [];
  });
}

/** Newest first is the order in which a store keeps sessions: nothing is sorted, and the store knows their number. */
async function newest(
  context: AuthorityContext,
  filter: SessionFilter,
  offset: number,
  limit: number,
): Promise<Browsed> {
  const total = await countActive(context, filter.userId);
  const most = offset + limit;
  const page: Session[] = [];
  let found = 0;
  const { partial } = await eachMatch(context, { filter, most }, (sessions) => {
    page.push(...sessions.slice(Math.max(0, offset - found)));
    found += sessions.length;
  });
  const short = partial && found < most;
  return { sessions: withNames(page, await namesOf(context, page)), total, partial: short };
}

function countActive(context: AuthorityContext, userId: UserId | undefined): Promise<number> {
  return context.store.countActive(context.clock.nowForEnd(), userId);
}

/**
 * Sessions that match, and, across users, the sessions of users whose names match. Together they get the time of one
 * scan: a third each for the names, for the sessions of the users found, and for all other sessions.
 */
async function everyMatch(
  context: AuthorityContext,
  filter: SessionFilter,
): Promise<{ matches: Match[]; partial: boolean }> {
  const most = mostSorted(filter);
  const byId = new Map<Session['id'], Match>();
  const keep = (sessions: readonly Session[]) => {
    for (const session of sessions) byId.set(session.id, matchOf(session));
  };
  if (filter.text === undefined || filter.userId !== undefined) {
    const { partial } = await eachMatch(context, { filter, most }, keep);
    return { matches: [...byId.values()], partial };
  }
  const began = performance.now();
  const after = (share: number) => began + budget * share;
  const { users, more } = await usersNamed(context, filter.text);
  let partial = more;
  const look = async (what: SessionFilter, until: number) => {
    const found = await eachMatch(context, { filter: what, most, until }, keep);
    partial ||= found.partial;
  };
  for (const userId of users) {
    if (byId.size >= most || performance.now() >= after(2 / 3)) {
      partial = true;
      break;
    }
    await look({ userId, status: 'active' }, after(2 / 3));
  }
  await look(filter, after(1));
  return { matches: [...byId.values()].slice(0, most), partial: partial || byId.size > most };
}

/** Users with a text in one of their names: one page of them, which is more than anybody reads. */
async function usersNamed(context: AuthorityContext, text: string): Promise<{ users: AccountId[]; more: boolean }> {
  const { accounts, next } = await context.store.listAccounts({ limit: limits.pageMax, text, budget: budget / 3 });
  const users = accounts
    // An address is not a name: permission to see sessions is not permission to search for addresses.
    .filter(({ username, name }) => [username, name].some((part) => part?.toLowerCase().includes(text)))
    .map(({ id }) => id);
  return { users, more: next !== undefined };
}

/** How many accounts are read at once. */
const readAtOnce = 100;

async function namesOf(
  context: AuthorityContext,
  sessions: readonly Pick<Session, 'userId'>[],
): Promise<Map<UserId, OwnerNames>> {
  const users = [...new Set(sessions.map(({ userId }) => userId))];
  const names = new Map<UserId, OwnerNames>();
  for (let i = 0; i < users.length; i += readAtOnce) {
    if (i > 0) await setImmediate();
    await Promise.all(
      users.slice(i, i + readAtOnce).map(async (userId) => names.set(userId, await namesOfUser(context, userId))),
    );
  }
  return names;
}

export async function namesOfUser(context: AuthorityContext, userId: UserId): Promise<OwnerNames> {
  const { account } = await context.store.readUser(userId);
  const username = account?.username ?? userId;
  return { username, displayName: account?.name ?? username };
}

function withNames(sessions: readonly Session[], named: ReadonlyMap<UserId, OwnerNames>): Browsed['sessions'] {
  return sessions.map((session) => ({ session, named: named.get(session.userId)! }));
}

function isNewestFirst(order: BrowseOrder): boolean {
  const [first, second] = order;
  return first === undefined || (first.key === 'createdAt' && first.down && second === undefined);
}

function needsNames(order: BrowseOrder): boolean {
  return order.some(({ key }) => key === 'username' || key === 'displayName');
}

/** Sessions that are equal in every key are ordered newest first, so the order is the same on every page. */
function orderBy(order: BrowseOrder, named: ReadonlyMap<UserId, OwnerNames> | undefined) {
  return (a: Match, b: Match): number => {
    for (const { key, down } of order) {
      const [x, y] = [rankOf(a, key, named), rankOf(b, key, named)];
      if (x !== y) return x < y === down ? 1 : -1;
    }
    return a.id < b.id ? 1 : -1;
  };
}

function rankOf(session: Match, key: BrowseKey, named: ReadonlyMap<UserId, OwnerNames> | undefined): string | number {
  switch (key) {
    case 'createdAt':
      return session.createdAt;
    case 'device':
      return session.device.name ?? '';
    case 'os':
      return session.device.os?.name ?? '';
    case 'osVersion':
      return session.device.os?.version ?? '';
    case 'username':
    case 'displayName':
      return named?.get(session.userId)?.[key] ?? '';
  }
}
