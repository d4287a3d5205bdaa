import { setTimeout } from 'node:timers/promises';
import { minute, second } from '../domain/limits.ts';
import { isCurfewError } from '../errors.ts';
import type { Store } from '../stores/contract.ts';

type Parts = {
  store: Store;
  /** The latest moment known, epoch milliseconds. */
  now(): number;
  /** Whether everyone is ended: what was acknowledged shortly before a failover may be lost. */
  endEveryone: boolean;
  onError(error: unknown): void;
  /** Nothing more is done once it is aborted. */
  until: AbortSignal;
};

const pause = second;
/** Nodes notice a failover within seconds of each other: so long only the first of them acts on it. */
const once = { max: 1, window: minute };

/**
 * What follows when the store turns out to be another incarnation: an event and, for whoever wants certainty, the end of
 * everyone. Once for all nodes, and again and again until the store has taken it.
 */
export async function afterFailover(incarnation: string, parts: Parts): Promise<void> {
  const { store, now, endEveryone } = parts;
  const first = async () => {
    try {
      return (await store.takeAttempt(`failover ${incarnation}`, once, now())).allowed;
    } catch (error) {
      // Nobody knows who is the first: then each is. Twice is no harm, never is.
      if (isCurfewError(error, 'outcome_unknown')) return true;
      throw error;
    }
  };
  if (!(await insist(first, parts))) return;
  const event = { type: 'store.failed_over', at: now(), by: 'policy', details: { incarnation } } as const;
  await insist(() => store.appendEvent(event), parts);
  if (endEveryone) await insist(() => store.endEveryone({ at: now(), by: 'policy', reason: 'everyone' }), parts);
}

async function insist<T>(step: () => Promise<T>, { onError, until }: Parts): Promise<T | undefined> {
  while (!until.aborted) {
    try {
      return await step();
    } catch (error) {
      onError(error);
      await setTimeout(pause, undefined, { ref: false });
    }
  }
  return undefined;
}
