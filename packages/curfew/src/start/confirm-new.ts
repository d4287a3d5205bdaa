import type { Store } from '../stores/contract.ts';

/**
 * A store that no server has used has no earlier incarnation: nobody can hold a session of it. If one has, the store
 * has its secret key's fingerprint.
 */
export async function confirmNew(store: Store): Promise<void> {
  // First: what is empty is this incarnation, not one that the store is failed over to meanwhile.
  const { incarnation } = await store.logHead();
  if ((await store.keyFingerprint()) !== undefined || (await store.latestTime()) > 0) return;
  await store.confirmIncarnation(incarnation);
}
