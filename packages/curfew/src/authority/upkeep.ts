import { day, second } from '../domain/limits.ts';
import { flushInterval } from './activity.ts';
import type { ClockTrouble } from './clock.ts';
import type { AuthorityContext } from './context.ts';

export type UpkeepSettings = {
  /** Milliseconds that ended sessions and the change log are kept. */
  keepEnded: number;
  keepEvents: number;
  /** Whoever wants to know of faults: upkeep itself goes on. */
  onError(error: unknown): void;
  /** Whoever tells people: of a clock that is wrong, and of one that is right again. */
  onWarning(text: string): void;
};

export const defaultUpkeep = { keepEnded: day, keepEvents: 90 * day } as const;

const sweepInterval = second;
/** Sessions that one piece of the sweep deals with; between two pieces requests get their turn. */
const batch = 500;

export type Upkeep = {
  /** Sweeps until there is nothing more to do now. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
};

/** What has to be done now and then: activity is flushed, and the store swept. */
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
  const sweepAll = async () => {
    const { keepEnded, keepEvents } = settings;
    // First what was seen up to the moment that the sweep goes by: a session that was active then must not be swept as idle,
    // however far the clock jumps meanwhile.
    for (let more = true; more; ) {
      const now = clockTrouble() ? undefined : context.clock.now();
      const began = performance.now();
      await flush();
      if (now === undefined) return;
      // While there is more to do than it gets done, it does not go by an ever older moment.
      while (more && performance.now() - began < sweepInterval) {
        // What the sweep ends is ended for good: while any clock is in doubt it leaves that to others, or to later.
        if (stopped || clockTrouble()) return;
        ({ more } = await context.store.sweep({ now, keepEnded, keepEvents, batch }));
        if (more) await new Promise(setImmediate);
      }
    }
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
      // A store that is slow is not asked for the same again and again.
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
  const timers = [every(flushInterval, flush), every(sweepInterval, sweep)];
  return {
    async sweep() {
      // One that is under way goes by an earlier moment.
      await sweeping?.catch(() => {});
      await sweep();
    },
    async stop() {
      stopped = true;
      for (const timer of timers) clearInterval(timer);
      await sweeping?.catch(() => {});
      await context.activity.flush().catch(settings.onError);
    },
  };
}
