import type { SessionId } from '../domain/brand.ts';
import { parseSessionId, parseUserId } from '../domain/parse.ts';
import type { ToldReason } from '../domain/reasons.ts';
import { CurfewError } from '../errors.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { endReasonOf } from './end-reason.ts';
import type { Receipt, Wait } from './receipt.ts';

/** `ended` counts the sessions that this ended. */
export type EndedSessions = { ended: number; receipt: Receipt };

/**
 * Ends all of a user's sessions, those being opened at this moment too; `except` names one that stays.
 * `reason` is the one that an application gives.
 * @throws `permission_missing` for a person who gives a reason; `session_not_found` when the excepted session is not the user's, or has ended; then none is ended
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
  const at = context.clock.nowForEnd();
  const end = { at, by: actorOf(caller), reason: endReasonOf(caller, told, 'all_of_user') };
  const outcome = await context.store.endSessionsOfUser(parseUserId(userId), end, { except: spared });
  if (outcome.kind === 'not_found') {
    throw new CurfewError('session_not_found', { detail: 'The session to except is not one of the user.' });
  }
  const propagation = await context.fence.awaitEverywhere(outcome.sequence, wait);
  return { ended: outcome.ended, receipt: { ...propagation, endedAt: at } };
}
