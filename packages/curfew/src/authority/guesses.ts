/**
 * Guesses that this process is checking, by bucket. Each counts as an attempt before it is checked, so that guesses in
 * parallel count; a right one resets the bucket. A guess that finds no room in its bucket waits for those being
 * checked, because only then is it known how many of them were wrong.
 */
export class Guesses {
  readonly #underWay = new Map<string, Set<Promise<void>>>();

  /** Checks a guess that counts against `bucket`. */
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

  /** Resolves when the next guess of a bucket has been checked; `undefined` if none is being checked. */
  next(bucket: string): Promise<void> | undefined {
    const underWay = this.#underWay.get(bucket);
    return underWay && Promise.race(underWay);
  }
}
