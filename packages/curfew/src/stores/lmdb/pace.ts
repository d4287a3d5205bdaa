/** How the store shares the event loop with everything else in its process. Times are in milliseconds. */
export type Pace = {
  clock(): number;
  /** The most writes in one transaction, so that no write waits for an endless batch. */
  writes: number;
  /** How long the writes of one transaction may take together. */
  batch: number;
  /**
   * How long one piece of a sweep may take: everybody else waits meanwhile, and very many sessions may have ended at
   * once. A few are always handled, so that the sweep makes progress.
   */
  turn: number;
  /** The most between two pieces of a sweep, so that it also finishes on a busy machine. */
  rest: number;
};

const clock = () => performance.now();

/** In a server, where requests wait for the event loop. */
export const shared: Pace = { clock, writes: 1000, batch: 10, turn: 5, rest: 20 };

/** In a command that does nothing else: large transactions write each page once, and nobody waits. */
export const alone: Pace = { clock, writes: 4000, batch: 100, turn: 50, rest: 0 };
