import type { Change } from 'curfew-client/fence';

/** Bits of a new stream's table, and of the largest: 1 KiB and 128 KiB. */
const fewest = 2 ** 13;
const most = 2 ** 20;
/** Bits for each name: about one name in eight that was never noted is taken for one that was. */
const bitsOfName = 8;

/** What a change touched, hashed once for the tables of all streams. */
export type Subject = { of: 'session' | 'user' | 'all'; place: number };

export function subjectOf(change: Change): Subject {
  if ('sessionId' in change) return { of: 'session', place: placeOf(`s${change.sessionId}`) };
  if ('userId' in change) return { of: 'user', place: placeOf(`u${change.userId}`) };
  return { of: 'all', place: 0 };
}

/**
 * What the holder of a stream may know of: the sessions that it was told of or asked about, and their users. A change is
 * waited for only on the streams that it concerns (R22). The table may say yes too often and never says no wrongly: it
 * has a bit for each name, and takes none back, since nobody says what a verifier has let go of.
 */
export class Concern {
  #bits: Uint32Array = new Uint32Array(fewest / 32);
  #names = 0;

  noteSession(id: string): void {
    this.#note(placeOf(`s${id}`));
  }

  noteUser(id: string): void {
    this.#note(placeOf(`u${id}`));
  }

  /** `asking`: a question is open, and nobody knows yet whose session it is about. */
  includes({ of, place }: Subject, asking: boolean): boolean {
    if (of === 'session') return this.#isSet(place);
    return asking || (of === 'user' ? this.#isSet(place) : this.#names > 0);
  }

  #note(place: number): void {
    if (this.#isSet(place)) return;
    this.#names += 1;
    if (this.#names * bitsOfName > this.#size && this.#size < most) this.#grow();
    const at = place % this.#size;
    this.#bits[at >>> 5]! |= 1 << (at & 31);
  }

  #isSet(place: number): boolean {
    const at = place % this.#size;
    return (this.#bits[at >>> 5]! & (1 << (at & 31))) !== 0;
  }

  get #size(): number {
    return this.#bits.length * 32;
  }

  /** The same twice: wherever a name falls in the larger table, it is there. */
  #grow(): void {
    const bits = new Uint32Array(this.#bits.length * 2);
    bits.set(this.#bits);
    bits.set(this.#bits, this.#bits.length);
    this.#bits = bits;
  }
}

/** 32 bits of a name (FNV-1a). Whoever chooses names that collide makes changes wait for more streams, no less. */
function placeOf(name: string): number {
  let place = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) place = Math.imul(place ^ name.charCodeAt(i), 0x01000193);
  return (place ^ (place >>> 15)) >>> 0;
}
