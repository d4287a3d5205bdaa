import { parseSessionId } from '../domain/parse.ts';
import { endOf, type Session, viewOf } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { SessionSnapshot } from '../stores/contract.ts';
import type { AuthorityContext } from './context.ts';

/**
 * A session as it is now; an ended one too, for as long as it is kept.
 * @throws `session_not_found`
 */
export async function getSession(context: AuthorityContext, id: string): Promise<Session> {
  const found = await context.store.readSession(parseSessionId(id));
  if (!found) throw new CurfewError('session_not_found', { detail: `No session has the id ${id}.` });
  return view(context, found);
}

/**
 * A session that has not ended.
 * @throws `session_not_found`, for an ended one too
 */
export async function getLiveSession(context: AuthorityContext, id: string): Promise<Session> {
  const session = await getSession(context, id);
  if (session.status !== 'ended') return session;
  throw new CurfewError('session_not_found', { detail: `The session with the id ${id} has ended.` });
}

/** A snapshot as seen at this moment, including activity that has not been flushed yet. */
export function view(context: AuthorityContext, { stored, epochEnd }: SessionSnapshot): Session {
  const lastSeenAt = context.activity.lastSeen(stored);
  const fresh = lastSeenAt === stored.lastSeenAt ? stored : { ...stored, lastSeenAt };
  return viewOf(fresh, endOf(stored, epochEnd, context.clock.nowForEnd(), lastSeenAt));
}
