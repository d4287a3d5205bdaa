import { parseGroups, parsePersonId, parseSessionId } from '../domain/parse.ts';
import { CurfewError } from '../errors.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { guardSessionsOf } from './guard.ts';
import type { Receipt, Wait } from './receipt.ts';

/**
 * Adds and removes access groups on all of a user's sessions that have not ended, or on the one that `sessionId`
 * names: all or none. A group that is both removed and added is present afterwards.
 * If the user has an account, the caller needs all of its permissions: the groups decide what its sessions may reach.
 * @throws `too_many_groups`, `too_many_to_change`, `invalid_value`, `session_not_found`, `permission_missing`
 */
export async function changeAccessGroups(
  context: AuthorityContext,
  caller: Caller,
  userId: string,
  change: {
    add?: readonly string[] | undefined;
    remove?: readonly string[] | undefined;
    sessionId?: string | undefined;
  },
  wait: Wait = 'everywhere',
): Promise<{ updated: number; receipt: Receipt }> {
  const { add = [], remove = [], sessionId } = change;
  const now = context.clock.now();
  const owner = parsePersonId(userId);
  const { account } = await context.store.readUser(owner);
  guardSessionsOf(caller, account);
  const outcome = await context.store.changeGroups({
    userId: owner,
    change: { add: parseGroups(add), remove: parseGroups(remove) },
    only: sessionId === undefined ? undefined : parseSessionId(sessionId),
    by: actorOf(caller),
    now,
  });
  if (outcome.kind === 'not_found') {
    throw new CurfewError('session_not_found', { detail: 'The user has no such session, or it has ended.' });
  }
  const propagation = await context.fence.awaitEverywhere(outcome.sequence, wait);
  return { updated: outcome.updated, receipt: { ...propagation, changedAt: now } };
}
