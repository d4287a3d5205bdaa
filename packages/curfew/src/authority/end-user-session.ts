import type { ToldReason } from '../domain/reasons.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { endReasonOf } from './end-reason.ts';
import { type EndedSession, endStored } from './end-session.ts';
import { findOwned } from './find-user-session.ts';
import type { Wait } from './receipt.ts';

/**
 * Ends one of a user's sessions, by its token or its id, checked and ended in one step. If it has ended already, this
 * succeeds. `told` is the reason that an application gives.
 * @throws `permission_missing`; `session_not_found`, with the same text for an unknown session and another user's
 */
export async function endUserSession(
  context: AuthorityContext,
  caller: Caller,
  userId: string,
  tokenOrId: string,
  wait: Wait = 'everywhere',
  told?: ToldReason,
): Promise<EndedSession> {
  const { stored } = await findOwned(context, userId, tokenOrId);
  const own = caller.kind === 'person' && caller.session.userId === stored.userId;
  const reason = endReasonOf(caller, told, own ? 'logout' : 'ended_by_admin');
  return endStored(context, stored.id, { by: actorOf(caller), reason }, wait, { userId: stored.userId, seen: stored });
}
