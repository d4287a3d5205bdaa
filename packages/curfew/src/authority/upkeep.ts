import { second } from '../domain/limits.ts';
import type { StoredSession } from '../domain/session.ts';
import { PartlySwept } from '../stores/contract.ts';
import { flushInterval } from './activity.ts';
import type { ClockTrouble } from './clock.ts';
import type { AuthorityContext } from './context.ts';

export type UpkeepSettings = {
  /** Milliseconds that ended sessions and the change log are kept. */
  keepEnded: number;
  keepEvents: number;
  /** Receives errors; upkeep itself continues. */
  onError(error: unknown): void;
  /** Receives warnings for people: that a clock is wrong, and that it is right again. */
  onWarning(text: string): void;
};

const sweepInterval = second;
/** How many sessions one step of the sweep handles; between two steps, requests get their turn. */
export const batch = 500;

export type Upkeep = {
  /** Sweeps until there is nothing left to do. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
};

/** Regular work: flushes activity and the use of keys, and sweeps the store. */
export function startUpkeep(context: AuthorityContext, settings: UpkeepSettings): Upkeep {
  let stopped = false;
  let sweeping: Promise<void> | undefined;
  const flush = () => context.activity.flush(context.clock.nowForEnd());
  let told: ClockTrouble | undefined;
  const clockTrouble = () => {
    const trouble = context.clock.trouble();
    if (trouble && trouble.kind !== told?.kind) {
      settings.onWarning(`${trouble.detail} This server sweeps nothing until that is over.`);
    }
    if (told && !trouble)
      settings.onWarning(`The clock is right again; it was wrong since ${new Date(told.since).toISOString()}.`);
    told = trouble;
    return trouble;
  };
  const lastSeen = (stored: StoredSession) => context.activity.lastSeen(stored);
  /** Returns whether there is more to do, apart from what cannot be done now. */
  const sweepPiece = async (now: number, onFault: (fault: unknown) => void) => {
    const { keepEnded, keepEvents } = settings;
    try {
      return (await context.store.sweep({ now, keepEnded, keepEvents, batch, lastSeen })).more;
    } catch (fault) {
      if (!(fault instanceof PartlySwept)) throw fault;
      onFault(fault);
      return fault.outcome.more;
    }
  };
  /** What fails in a part of the store keeps nothing waiting that can be done in the others. */
  const sweepInReach = async (onFault: (fault: unknown) => void) => {
    // Activity up to the time that the sweep uses is flushed first: a session that was active then must not be swept as
    // idle, however far the clock jumps meanwhile. What could not be written, the sweep asks for.
    for (let more = true; more; ) {
      const now = clockTrouble() ? undefined : context.clock.now();
      const began = performance.now();
      await flush().catch(onFault);
      if (now === undefined) return;
      // When the sweep cannot keep up, it takes a new time now and then, instead of using an ever older one.
      while (more && performance.now() - began < sweepInterval) {
        // What the sweep ends stays ended: while any clock is in doubt, leave it to other nodes or to a later sweep.
        if (stopped || clockTrouble()) return;
        more = await sweepPiece(now, onFault);
        if (more) await new Promise(setImmediate);
      }
    }
  };
  const sweepAll = async () => {
    const faults: unknown[] = [];
    await sweepInReach((fault) => {
      // A sweep that has much to do may see the same fault very often.
      if (faults.length === 0) faults.push(fault);
    });
    if (faults.length > 0) throw faults[0];
  };
  const sweep = () => {
    sweeping ??= sweepAll().finally(() => {
      sweeping = undefined;
    });
    return sweeping;
  };
  const every = (interval: number, work: () => Promise<void>) => {
    let busy = false;
    const turn = async () => {
      // A slow store must not be asked for the same thing again and again.
      if (busy) return;
      busy = true;
      await work()
        .catch(settings.onError)
        .finally(() => {
          busy = false;
        });
    };
    return setInterval(() => void turn(), interval).unref();
  };
  const timers = [
    every(flushInterval, flush),
    every(flushInterval, () => context.keyUse.flush()),
    every(sweepInterval, sweep),
  ];
  return {
    async sweep() {
      // A sweep that is running uses an earlier time.
      await sweeping?.catch(() => {});
      await sweep();
    },
    async stop() {
      stopped = true;
      for (const timer of timers) clearInterval(timer);
      await sweeping?.catch(() => {});
      await context.activity.flush().catch(settings.onError);
      await context.keyUse.flush().catch(settings.onError);
    },
  };
}
