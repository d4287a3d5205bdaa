import { randomInt } from 'node:crypto';

/** At least this many sessions are remembered; once there are twice as many, the oldest are forgotten. */
const manySessions = 2 ** 20;
const firstSize = 64;
const [empty, words] = [0, 2];

/**
 * The sessions that a stream was told are active: only for these does the activity that its holder reports count. There
 * may be very many, so only 64 bits of each are kept, not the id. Nobody outside can find two sessions with the same
 * bits, because they depend on random numbers of this process.
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

  /** Whether the stream was told of a session. A session that is looked up here is in use, so it is kept for longer. */
  has(id: string): boolean {
    if (this.#recent.has(id)) return true;
    if (!this.#before?.has(id)) return false;
    this.note(id);
    return true;
  }
}

/** A hash set of pairs of words, at most three quarters full. */
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

  /** The slot of a pair, or the free slot where it would be. */
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

/** Two words for a name (FNV-1a with secret seeds); the first is never 0, which marks a free slot. */
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
