import type { SessionId, UserId } from '../domain/brand.ts';
import { parseSessionId, parseUserId } from '../domain/parse.ts';
import type { Actor, EndReason, ToldReason } from '../domain/reasons.ts';
import { CurfewError } from '../errors.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { endReasonOf } from './end-reason.ts';
import type { Receipt, Wait } from './receipt.ts';

/** `ended`: the number of sessions that this call ended. */
export type EndedSessions = { ended: number; receipt: Receipt };

/**
 * Ends all of a user's sessions, including those being opened at this moment, except the one that `except` names.
 * `reason` is the reason that an application gives.
 * @throws `permission_missing` if a person gives a reason; `session_not_found` if the session to keep is not the user's
 *   or has ended (then none is ended)
 */
export async function endUserSessions(
  context: AuthorityContext,
  caller: Caller,
  userId: string,
  {
    except,
    wait = 'everywhere',
    reason: told,
  }: { except?: string | undefined; wait?: Wait | undefined; reason?: ToldReason | undefined } = {},
): Promise<EndedSessions> {
  const spared: SessionId | undefined = except === undefined ? undefined : parseSessionId(except);
  const reason = endReasonOf(caller, told, 'all_of_user');
  return endAllOf(context, parseUserId(userId), { by: actorOf(caller), reason }, spared, wait);
}

/** Ends all sessions of a user, and waits as `wait` says. @throws `session_not_found` for the session to keep */
export async function endAllOf(
  context: AuthorityContext,
  userId: UserId,
  why: { by: Actor; reason: EndReason },
  except?: SessionId,
  wait: Wait = 'everywhere',
): Promise<EndedSessions> {
  const at = context.clock.nowForEnd();
  const outcome = await context.store.endSessionsOfUser(userId, { at, ...why }, { except });
  if (outcome.kind === 'not_found') {
    throw new CurfewError('session_not_found', { detail: "The session to keep is not one of the user's." });
  }
  const propagation = await context.fence.awaitEverywhere(outcome.sequence, wait);
  return { ended: outcome.ended, receipt: { ...propagation, endedAt: at } };
}
