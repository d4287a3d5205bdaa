import type { Timing } from 'curfew-client/fence';

/** Background work, by name; it is stopped together with its owner. */
export class Timers {
  readonly #timing: Timing;
  readonly #cancels: Map<string, () => void> = new Map();

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  /** Repeats the work, with a pause in milliseconds before each time. */
  every(name: string, pause: number, work: () => void): void {
    const again = () => {
      this.#start(name, pause, again);
      work();
    };
    this.#start(name, pause, again);
  }

  /** Does the work once after the pause, for all calls until then. */
  once(name: string, pause: number, work: () => void): void {
    if (!this.#cancels.has(name)) this.#startOnce(name, pause, work);
  }

  /** Does the work once; each call starts the pause again. */
  reset(name: string, pause: number, work: () => void): void {
    this.#cancels.get(name)?.();
    this.#startOnce(name, pause, work);
  }

  /** Adds something else that has to be stopped with the rest. */
  add(name: string, cancel: () => void): void {
    this.#cancels.set(name, cancel);
  }

  stop(): void {
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }

  #startOnce(name: string, pause: number, work: () => void): void {
    this.#start(name, pause, () => {
      this.#cancels.delete(name);
      work();
    });
  }

  #start(name: string, pause: number, work: () => void): void {
    this.#cancels.set(name, this.#timing.after(pause, work, 'background'));
  }
}
