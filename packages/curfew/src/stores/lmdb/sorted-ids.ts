import type { SessionId } from '../../domain/brand.ts';

/** Ids in one order or the other, from just after an id. */
export type Source = {
  ascending(after: SessionId | undefined): Iterable<SessionId>;
  descending(after: SessionId | undefined): Iterable<SessionId>;
};

/**
 * Ids in order, of which there may be very many. Nearly all come in their order, so one that is added usually belongs at the
 * end. One that is removed is only marked, until half of them are.
 */
export class SortedIds implements Source {
  #ids: SessionId[] = [];
  readonly #gone: Set<SessionId> = new Set();

  get size(): number {
    return this.#ids.length - this.#gone.size;
  }

  /** Adds an id that is not there. */
  add(id: SessionId): void {
    if (this.#gone.delete(id)) return;
    const last = this.#ids.at(-1);
    if (last === undefined || id > last) this.#ids.push(id);
    else this.#ids.splice(this.#placeOf(id), 0, id);
  }

  /** Removes an id that is there. */
  remove(id: SessionId): void {
    this.#gone.add(id);
    if (this.#gone.size * 2 <= this.#ids.length) return;
    this.#ids = this.#ids.filter((one) => !this.#gone.has(one));
    this.#gone.clear();
  }

  *ascending(after: SessionId | undefined): Iterable<SessionId> {
    let place = after === undefined ? 0 : this.#placeOf(after);
    if (this.#ids[place] === after) place += 1;
    for (; place < this.#ids.length; place++) {
      const id = this.#ids[place]!;
      if (!this.#gone.has(id)) yield id;
    }
  }

  *descending(after: SessionId | undefined): Iterable<SessionId> {
    for (let place = after === undefined ? this.#ids.length : this.#placeOf(after); place > 0; place--) {
      const id = this.#ids[place - 1]!;
      if (!this.#gone.has(id)) yield id;
    }
  }

  /** The place of the first id that is not before this one. */
  #placeOf(id: SessionId): number {
    let [from, to] = [0, this.#ids.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#ids[middle]! < id) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
