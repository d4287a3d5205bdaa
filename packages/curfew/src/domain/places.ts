/** How many places each of many holders has taken, such as the streams of a key or of an address. */
export class Places {
  readonly #taken: Map<string, number> = new Map();

  of(holder: string): number {
    return this.#taken.get(holder) ?? 0;
  }

  /** Takes one more. Call the returned function, once or more often, when it is free again. */
  take(holder: string): () => void {
    this.#taken.set(holder, this.of(holder) + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      const left = this.of(holder) - 1;
      if (left === 0) this.#taken.delete(holder);
      else this.#taken.set(holder, left);
    };
  }
}
