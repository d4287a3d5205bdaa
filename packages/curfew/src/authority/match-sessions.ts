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

/** Matches, newest first: at most `most`; `partial` if there are more or a scan ran out of time. */
export async function matchesOf(
  context: AuthorityContext,
  filter: SessionFilter,
  most: number,
  until: number = patience(filter),
): Promise<{ sessions: Session[]; partial: boolean }> {
  const sessions: Session[] = [];
  let after: Session['id'] | undefined;
  do {
    const left = until - performance.now();
    const now = context.clock.nowForEnd();
    const limit = Math.min(pageOfScan, most - sessions.length);
    const page = await context.store.listSessions({ filter, after, limit, now, budget: Math.max(0, left) });
    sessions.push(...page.sessions.map((snapshot) => view(context, snapshot)));
    after = page.next;
    const spent = performance.now() >= until;
    if (after !== undefined && (spent || sessions.length >= most)) return { sessions, partial: true };
  } while (after !== undefined);
  return { sessions, partial: false };
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
