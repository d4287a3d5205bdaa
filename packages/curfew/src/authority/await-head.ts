import type { UserId } from '../domain/brand.ts';
import type { AuthorityContext } from './context.ts';
import type { Receipt, Wait } from './receipt.ts';

/**
 * Waits until every change of a user's sessions that is visible now is known everywhere: for a call that finds that another
 * one has made its change, and may still be waiting for it.
 */
export async function awaitHead(
  { store, fence }: AuthorityContext,
  userId: UserId,
  wait: Wait = 'everywhere',
): Promise<Omit<Receipt, 'endedAt' | 'changedAt'>> {
  const { sequence } = await store.logHead(userId);
  return fence.awaitEverywhere(sequence, wait);
}
