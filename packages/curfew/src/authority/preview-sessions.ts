import type { SessionId } from '../domain/brand.ts';
import { idAbove } from '../domain/ids.ts';
import { parseSessionId } from '../domain/parse.ts';
import { endOf, type StoredSession } from '../domain/session.ts';
import { Distinct, Tally } from '../domain/tally.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { type ListRequest, parseFilter } from './list-sessions.ts';
import { type Chosen, expiryOf, sealHandle } from './preview-handle.ts';

export type PreviewRequest = Pick<ListRequest, 'user' | 'group' | 'name' | 'ip' | 'filter'> & {
  /** Active or suspended ones; both if absent. */
  status?: 'active' | 'suspended' | undefined;
  /** Ids of sessions to leave out. */
  except?: readonly string[] | undefined;
};

export type Preview = {
  /** How many sessions were counted, and how many different users have them. */
  sessions: number;
  users: number;
  /** Whether there may be more: the time was used up. What was counted are the newest. */
  partial: boolean;
  /** Whether the caller's own session is among them. */
  own: boolean;
  /** Epoch milliseconds. */
  countedAt: number;
  /** The handle with which they can be ended; absent if there are none. */
  preview: string | undefined;
  /** Until when the handle can be used. */
  expiresAt: number;
};

/** How many sessions are read at once: a count reads more of them than a list. */
export const mostAtOnce = 1000;
/** Milliseconds that a count may take. */
const usualPatience = 10_000;
/**
 * Counts sessions that have not ended.
 * @throws `invalid_value`, `user_id_too_long`, `session_not_found` if a session to leave out has no valid id
 */
export async function previewSessions(
  context: AuthorityContext,
  caller: Caller,
  { status, except = [], ...request }: PreviewRequest,
  patience: number = usualPatience,
): Promise<Preview> {
  const at = context.clock.nowForEnd();
  const chosen: Chosen = {
    filter: parseFilter(request),
    suspended: status && status === 'suspended',
    except: except.map(parseSessionId),
    at,
  };
  const tally = new Tally();
  const users = new Distinct();
  const mine = caller.kind === 'person' ? caller.session.id : undefined;
  const until = performance.now() + patience;
  let own = false;
  let first: SessionId | undefined;
  let after: SessionId | undefined;
  do {
    const page = await pageOf(context, chosen, { after, limit: mostAtOnce, budget: until - performance.now() });
    for (const { id, userId } of page.sessions) {
      first ??= id;
      own ||= id === mine;
      tally.add(id);
      users.add(userId);
    }
    after = page.next;
  } while (after !== undefined && performance.now() < until);
  const done = { ended: 0, alreadyEnded: 0, changed: 0, sequence: 0, endedAt: 0, own: false };
  const { count, parts } = tally;
  const above = first && idAbove(first);
  const handle = { ...chosen, by: actorOf(caller), madeAt: at, counted: count, above, parts, done };
  return {
    sessions: count,
    users: users.count,
    partial: after !== undefined,
    own,
    countedAt: at,
    preview: first && sealHandle(context, handle),
    expiresAt: expiryOf(handle),
  };
}

/** A page of the sessions that are meant, newest first, and where the next page begins. */
export async function pageOf(
  context: AuthorityContext,
  { filter, suspended, except, at }: Chosen,
  { after, limit, budget }: { after: SessionId | undefined; limit: number; budget: number },
): Promise<{ sessions: StoredSession[]; next: SessionId | undefined }> {
  const now = context.clock.nowForEnd();
  const { sessions, next } = await context.store.listSessions({
    filter,
    after,
    limit,
    now,
    budget: Math.max(0, budget),
  });
  const meant = sessions.filter(({ stored, epochEnd }) => {
    if (except.includes(stored.id) || (suspended !== undefined && stored.suspended !== suspended)) return false;
    const end = endOf(stored, epochEnd, now, context.activity.lastSeen(stored));
    return end === undefined || end.at > at;
  });
  return { sessions: meant.map(({ stored }) => stored), next };
}
