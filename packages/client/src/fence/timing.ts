/** The fence's source of time; passed in, so that tests can use clocks that drift, step and stop. */
export type Timing = {
  /** Milliseconds on a clock that never goes back. */
  mono(): number;
  /** Milliseconds since the epoch. */
  wall(): number;
  /**
   * Calls back once, after that many milliseconds; returns a function that cancels this. Background work does not keep
   * alive a process that has nothing else to do.
   */
  after(milliseconds: number, work: () => void, background?: 'background'): () => void;
};

export function systemTiming(): Timing {
  return {
    mono: () => performance.now(),
    wall: () => Date.now(),
    after(milliseconds, work, background) {
      const timer = setTimeout(work, milliseconds);
      if (background) timer.unref();
      return () => clearTimeout(timer);
    },
  };
}

/** The maximum length of a stretch that is measured from one pair of readings. */
const stretch = 10_000;
/** Milliseconds by which the wall clock may fall behind before it counts as set back. */
const setBack = 20;

/**
 * The clock for a holder of something that expires: it always follows whichever of the machine's two clocks shows that
 * more time has passed. The monotonic clock stands still while a machine is suspended, and the wall clock can be set
 * back; a lease or a session's deadline is trusted only while both clocks allow it (R1).
 */
export class CautiousClock {
  readonly #timing: Timing;
  #mono: number;
  #wall: number;
  #passed = 0;
  #latest = 0;
  #read: number;

  constructor(timing: Timing) {
    this.#timing = timing;
    this.#mono = timing.mono();
    this.#wall = timing.wall();
    this.#read = this.#mono;
  }

  /** The most milliseconds that can have passed since the clock was created. */
  now(): number {
    const mono = this.#timing.mono();
    const wall = this.#timing.wall();
    const passed = Math.max(mono - this.#mono, wall - this.#wall);
    // When the wall clock goes back, this one continues by the time that has passed on the monotonic clock.
    this.#latest = Math.max(this.#latest + mono - this.#read, this.#passed + passed);
    this.#read = mono;
    // A wall clock that was set back would hide the next sleep, so the measurement restarts here.
    if (passed >= stretch || this.#passed + wall - this.#wall < this.#latest - setBack) {
      this.#mono = mono;
      this.#wall = wall;
      this.#passed = this.#latest;
    }
    return this.#latest;
  }
}

/** How long a granter or waiter assumes that a lease lasts: 20 % and 50 ms longer than the lease itself. */
export function withMargin(length: number): number {
  return length * 1.2 + 50;
}
