import type { SessionId } from '../../domain/brand.ts';
import type { SessionFilter, SessionPage, SessionQuery } from '../contract.ts';
import { searchPage } from '../search.ts';
import { matchesFilter } from '../session-filter.ts';
import { addressTag, groupTag, homeOf, nameTag } from './keys.ts';
import type { Link, Reply } from './link.ts';
import * as lists from './scripts/lists.ts';
import { readSessions } from './scripts/sessions.ts';
import { dropDead } from './scripts/sweep.ts';
import { decodeSnapshot } from './snapshot.ts';

/** Candidates that one script examines; Redis does nothing else meanwhile. */
const fewest = 50;
const most = 200;

export async function listSessions(link: Link, query: SessionQuery): Promise<SessionPage> {
  const { filter, limit, now } = query;
  let size = Math.min(most, Math.max(fewest, limit + 1));
  const { page, ...rest } = await searchPage(query, async (after: SessionId | undefined) => {
    const ids = await candidatesOf(link, filter, now, size, after);
    const more = ids.length === size;
    size = most;
    const replies = (await link.run(readSessions, ids)) as Reply[];
    const dead = ids.filter((_, i) => replies[i] === null);
    if (dead.length > 0) await drop(link, filter, dead);
    const looked = ids.map((id, i) => {
      const snapshot = decodeSnapshot(id, replies[i] ?? null);
      return [id, snapshot && matchesFilter(snapshot, filter, now) ? snapshot : undefined] as const;
    });
    return { looked, more };
  });
  return { sessions: page, ...rest };
}

/** The next ids, newest first, from just below a position; fewer than requested only if there are no more. */
async function candidatesOf(
  link: Link,
  filter: SessionFilter,
  now: number,
  size: number,
  after: SessionId | undefined,
): Promise<SessionId[]> {
  const position = after ?? '';
  const places = (
    filter.userId === undefined
      ? await link.run(lists.candidates, [
          String(size),
          position,
          String(now),
          filter.status === 'ended' && tagOf(filter) === undefined ? '1' : '0',
          ...placesOf(filter),
        ])
      : await link.run(
          lists.candidatesOfUser,
          [
            String(size),
            position,
            filter.userId,
            filter.status === 'active' || filter.status === 'suspended' ? '1' : '0',
          ],
          homeOf(filter.userId),
        )
  ) as SessionId[][];
  const ids = new Set(places.flat().filter((id) => after === undefined || id < after));
  return [...ids].sort().reverse().slice(0, size);
}

/** The indexes with the candidates for a filter, as few as possible. */
function placesOf(filter: SessionFilter): string[] {
  const { status } = filter;
  const tag = tagOf(filter);
  const live = status === 'active' || status === 'suspended';
  if (tag !== undefined) return live ? [`l:${tag}`] : [`l:${tag}`, `p:${tag}`];
  if (status === 'suspended') return ['suspended'];
  if (status === 'active') return ['live'];
  return status === 'ended' ? ['past'] : ['live', 'past'];
}

function tagOf({ name, accessGroup, ip }: SessionFilter): string | undefined {
  if (name !== undefined) return nameTag(name);
  if (accessGroup !== undefined) return groupTag(accessGroup);
  return ip === undefined ? undefined : addressTag(ip);
}

/** The reader of an index removes entries of sessions that no longer exist. */
async function drop(link: Link, filter: SessionFilter, dead: readonly SessionId[]): Promise<void> {
  const { userId } = filter;
  const keys = userId === undefined ? placesOf(filter).map((place) => link.key(place)) : [];
  const args = [userId ?? '', String(keys.length), ...keys, ...dead];
  // The next reader tries again.
  await link.run(dropDead, args, userId && homeOf(userId)).catch(() => {});
}
