import type { SessionId } from '../../domain/brand.ts';
import type { SessionPage, SessionQuery, Store } from '../contract.ts';

type List = Pick<Store, 'listSessions'>;

/** A page of the sessions of all groups, newest first: each reads a page of its own. */
export async function listAll(groups: readonly List[], query: SessionQuery): Promise<SessionPage> {
  const pages = await Promise.all(groups.map((group) => group.listSessions(query)));
  // What a group has not looked at yet may come before what another one has found.
  const ends = pages.flatMap(({ partial, next }) => (partial && next !== undefined ? [next] : []));
  const reached: SessionId | undefined = ends.sort().at(-1);
  const found = pages
    .flatMap(({ sessions }) => sessions)
    .sort((a, b) => (a.stored.id < b.stored.id ? 1 : -1))
    .filter(({ stored }) => reached === undefined || stored.id >= reached);
  const sessions = found.slice(0, query.limit);
  const isFull = sessions.length === query.limit;
  const more = found.length > query.limit || pages.some(({ next }) => next !== undefined);
  if (isFull) return { sessions, next: more ? sessions.at(-1)!.stored.id : undefined, partial: false };
  return { sessions, next: reached, partial: reached !== undefined };
}
