import { randomInt } from 'node:crypto';

/** Sessions that are remembered at least; from twice as many on the oldest are forgotten. */
const manySessions = 2 ** 20;
const firstSize = 64;
const [empty, words] = [0, 2];

/**
 * The sessions that a stream was told are active: only of those does it count what its holder says of their use. A stream
 * may be told of very many, so of each 64 bits are kept, and no name; nobody outside can find two sessions that share
 * theirs, as they depend on numbers of this process.
 */
export class Told {
  readonly #most: number;
  #recent: Marks = new Marks();
  #before: Marks | undefined;

  constructor(most: number = manySessions) {
    this.#most = most;
  }

  note(id: string): void {
    if (this.#recent.count >= this.#most) {
      this.#before = this.#recent;
      this.#recent = new Marks();
    }
    this.#recent.add(id);
  }

  /** Whether it was told of a session. One that is asked about is used, and so remembered for longer. */
  has(id: string): boolean {
    if (this.#recent.has(id)) return true;
    if (!this.#before?.has(id)) return false;
    this.note(id);
    return true;
  }
}

/** A set of pairs of words, at most three quarters full. */
class Marks {
  count = 0;
  #slots: Uint32Array = new Uint32Array(firstSize * words);

  add(id: string): void {
    const [high, low] = marksOf(id);
    if (this.count * 4 >= (this.#slots.length / words) * 3) this.#grow();
    if (this.#put(high, low)) this.count += 1;
  }

  has(id: string): boolean {
    const [high, low] = marksOf(id);
    const at = this.#find(high, low);
    return this.#slots[at] === high && this.#slots[at + 1] === low;
  }

  #put(high: number, low: number): boolean {
    const at = this.#find(high, low);
    const isNew = this.#slots[at] === empty;
    this.#slots[at] = high;
    this.#slots[at + 1] = low;
    return isNew;
  }

  /** Where a pair stands, or the free place where it would. */
  #find(high: number, low: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = (low * words) & mask; ; at = (at + words) & mask) {
      if (slots[at] === empty || (slots[at] === high && slots[at + 1] === low)) return at;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += words) if (old[at] !== empty) this.#put(old[at]!, old[at + 1]!);
  }
}

const seeds: readonly [number, number] = [randomInt(2 ** 32), randomInt(2 ** 32)];

/** Two words of a name (FNV-1a from numbers that nobody knows); the first is never 0, which stands for a free place. */
function marksOf(name: string): [high: number, low: number] {
  let [high, low] = seeds;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code, 0x85ebca6b);
    low ^= low >>> 13;
  }
  return [(high ^ (high >>> 15)) >>> 0 || 1, (low ^ (low >>> 16)) >>> 0];
}
