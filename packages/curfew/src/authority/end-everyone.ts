import { CurfewError } from '../errors.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import type { EndedSessions } from './end-user-sessions.ts';
import type { Wait } from './receipt.ts';

/** The confirmation required to end every session. */
export const everyoneConfirmation = 'everyone';

/**
 * Ends every session.
 * @throws `confirmation_required`
 */
export async function endEveryone(
  context: AuthorityContext,
  caller: Caller,
  { confirm, wait = 'everywhere' }: { confirm: string; wait?: Wait | undefined },
): Promise<EndedSessions> {
  if (confirm !== everyoneConfirmation) throw new CurfewError('confirmation_required');
  const at = context.clock.nowForEnd();
  const { sequence, ended } = await context.store.endEveryone({ at, by: actorOf(caller), reason: 'everyone' });
  const propagation = await context.fence.awaitEverywhere(sequence, wait);
  return { ended, receipt: { ...propagation, endedAt: at } };
}
