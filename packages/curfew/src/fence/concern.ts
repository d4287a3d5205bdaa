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
 * What the holder of a stream may know: the sessions that it has been told of, their users, and whatever its open
 * questions may be about. A change is only sent to the streams that it concerns, and waits only for those (R22). False
 * positives are possible, false negatives are not: names with the same hash count as one, and none that was noted is
 * removed, because verifiers do not report what they have forgotten.
 */
export class Concern {
  readonly #names: Set<number> = new Set();
  #table: Uint32Array | undefined;
  /** How many questions about each session are open. */
  readonly #asked: Map<number, number> = new Map();
  #open = 0;
  /** How many of the open questions are about an alias, so that not even their session is known yet. */
  #openBlindly = 0;

  noteSession(id: string): void {
    this.#note(placeOf(`s${id}`));
  }

  noteUser(id: string): void {
    this.#note(placeOf(`u${id}`));
  }

  /** How many questions are open. */
  get open(): number {
    return this.#open;
  }

  /**
   * Counts an open question about a session, or about an alias, whose session is `undefined`. Call the returned function
   * when it was answered: what the answer tells has to be noted before.
   */
  ask(id: string | undefined): () => void {
    const place = id === undefined ? undefined : placeOf(`s${id}`);
    this.#count(place, 1);
    return () => this.#count(place, -1);
  }

  /** An open question may be about any user. */
  includes({ of, place }: Subject): boolean {
    if (of === 'session') return this.#openBlindly > 0 || this.#asked.has(place) || this.#has(place);
    if (this.#open > 0) return true;
    return of === 'user' ? this.#has(place) : this.#names.size > 0 || this.#table !== undefined;
  }

  #count(place: number | undefined, by: 1 | -1): void {
    this.#open += by;
    if (place === undefined) {
      this.#openBlindly += by;
      return;
    }
    const count = (this.#asked.get(place) ?? 0) + by;
    if (count === 0) this.#asked.delete(place);
    else this.#asked.set(place, count);
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
