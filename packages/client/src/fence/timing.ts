/** What passes for time in the fence; handed in, so that tests can hand in clocks that drift, step and stop. */
export type Timing = {
  /** Milliseconds on a clock that never goes back. */
  mono(): number;
  /** Milliseconds since the epoch. */
  wall(): number;
  /**
   * Calls back once, after so many milliseconds; what it answers with calls that off. Work in the background keeps no
   * process alive that has nothing else to do.
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

/** How long a stretch between two readings gets at most before the next begins. */
const stretch = 10_000;
/** Milliseconds by which the wall clock may fall behind before it counts as set back. */
const setBack = 20;

/**
 * The clock of whoever holds something that runs out: of the machine's two clocks it always goes by the one that says
 * more time has passed. The monotonic one stands still while a machine is suspended, the other can be set back; a
 * lease is believed only while both say so (R1), and so is a session's deadline.
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

  /** Milliseconds that have passed at most since the clock was made. */
  now(): number {
    const mono = this.#timing.mono();
    const wall = this.#timing.wall();
    const passed = Math.max(mono - this.#mono, wall - this.#wall);
    // When the wall clock goes back it neither goes back nor stands still: what the other says has passed since.
    this.#latest = Math.max(this.#latest + mono - this.#read, this.#passed + passed);
    this.#read = mono;
    // Set back, the wall clock would not tell of a sleep that comes next: from here on it is read anew.
    if (passed >= stretch || this.#passed + wall - this.#wall < this.#latest - setBack) {
      this.#mono = mono;
      this.#wall = wall;
      this.#passed = this.#latest;
    }
    return this.#latest;
  }
}

/** How much longer than a lease whoever granted it, or waits for its end, takes it to last: 20 % and 50 ms. */
export function withMargin(length: number): number {
  return length * 1.2 + 50;
}
