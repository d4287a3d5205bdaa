import { setImmediate } from 'node:timers/promises';
import { limits } from '../domain/limits.ts';
import type { Session } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { SessionFilter } from '../stores/contract.ts';
import type { AuthorityContext } from './context.ts';
import { view } from './get-session.ts';

/** Milliseconds that a list may spend looking for matches. */
export const budget = 500;
/** How many matches are read from the store at a time. */
const pageOfScan = 500;

/** How many matches may be sorted: no limit for one user's sessions, which are always sorted exactly. */
export function mostSorted(filter: SessionFilter): number {
  return filter.userId === undefined ? limits.sortedMatches : Number.POSITIVE_INFINITY;
}

/** The `performance.now()` until which to look for matches; no limit for one user's, which are always all found. */
function patience(filter: SessionFilter): number {
  return filter.userId === undefined ? performance.now() + budget : Number.POSITIVE_INFINITY;
}

/**
 * Passes matches to `look`, newest first and page by page: at most `most` in all. Others have their turn after each page,
 * because one user may have very many. `partial` if there are more, or a scan ran out of time.
 */
export async function eachMatch(
  context: AuthorityContext,
  { filter, most, until = patience(filter) }: { filter: SessionFilter; most: number; until?: number },
  look: (sessions: Session[]) => void,
): Promise<{ partial: boolean }> {
  let found = 0;
  let after: Session['id'] | undefined;
  for (;;) {
    const left = until - performance.now();
    const now = context.clock.nowForEnd();
    const limit = Math.min(pageOfScan, most - found);
    const page = await context.store.listSessions({ filter, after, limit, now, budget: Math.max(0, left) });
    look(page.sessions.map((snapshot) => view(context, snapshot)));
    found += page.sessions.length;
    after = page.next;
    if (after === undefined) return { partial: false };
    if (performance.now() >= until || found >= most) return { partial: true };
    await setImmediate();
  }
}

/**
 * A search text in lower case; `undefined` if it is empty.
 * @throws `invalid_value`
 */
export function parseText(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (text.length <= limits.filter) return text.toLowerCase();
  throw new CurfewError('invalid_value', { detail: `A filter has at most ${limits.filter} characters.` });
}
