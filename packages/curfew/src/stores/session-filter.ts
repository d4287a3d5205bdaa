import { matchesText } from '../domain/search.ts';
import { endOf, viewOf } from '../domain/session.ts';
import type { SessionFilter, SessionSnapshot } from './contract.ts';

/** Whether a session is in the list that a filter asks for: for stores that examine candidates one by one. */
export function matchesFilter({ stored, epochEnd }: SessionSnapshot, filter: SessionFilter, now: number): boolean {
  if (filter.userId !== undefined && stored.userId !== filter.userId) return false;
  if (filter.accessGroup !== undefined && !stored.accessGroups.includes(filter.accessGroup)) return false;
  if (filter.name !== undefined && stored.name !== filter.name) return false;
  if (filter.ip !== undefined && stored.ip !== filter.ip) return false;
  if (filter.status === undefined && filter.text === undefined) return true;
  const seen = viewOf(stored, endOf(stored, epochEnd, now));
  if (filter.status !== undefined && seen.status !== filter.status) return false;
  return filter.text === undefined || matchesText(seen, filter.text);
}
