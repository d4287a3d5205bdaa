import type { Timing } from 'curfew-client/fence';

/** The longest pause between two starts, in milliseconds. */
const longest = 10;
/** From one start to the next it takes so many times as long as the work took: the work has that part of the time at most. */
const part = 4;

/**
 * Limits how often the store is asked the same question on behalf of changes: at once if little happens, and once for
 * many changes if much does. Asking for each change separately would cost more than everything else. The slower the
 * answers, the longer it waits; an embedded store answers so quickly that one end after another waits for nothing.
 */
export class Pace {
  readonly #timing: Timing;
  readonly #work: () => Promise<unknown>;
  #began: number = Number.NEGATIVE_INFINITY;
  /** Milliseconds from the last start to the next one. */
  #gap = 0;
  #isRunning = false;
  #isWanted = false;
  #cancel: (() => void) | undefined;

  /** `work`: must not reject; it is done once at a time. */
  constructor(timing: Timing, work: () => Promise<unknown>) {
    this.#timing = timing;
    this.#work = work;
  }

  /** Milliseconds since the work began the last time. */
  get quietFor(): number {
    return this.#timing.mono() - this.#began;
  }

  /** Runs the work as soon as the pace allows, once for all calls until then. */
  soon(): void {
    this.#isWanted = true;
    if (this.#cancel || this.#isRunning) return;
    const wait = this.#gap - this.quietFor;
    if (wait <= 0) void this.#do();
    else this.#cancel = this.#timing.after(wait, () => void this.#do(), 'background');
  }

  stop(): void {
    this.#isWanted = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async #do(): Promise<void> {
    this.#cancel = undefined;
    this.#isWanted = false;
    this.#isRunning = true;
    this.#began = this.#timing.mono();
    await this.#work();
    this.#isRunning = false;
    this.#gap = Math.min(longest, part * this.quietFor);
    if (this.#isWanted) this.soon();
  }
}
