import { CurfewError } from '../errors.ts';

/**
 * How many pieces of work of one caller may wait for one subject. Everybody else waits for all of them, and so does an end,
 * so there must be few.
 */
export const mostWaiting = 16;
/** Seconds after which a refused caller may try again. */
const comeAgain = 1;

/** Runs the work for one subject one after the other, in the order requested; different subjects in parallel. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<unknown>>();
  /** By subject, how much work of each caller has not begun. */
  readonly #waiting = new Map<string, Map<string, number>>();

  /**
   * Runs `work` once all earlier work for `subject` has finished or failed.
   * @throws `server_busy` if too much work of `caller` for this subject waits already
   */
  async runOf<Result>(caller: string, subject: string, work: () => Promise<Result>): Promise<Result> {
    const waiting = this.#waiting.get(subject) ?? new Map<string, number>();
    const count = waiting.get(caller) ?? 0;
    if (count >= mostWaiting) {
      const detail = `${count} calls of the same caller on the same subject are waiting.`;
      throw new CurfewError('server_busy', { detail, retryAfter: comeAgain });
    }
    this.#waiting.set(subject, waiting.set(caller, count + 1));
    return this.run(subject, () => {
      const left = waiting.get(caller)! - 1;
      if (left > 0) waiting.set(caller, left);
      else if (waiting.delete(caller) && waiting.size === 0) this.#waiting.delete(subject);
      return work();
    });
  }

  /** The same for work that is not bounded by its caller. */
  run<Result>(subject: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(subject) ?? Promise.resolve();
    const result = before.then(work);
    const done = result.then(
      () => {},
      () => {},
    );
    this.#last.set(subject, done);
    void done.then(() => {
      if (this.#last.get(subject) === done) this.#last.delete(subject);
    });
    return result;
  }
}
