/** Runs the work for one subject one after the other, in the order requested; different subjects in parallel. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` once all earlier work for `subject` has finished or failed. */
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
