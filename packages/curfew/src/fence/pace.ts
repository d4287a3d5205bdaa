import type { Timing } from 'curfew-client/fence';

/** Milliseconds from one beginning to the next at least. */
const gap = 10;

/**
 * A question to the store that many changes ask for: put at once where nothing goes on, and for many together where much
 * does. One for each change would take more of every machine than all else does.
 */
export class Pace {
  readonly #timing: Timing;
  readonly #work: () => void;
  #next: number = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(timing: Timing, work: () => void) {
    this.#timing = timing;
    this.#work = work;
  }

  /** Does it as soon as the pace allows, once for all who ask until then. */
  soon(): void {
    if (this.#cancel) return;
    const wait = this.#next - this.#timing.mono();
    if (wait <= 0) this.#do();
    else this.#cancel = this.#timing.after(wait, () => this.#do(), 'background');
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #do(): void {
    this.#cancel = undefined;
    this.#next = this.#timing.mono() + gap;
    this.#work();
  }
}
