import type { Change } from 'curfew-client/protocol';

/** Names that are remembered individually; if there are more, each stream has a table of 128 KiB with bits for them. */
const mostNames = 2048;
const tableBits = 2 ** 20;

/** What a change affects, hashed once for the tables of all streams. */
export type Subject = { of: 'session' | 'user' | 'all'; place: number };

export function subjectOf(change: Change): Subject {
  if ('sessionId' in change) return { of: 'session', place: placeOf(`s${change.sessionId}`) };
  if ('userId' in change) return { of: 'user', place: placeOf(`u${change.userId}`) };
  return { of: 'all', place: 0 };
}

/**
 * What the holder of a stream may know: the sessions that it has received or asked about, and their users. A change is
 * only sent to the streams that it concerns, and waits only for those (R22). False positives are possible, false
 * negatives are not: names with the same hash count as one, and none is removed, because verifiers do not report what
 * they have forgotten.
 */
export class Concern {
  readonly #names: Set<number> = new Set();
  #table: Uint32Array | undefined;

  noteSession(id: string): void {
    this.#note(placeOf(`s${id}`));
  }

  noteUser(id: string): void {
    this.#note(placeOf(`u${id}`));
  }

  /**
   * `asking`: a question is open, and it is not known yet whose session it is about; `blindly`: nor which session it is,
   * because it is about an alias.
   */
  includes({ of, place }: Subject, asking: boolean, blindly = false): boolean {
    if (of === 'session') return blindly || this.#has(place);
    return asking || (of === 'user' ? this.#has(place) : this.#names.size > 0 || this.#table !== undefined);
  }

  #note(place: number): void {
    if (this.#table) setBit(this.#table, place);
    else if (this.#names.add(place).size > mostNames) {
      this.#table = new Uint32Array(tableBits / 32);
      for (const name of this.#names) setBit(this.#table, name);
      this.#names.clear();
    }
  }

  #has(place: number): boolean {
    return this.#table ? hasBit(this.#table, place) : this.#names.has(place);
  }
}

function setBit(table: Uint32Array, place: number): void {
  const at = place % tableBits;
  table[at >>> 5]! |= 1 << (at & 31);
}

function hasBit(table: Uint32Array, place: number): boolean {
  const at = place % tableBits;
  return (table[at >>> 5]! & (1 << (at & 31))) !== 0;
}

/** 32 bits of a name (FNV-1a). Names that collide only make changes wait for more streams, never for fewer. */
function placeOf(name: string): number {
  let place = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) place = Math.imul(place ^ name.charCodeAt(i), 0x01000193);
  return (place ^ (place >>> 15)) >>> 0;
}
