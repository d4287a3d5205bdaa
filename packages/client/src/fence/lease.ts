import type { CautiousClock } from './timing.ts';

/** The right to trust the cache until the lease expires; it is renewed before that. */
export class Lease {
  readonly #clock: CautiousClock;
  #until: number = Number.NEGATIVE_INFINITY;
  #breaks = 0;

  constructor(clock: CautiousClock) {
    this.#clock = clock;
  }

  /** Whether it is valid at this moment. Checked at each use (R1), because a timer may be late. */
  get valid(): boolean {
    return this.#clock.now() < this.#until;
  }

  /** The same, for a caller that has just read the clock. */
  validAt(now: number): boolean {
    return now < this.#until;
  }

  /** Milliseconds that are left; 0 after it has expired. */
  get left(): number {
    return Math.max(0, this.#until - this.#clock.now());
  }

  /**
   * How often it expired before it was renewed. If it is valid at two moments with the same number, it was valid all
   * the time between.
   */
  get breaks(): number {
    return this.#breaks;
  }

  /** Accepts a grant. It runs from the moment of the request (R1), and never shortens the lease. */
  take(askedAt: number, length: number): void {
    if (!this.valid) this.#breaks += 1;
    this.#until = Math.max(this.#until, askedAt + length);
  }

  drop(): void {
    this.#until = Number.NEGATIVE_INFINITY;
    this.#breaks += 1;
  }
}
