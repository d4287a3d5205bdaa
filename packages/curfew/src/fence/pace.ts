import type { Timing } from 'curfew-client/fence';

/** Minimum milliseconds between two starts. */
const gap = 10;

/**
 * Limits how often the store is asked the same question on behalf of changes: at once if little happens, and once for
 * many changes if much does. Asking for each change separately would cost more than everything else.
 */
export class Pace {
  readonly #timing: Timing;
  readonly #work: () => void;
  #began: number = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(timing: Timing, work: () => void) {
    this.#timing = timing;
    this.#work = work;
  }

  /** Milliseconds since the work began the last time. */
  get quietFor(): number {
    return this.#timing.mono() - this.#began;
  }

  /** Runs the work as soon as the pace allows, once for all calls until then. */
  soon(): void {
    if (this.#cancel) return;
    const wait = gap - this.quietFor;
    if (wait <= 0) this.#do();
    else this.#cancel = this.#timing.after(wait, () => this.#do(), 'background');
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #do(): void {
    this.#cancel = undefined;
    this.#began = this.#timing.mono();
    this.#work();
  }
}
