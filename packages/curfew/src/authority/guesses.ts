/**
 * Guesses that this process is looking at, by bucket. Each has taken an attempt before it was looked at, so that guesses
 * in parallel count; a right one gives back what it took. Whoever finds a bucket empty waits for those, because only
 * then it is known how many of them were wrong.
 */
export class Guesses {
  readonly #underWay = new Map<string, Set<Promise<void>>>();

  /** Looks at a guess of a bucket. */
  look<Result>(bucket: string, work: () => Promise<Result>): Promise<Result> {
    const result = work();
    const over = result.then(
      () => {},
      () => {},
    );
    const others = this.#underWay.get(bucket) ?? new Set();
    this.#underWay.set(bucket, others.add(over));
    void over.then(() => {
      others.delete(over);
      if (others.size === 0) this.#underWay.delete(bucket);
    });
    return result;
  }

  /** Resolves when one more guess of a bucket is over; `undefined` when none is looked at. */
  next(bucket: string): Promise<void> | undefined {
    const underWay = this.#underWay.get(bucket);
    return underWay && Promise.race(underWay);
  }
}
