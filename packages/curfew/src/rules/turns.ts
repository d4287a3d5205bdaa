/**
 * What is decided on the same thing, such as all sessions of a user, takes turns within this process: side by side, all but
 * one would conflict, each time. Between processes, conflicts decide.
 */
export class Turns<Key> {
  readonly #last: Map<Key, Promise<unknown>> = new Map();

  async take<T>(key: Key, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const mine = before ? before.then(work, work) : work();
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}
