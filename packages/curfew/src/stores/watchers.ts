import { setTimeout } from 'node:timers/promises';

/** Milliseconds before a broken connection for hints is opened again. */
const pause = 1000;

/** Rejects if an answer takes longer than `most` milliseconds or `until` is aborted. */
export async function inTime<T>(answer: Promise<T>, most: number, until: AbortSignal): Promise<T> {
  const done = new AbortController();
  const late = setTimeout(most, undefined, { signal: AbortSignal.any([done.signal, until]), ref: false }).then(() => {
    throw new Error(`no answer came within ${most} ms`);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    done.abort();
  }
}

/** Listens on a connection until it breaks or is released; calls back with every hint. */
export type Listen = (hint: () => void, until: AbortSignal) => Promise<void>;

/**
 * The watchers of the log. While there are any, a dedicated connection listens for notices that the log has grown, and
 * is opened again if it breaks. Meanwhile only hints are lost: the log is read anyway.
 */
export class Watchers {
  readonly #listen: Listen;
  readonly #watchers: Set<() => void> = new Set();
  #listening: { stop: AbortController; done: Promise<void> } | undefined;

  constructor(listen: Listen) {
    this.#listen = listen;
  }

  /** Calls back whenever the log has grown, until the returned function is called. */
  watch(onGrowth: () => void): () => void {
    this.#watchers.add(onGrowth);
    this.#listening ??= this.#begin();
    return () => {
      this.#watchers.delete(onGrowth);
      if (this.#watchers.size === 0) void this.close();
    };
  }

  async close(): Promise<void> {
    const listening = this.#listening;
    this.#listening = undefined;
    listening?.stop.abort();
    await listening?.done;
  }

  #begin(): { stop: AbortController; done: Promise<void> } {
    const stop = new AbortController();
    return { stop, done: this.#keepOn(stop.signal) };
  }

  async #keepOn(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      await this.#listen(() => this.#tell(), until).catch(() => {});
      if (!until.aborted) await setTimeout(pause, undefined, { signal: until, ref: false }).catch(() => {});
    }
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
