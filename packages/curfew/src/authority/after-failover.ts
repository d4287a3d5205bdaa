import { setTimeout } from 'node:timers/promises';
import { minute, second } from '../domain/limits.ts';
import { isCurfewError } from '../errors.ts';
import type { Store } from '../stores/contract.ts';

type Parts = {
  store: Store;
  /** The latest time known, epoch milliseconds. */
  now(): number;
  /** Whether to end every session, because writes acknowledged shortly before a failover may be lost. */
  endEveryone: boolean;
  onError(error: unknown): void;
  /** Stops all further work when aborted. */
  until: AbortSignal;
};

const pause = second;
/** Nodes notice a failover within seconds of each other: within this window only the first of them acts on it. */
const once = { max: 1, window: minute };

/**
 * What to do when the store has become another incarnation: append an event and, if so configured, end every session.
 * One node does it for all, and repeats each step until the store has accepted it.
 */
export async function afterFailover(incarnation: string, parts: Parts): Promise<void> {
  const { store, now, endEveryone } = parts;
  const first = async () => {
    try {
      return (await store.takeAttempt(`failover ${incarnation}`, once, now())).allowed;
    } catch (error) {
      // It is unknown which node is first, so each acts as if it were: doing it twice is harmless, not doing it is not.
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
