import { randomBytes } from 'node:crypto';
import type { Clock } from '../../src/domain/ports.ts';

/** A clock that only the test moves. */
export function manualClock(
  start = Date.UTC(2026, 0, 1),
): Clock & { set(to: number): void; advance(by: number): void } {
  let now = start;
  return {
    now: () => now,
    set: (to) => {
      now = to;
    },
    advance: (by) => {
      now += by;
    },
  };
}

export const random = (bytes: number): Uint8Array => randomBytes(bytes);
