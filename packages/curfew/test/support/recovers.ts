import { setTimeout as pause } from 'node:timers/promises';

/** Waits until a call succeeds: the store recovers by itself. */
export async function recovers<T>(call: () => Promise<T>): Promise<T> {
  const until = performance.now() + 10_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (performance.now() > until) throw error;
      await pause(5);
    }
  }
}
