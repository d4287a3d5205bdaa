import { CurfewError } from '../errors.ts';
import { actorOf, type Caller } from './caller.ts';
import type { EndedSessions } from './end-user-sessions.ts';
import type { Wait } from './receipt.ts';
import type { World } from './world.ts';

/** What has to be said to end everybody. */
export const everyoneConfirmation = 'everyone';

/**
 * Ends every session there is, whatever their number.
 * @throws `confirmation_required`
 */
export async function endEveryone(
  world: World,
  caller: Caller,
  { confirm, wait = 'everywhere' }: { confirm: string; wait?: Wait | undefined },
): Promise<EndedSessions> {
  if (confirm !== everyoneConfirmation) throw new CurfewError('confirmation_required');
  const at = world.clock.nowForEnd();
  const { sequence, ended } = await world.store.endEveryone({ at, by: actorOf(caller), reason: 'everyone' });
  const settled = await world.fence.settle(sequence, wait);
  return { ended, receipt: { ...settled, endedAt: at } };
}
