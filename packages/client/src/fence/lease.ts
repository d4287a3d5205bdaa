import type { CautiousClock } from './timing.ts';

/** The right to believe what is cached, until it runs out; asked for anew before that. */
export class Lease {
  readonly #clock: CautiousClock;
  #until: number = Number.NEGATIVE_INFINITY;
  #breaks = 0;

  constructor(clock: CautiousClock) {
    this.#clock = clock;
  }

  /** Whether it holds at this moment. Read at each use (R1): a timer that says so may be late. */
  get valid(): boolean {
    return this.#clock.now() < this.#until;
  }

  /** The same for whoever has just read the clock. */
  validAt(now: number): boolean {
    return now < this.#until;
  }

  /** Milliseconds that are left; 0 when it is over. */
  get left(): number {
    return Math.max(0, this.#until - this.#clock.now());
  }

  /** How often it was over before it was renewed: what has not changed meanwhile was held unbroken. */
  get breaks(): number {
    return this.#breaks;
  }

  /** Takes what was granted. It runs from the moment that it was asked for (R1), and never gets shorter. */
  take(askedAt: number, length: number): void {
    if (!this.valid) this.#breaks += 1;
    this.#until = Math.max(this.#until, askedAt + length);
  }

  drop(): void {
    this.#until = Number.NEGATIVE_INFINITY;
    this.#breaks += 1;
  }
}
