import { minute } from '../domain/limits.ts';
import type { Clock } from '../domain/ports.ts';
import { CurfewError } from '../errors.ts';

/** How far a clock may go back, as a time service corrects it, before nothing more is opened by it. */
const tolerance = minute;

/**
 * The authority's time: it never goes back, so what has ended by its deadline stays ended. A clock that went back
 * further than the tolerance would make sessions live longer than their limits; then nothing is opened or verified
 * any more (`clock_stepped_back`), while sessions can still be ended.
 */
export type SteadyClock = {
  /** @throws `clock_stepped_back` */
  now(): number;
  /** The same for ends, which are never refused: the latest moment known. */
  nowForEnd(): number;
};

/** `latest` is the latest moment that the store has written down. */
export function steadyClock(source: Clock, latest: number): SteadyClock {
  let highest = latest;
  const read = () => {
    const now = source.now();
    if (now > highest) highest = now;
    return now;
  };
  return {
    now() {
      const now = read();
      if (now < highest - tolerance) {
        throw new CurfewError('clock_stepped_back', {
          detail: `It says ${new Date(now).toISOString()}, and ${new Date(highest).toISOString()} has been seen.`,
        });
      }
      return highest;
    },
    nowForEnd() {
      read();
      return highest;
    },
  };
}
