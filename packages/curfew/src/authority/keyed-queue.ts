/** Work on one thing at a time, in the order in which it was asked for; on other things at the same time. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Does `work` once everything that was asked for `subject` before is done, however that went. */
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
