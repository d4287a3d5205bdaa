import type { Timing } from 'curfew-client/fence';

/** Work in the background, by name, that ends with its owner. */
export class Timers {
  readonly #timing: Timing;
  readonly #cancels: Map<string, () => void> = new Map();

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  /** Does it again and again, with a pause of so many milliseconds. */
  every(name: string, pause: number, work: () => void): void {
    const again = () => {
      this.#start(name, pause, again);
      work();
    };
    this.#start(name, pause, again);
  }

  /** Does it once, for everybody who asks until then. */
  once(name: string, pause: number, work: () => void): void {
    if (!this.#cancels.has(name)) this.#startOnce(name, pause, work);
  }

  /** Does it once, at the moment that was asked for last. */
  reset(name: string, pause: number, work: () => void): void {
    this.#cancels.get(name)?.();
    this.#startOnce(name, pause, work);
  }

  /** What else has to be stopped with the rest. */
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
