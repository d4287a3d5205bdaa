import type { UserId } from '../domain/brand.ts';

/**
 * What is decided on all sessions of a user takes turns within this process: side by side, all but one would conflict,
 * each time. Between processes, conflicts decide.
 */
export class Turns {
  readonly #last: Map<UserId, Promise<unknown>> = new Map();

  async take<T>(userId: UserId, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(userId);
    const mine = before ? before.then(work, work) : work();
    this.#last.set(userId, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(userId) === mine) this.#last.delete(userId);
    }
  }
}
