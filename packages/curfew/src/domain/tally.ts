import { hash } from 'node:crypto';
import type { SessionId } from './brand.ts';
import { randomSum, sumOfIds } from './ids.ts';

/**
 * What was counted of the ids from just below the previous part down to `last`, inclusive: how many, and the sum of
 * their random digits. Another set of ids has the same count and the same sum only by a chance of 1 in 10¹⁴.
 */
export type Part = { last: SessionId; count: number; sum: number };

/** The most parts of a tally, an even number; with more ids, each part is larger. */
const mostParts = 64;

/** What a part would be that has just these ids, in descending order; there must be one at least. */
export function partOf(ids: readonly SessionId[]): Part {
  return { last: ids.at(-1)!, count: ids.length, sum: ids.reduce(sumOfIds, 0) };
}

/** Counts ids in descending order, in memory that does not depend on their number. */
export class Tally {
  #size: number;
  #parts: Part[] = [];
  count = 0;

  /** `size`: how many ids a part has, as long as there are few. */
  constructor(size = 100) {
    this.#size = size;
  }

  get parts(): readonly Part[] {
    return this.#parts;
  }

  add(id: SessionId): void {
    this.count += 1;
    const part = this.#parts.at(-1);
    if (part && part.count < this.#size) {
      this.#parts[this.#parts.length - 1] = { last: id, count: part.count + 1, sum: sumOfIds(part.sum, id) };
      return;
    }
    if (this.#parts.length === mostParts) this.#merge();
    this.#parts.push({ last: id, count: 1, sum: sumOfIds(0, id) });
  }

  /** Makes one part of every two. */
  #merge(): void {
    this.#size *= 2;
    this.#parts = this.#parts.flatMap((part, i) => {
      if (i % 2 === 1) return [];
      const { last, count, sum } = this.#parts[i + 1]!;
      return [{ last, count: part.count + count, sum: randomSum(part.sum, sum) }];
    });
  }
}

const smallestTable = 1024;

/**
 * Counts different texts in 16 to 32 bytes for each. It keeps 48 bits of a hash of each, so the count of a million is
 * too small by one with a chance of 1 in 500.
 */
export class Distinct {
  /** Zero is an empty place. */
  #table: Float64Array = new Float64Array(smallestTable);
  count = 0;

  add(text: string): void {
    this.#put(Number.parseInt(hash('sha256', text, 'hex').slice(0, 12), 16) + 1);
    if (this.count * 2 <= this.#table.length) return;
    const former = this.#table;
    this.#table = new Float64Array(former.length * 2);
    this.count = 0;
    for (const value of former) if (value !== 0) this.#put(value);
  }

  #put(value: number): void {
    const table = this.#table;
    let place = value % table.length;
    while (table[place] !== 0 && table[place] !== value) place = (place + 1) % table.length;
    if (table[place] === value) return;
    table[place] = value;
    this.count += 1;
  }
}
