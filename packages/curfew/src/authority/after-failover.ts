import { setTimeout } from 'node:timers/promises';
import { day, limits, minute, second } from '../domain/limits.ts';
import { isCurfewError } from '../errors.ts';
import type { Store } from '../stores/contract.ts';

type Parts = {
  store: Pick<Store, 'takeAttempt' | 'readEvents' | 'endEveryone' | 'appendEvent'>;
  /** The latest time known, epoch milliseconds. */
  now(): number;
  /** Whether to end every session, because writes acknowledged shortly before a failover may be lost. */
  endEveryone: boolean;
  onError(error: unknown): void;
  /** Stops all further work when aborted. */
  until: AbortSignal;
};

/** Milliseconds between two tries, and between two looks at what the node whose turn it is has done. */
const pause = second;
/** One node acts at a time. If it has not finished by then, because it has stopped or lost the store, another one does. */
const turn = { max: 1, window: minute };
/** How far back to look for what other nodes have done. A node may have been cut off from the store for some time. */
const reach = day;
/** Milliseconds that a look may take: if there are too many events to search, ending twice is better than ending late. */
const budget = 2 * second;

/**
 * What to do when the store has become another incarnation: end every session, if so configured, and append an event.
 * One node does it for all; the others wait until the event is there, and act themselves if the node does not finish.
 *
 * Sessions end first: that is what is urgent, and a full disk accepts it although it refuses the event. If the event is
 * missing, everyone may have been ended all the same, and people may have signed in again since. So nobody is ended
 * again if that has happened since the first turn began, which was after the failover.
 */
export async function afterFailover(incarnation: string, parts: Parts): Promise<void> {
  const { store, now, onError, until } = parts;
  /** When the first turn that this node knows of began, and until when it is this node's turn. */
  const turns = { began: Number.POSITIVE_INFINITY, oursUntil: Number.NEGATIVE_INFINITY };

  const isOurTurn = async () => {
    if (now() < turns.oursUntil) return true;
    const { allowed, resetAt } = await takeTurn(incarnation, parts);
    turns.began = Math.min(turns.began, resetAt - turn.window);
    if (allowed) turns.oursUntil = resetAt;
    return allowed;
  };
  const record = async () => {
    const query = { type: 'store.failed_over', since: now() - reach, limit: limits.pageMax, budget } as const;
    return (await store.readEvents(query)).events.find(({ details }) => details?.['incarnation'] === incarnation);
  };
  const isEveryoneEnded = async (since: number) => {
    const query = { type: 'everyone.ended', since, limit: 1, budget } as const;
    return (await store.readEvents(query)).events.length > 0;
  };
  const isDone = async () => {
    const recorded = await record();
    // A node with another setting, or of an earlier version, may have recorded it without ending anybody.
    if (recorded && (!parts.endEveryone || (await isEveryoneEnded(recorded.at - turn.window)))) return true;
    if (!(await isOurTurn())) return false;
    if (parts.endEveryone && !(await isEveryoneEnded(turns.began))) {
      await store.endEveryone({ at: now(), by: 'policy', reason: 'everyone' }, incarnation);
    }
    if (!recorded)
      await store.appendEvent({ type: 'store.failed_over', at: now(), by: 'policy', details: { incarnation } });
    return true;
  };

  while (!until.aborted) {
    try {
      if (await isDone()) return;
    } catch (error) {
      onError(error);
    }
    await setTimeout(pause, undefined, { ref: false });
  }
}

async function takeTurn(incarnation: string, { store, now }: Parts): Promise<{ allowed: boolean; resetAt: number }> {
  const at = now();
  try {
    return await store.takeAttempt(`failover ${incarnation}`, turn, at);
  } catch (error) {
    // It is unknown whose turn it is, so each node acts: doing it twice at once is harmless, not doing it is not.
    if (isCurfewError(error, 'outcome_unknown', 'store_full')) return { allowed: true, resetAt: at + turn.window };
    throw error;
  }
}
