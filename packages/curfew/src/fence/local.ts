import type { Fence } from '../authority/receipt.ts';
import type { Store } from '../stores/contract.ts';

/**
 * The fence of a single node that reads the store at every verification and keeps no cache: what is stored is over
 * everywhere at once. Its row is written all the same, so the receipt counts nodes from the first day.
 */
export async function createLocalFence(store: Store, nodeId: string): Promise<Fence> {
  let counter = 1;
  await store.renewNode({ id: nodeId, counter, applied: await store.logHead() });
  return {
    async settle(sequence, wait) {
      const began = performance.now();
      if (wait === 'stored') return receipt(sequence, false, 0, 0);
      counter += 1;
      await store.renewNode({ id: nodeId, counter, applied: sequence });
      const rows = await store.listNodes();
      const applied = rows.filter((row) => row.applied >= sequence).length;
      return receipt(sequence, true, applied, Math.round(performance.now() - began));
    },
    close: () => store.removeNode(nodeId),
  };
}

function receipt(sequence: number, everywhere: boolean, applied: number, waitedMs: number) {
  return {
    sequence,
    everywhere,
    by: 'acks' as const,
    verifiers: { acknowledged: 0, expired: 0 },
    nodes: { applied, expired: 0 },
    waitedMs,
  };
}
