/** What is kept of a session that was active when it was asked about. Times on the holder's own cautious clock. */
export type Entry<Value> = {
  id: string;
  userId: string;
  /** SHA-256 of the whole token: 32 characters, a byte each. */
  tokenHash: string;
  /** When it expires at the latest. */
  expires: number;
  /** When it ends without further activity. */
  idleUntil: number;
  /** How long it lives without activity. */
  idle: number;
  value: Value;
};

const hashBytes = 32;
const none = -1;
const firstSize = 1024;

/**
 * Sessions by id and by user, in bounded memory: the least recently used make room (by second chance: a row that was
 * used since the hand last passed is spared once). Columns instead of objects: a million rows cost the garbage
 * collector nothing to look at.
 */
export class SessionCache<Value> {
  readonly #most: number;
  #size: number;
  #used = 0;
  #hand = 0;
  readonly #rows: Map<string, number> = new Map();
  /** The newest row of each user; the others follow by `#next`. */
  readonly #users: Map<string, number> = new Map();
  readonly #free: number[] = [];
  readonly #ids: (string | undefined)[] = [];
  readonly #owners: (string | undefined)[] = [];
  readonly #values: (Value | undefined)[] = [];
  #hashes: Uint8Array;
  #expires: Float64Array;
  #idleUntil: Float64Array;
  #idle: Float64Array;
  #reportAt: Float64Array;
  #next: Int32Array;
  #previous: Int32Array;
  #recent: Uint8Array;

  constructor(most: number) {
    this.#most = most;
    const size = Math.min(most, firstSize);
    this.#size = size;
    this.#hashes = new Uint8Array(size * hashBytes);
    this.#expires = new Float64Array(size);
    this.#idleUntil = new Float64Array(size);
    this.#idle = new Float64Array(size);
    this.#reportAt = new Float64Array(size);
    this.#next = new Int32Array(size);
    this.#previous = new Int32Array(size);
    this.#recent = new Uint8Array(size);
  }

  get size(): number {
    return this.#rows.size;
  }

  /** The row of a session, or -1. */
  find(id: string): number {
    return this.#rows.get(id) ?? none;
  }

  valueOf(row: number): Value {
    return this.#values[row] as Value;
  }

  /** Whether a token's hash is the row's, in time that does not depend on where they differ. */
  matches(row: number, hash: string): boolean {
    const hashes = this.#hashes;
    const at = row * hashBytes;
    let difference = 0;
    for (let i = 0; i < hashBytes; i++) difference |= hashes[at + i]! ^ hash.charCodeAt(i);
    return difference === 0;
  }

  /** Whether the row's deadlines are still ahead, as far as is known here. */
  lives(row: number, now: number): boolean {
    return now < this.#expires[row]! && now < this.#idleUntil[row]!;
  }

  /** Notes a use. Says whether it is time to report it: once a minute, or a tenth of a shorter idle limit. */
  use(row: number, now: number): boolean {
    this.#recent[row] = 1;
    this.#idleUntil[row] = now + this.#idle[row]!;
    if (now < this.#reportAt[row]!) return false;
    this.#reportAt[row] = now + pauseOf(this.#idle[row]!);
    return true;
  }

  /** When a session was last used here, if it is kept. */
  lastUse(id: string): number | undefined {
    const row = this.find(id);
    return row === none ? undefined : this.#idleUntil[row]! - this.#idle[row]!;
  }

  put(entry: Entry<Value>): void {
    this.drop(entry.id);
    const row = this.#take();
    this.#rows.set(entry.id, row);
    this.#ids[row] = entry.id;
    this.#owners[row] = entry.userId;
    this.#values[row] = entry.value;
    for (let i = 0; i < hashBytes; i++) this.#hashes[row * hashBytes + i] = entry.tokenHash.charCodeAt(i);
    this.#expires[row] = entry.expires;
    this.#idleUntil[row] = entry.idleUntil;
    this.#idle[row] = entry.idle;
    this.#reportAt[row] = entry.idleUntil - entry.idle + pauseOf(entry.idle);
    this.#recent[row] = 1;
    const first = this.#users.get(entry.userId) ?? none;
    this.#next[row] = first;
    this.#previous[row] = none;
    if (first !== none) this.#previous[first] = row;
    this.#users.set(entry.userId, row);
  }

  drop(id: string): void {
    const row = this.find(id);
    if (row !== none) this.#release(row);
  }

  dropUser(userId: string): void {
    for (;;) {
      const row = this.#users.get(userId);
      if (row === undefined) return;
      this.#release(row);
    }
  }

  clear(): void {
    this.#rows.clear();
    this.#users.clear();
    for (const list of [this.#free, this.#ids, this.#owners, this.#values]) list.length = 0;
    this.#used = 0;
    this.#hand = 0;
  }

  #release(row: number): void {
    const owner = this.#owners[row]!;
    const [next, previous] = [this.#next[row]!, this.#previous[row]!];
    if (next !== none) this.#previous[next] = previous;
    if (previous !== none) this.#next[previous] = next;
    else if (next === none) this.#users.delete(owner);
    else this.#users.set(owner, next);
    this.#rows.delete(this.#ids[row]!);
    this.#ids[row] = undefined;
    this.#owners[row] = undefined;
    this.#values[row] = undefined;
    this.#free.push(row);
  }

  /** A row that is free, or made so. */
  #take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#used < this.#size) return this.#used++;
    if (this.#size < this.#most) {
      this.#grow(Math.min(this.#most, this.#size * 2));
      return this.#used++;
    }
    while (this.#recent[this.#hand] === 1) {
      this.#recent[this.#hand] = 0;
      this.#hand = (this.#hand + 1) % this.#size;
    }
    this.#release(this.#hand);
    this.#hand = (this.#hand + 1) % this.#size;
    return this.#free.pop()!;
  }

  #grow(size: number): void {
    this.#hashes = grown(this.#hashes, new Uint8Array(size * hashBytes));
    this.#expires = grown(this.#expires, new Float64Array(size));
    this.#idleUntil = grown(this.#idleUntil, new Float64Array(size));
    this.#idle = grown(this.#idle, new Float64Array(size));
    this.#reportAt = grown(this.#reportAt, new Float64Array(size));
    this.#next = grown(this.#next, new Int32Array(size));
    this.#previous = grown(this.#previous, new Int32Array(size));
    this.#recent = grown(this.#recent, new Uint8Array(size));
    this.#size = size;
  }
}

function grown<Column extends Uint8Array | Int32Array | Float64Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

const minute = 60_000;
const partOfIdle = 10;

function pauseOf(idle: number): number {
  return Math.min(minute, idle / partOfIdle);
}
