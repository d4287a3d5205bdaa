import { pauseBetweenUses } from '../protocol/index.ts';

/** What is cached of a credential whose session was active at the question. Times on the holder's own cautious clock. */
export type Entry<Value> = {
  id: string;
  /** Of an alias: its hash, by which it has a row of its own. Absent for the session's token. */
  alias?: string | undefined;
  userId: string;
  /** SHA-256 of the whole token, or of the alias: 32 characters, a byte each. */
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
/** A row's record is a cache line: 32 bytes of hash and four times. */
const recordBytes = 64;
const recordTimes = recordBytes / 8;
const [expiresAt, idleUntilAt, idleAt, reportAtAt] = [4, 5, 6, 7];
const none = -1;
const firstSize = 1024;

/**
 * Sessions by token, by alias, by id and by user, in bounded memory: the least recently used are replaced (second chance: a row
 * that was used since the hand last passed it is spared once). Columns instead of objects, so that a million rows cost
 * the garbage collector nothing. Hardly any of a million rows is in the processor's cache, so each memory access of a
 * check counts: by token these are a slot of the table, the row's record and its value.
 */
export class SessionCache<Value> {
  readonly #most: number;
  #size: number;
  #used = 0;
  #hand = 0;
  readonly #rows: Map<string, number> = new Map();
  /** The rows of aliases by their hash, those of each session, and the hash of each such row. */
  readonly #aliases: Map<string, number> = new Map();
  readonly #aliased: Map<string, Set<number>> = new Map();
  readonly #hashes: Map<number, string> = new Map();
  /** The newest row of each user; the others follow by `#next`. */
  readonly #users: Map<string, number> = new Map();
  readonly #free: number[] = [];
  readonly #ids: (string | undefined)[] = [];
  readonly #owners: (string | undefined)[] = [];
  readonly #values: (Value | undefined)[] = [];
  /** Each row's number + 1, at the first word of its token's hash or in a following slot; 0 marks a free slot. */
  #table: Int32Array;
  #bytes: Uint8Array;
  #times: Float64Array;
  #next: Int32Array;
  #previous: Int32Array;
  #recent: Uint8Array;

  constructor(most: number) {
    this.#most = most;
    const size = Math.min(most, firstSize);
    this.#size = size;
    this.#table = tableFor(size);
    this.#bytes = new Uint8Array(size * recordBytes);
    this.#times = new Float64Array(this.#bytes.buffer);
    this.#next = new Int32Array(size);
    this.#previous = new Int32Array(size);
    this.#recent = new Uint8Array(size);
  }

  get size(): number {
    return this.#rows.size + this.#aliases.size;
  }

  /** The row of a session, or -1. */
  find(id: string): number {
    return this.#rows.get(id) ?? none;
  }

  /** The row whose token has this hash, or -1. */
  findToken(hash: string): number {
    const table = this.#table;
    const mask = table.length - 1;
    const word = wordOf(hash.charCodeAt(0), hash.charCodeAt(1), hash.charCodeAt(2), hash.charCodeAt(3));
    for (let slot = word & mask; ; slot = (slot + 1) & mask) {
      const row = table[slot]! - 1;
      if (row === none || this.matches(row, hash)) return row;
    }
  }

  valueOf(row: number): Value {
    return this.#values[row] as Value;
  }

  /** Whether a token's hash equals the row's, in constant time. */
  matches(row: number, hash: string): boolean {
    const bytes = this.#bytes;
    const at = row * recordBytes;
    let difference = 0;
    for (let i = 0; i < hashBytes; i++) difference |= bytes[at + i]! ^ hash.charCodeAt(i);
    return difference === 0;
  }

  /** Whether the row's deadlines are still ahead, as far as is known here. */
  lives(row: number, now: number): boolean {
    const at = row * recordTimes;
    return now < this.#times[at + expiresAt]! && now < this.#times[at + idleUntilAt]!;
  }

  /** Records a use. Returns whether to report it. */
  use(row: number, now: number): boolean {
    const times = this.#times;
    const at = row * recordTimes;
    const idle = times[at + idleAt]!;
    this.#recent[row] = 1;
    times[at + idleUntilAt] = now + idle;
    if (now < times[at + reportAtAt]!) return false;
    times[at + reportAtAt] = now + pauseBetweenUses(idle);
    return true;
  }

  /** When a row's session was last used here. */
  lastUse(row: number): number {
    const at = row * recordTimes;
    return this.#times[at + idleUntilAt]! - this.#times[at + idleAt]!;
  }

  idOf(row: number): string {
    return this.#ids[row]!;
  }

  /** What a row is found by again, as long as it stands for the same credential or session. */
  nameOf(row: number): string {
    return this.#hashes.get(row) ?? this.#ids[row]!;
  }

  /** The row with a name, or -1. */
  findNamed(name: string): number {
    return this.#aliases.get(name) ?? this.find(name);
  }

  put(entry: Entry<Value>): void {
    const known = entry.alias === undefined ? this.find(entry.id) : (this.#aliases.get(entry.alias) ?? none);
    if (known !== none) this.#release(known);
    const row = this.#take();
    if (entry.alias === undefined) this.#rows.set(entry.id, row);
    else this.#note(row, entry.id, entry.alias);
    this.#ids[row] = entry.id;
    this.#owners[row] = entry.userId;
    this.#values[row] = entry.value;
    for (let i = 0; i < hashBytes; i++) this.#bytes[row * recordBytes + i] = entry.tokenHash.charCodeAt(i);
    const { expires, idleUntil, idle } = entry;
    this.#times.set(
      [expires, idleUntil, idle, idleUntil - idle + pauseBetweenUses(idle)],
      row * recordTimes + expiresAt!,
    );
    this.#enter(row);
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
    const aliased = this.#aliased.get(id);
    if (aliased) for (const one of [...aliased]) this.#release(one);
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
    for (const map of [this.#aliases, this.#aliased, this.#hashes]) map.clear();
    this.#table.fill(0);
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
    if (!this.#forgetAlias(row)) this.#rows.delete(this.#ids[row]!);
    this.#leave(row);
    this.#ids[row] = undefined;
    this.#owners[row] = undefined;
    this.#values[row] = undefined;
    this.#free.push(row);
  }

  #note(row: number, id: string, alias: string): void {
    this.#aliases.set(alias, row);
    this.#hashes.set(row, alias);
    this.#aliased.set(id, (this.#aliased.get(id) ?? new Set()).add(row));
  }

  /** Returns whether the row is that of an alias. */
  #forgetAlias(row: number): boolean {
    const alias = this.#hashes.get(row);
    if (alias === undefined) return false;
    const id = this.#ids[row]!;
    const others = this.#aliased.get(id)!;
    others.delete(row);
    if (others.size === 0) this.#aliased.delete(id);
    this.#hashes.delete(row);
    return this.#aliases.delete(alias);
  }

  /** Enters a row into the table: at the slot of its hash, or at the next free one. */
  #enter(row: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let slot = this.#home(row);
    while (table[slot] !== 0) slot = (slot + 1) & mask;
    table[slot] = row + 1;
  }

  /** Removes a row from the table, and closes the gap: the rows behind it must still be found. */
  #leave(row: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let gap = this.#home(row);
    while (table[gap] !== row + 1) gap = (gap + 1) & mask;
    for (let slot = (gap + 1) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#home(table[slot]! - 1);
      // A row may move up to its home slot, but not in front of it.
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      table[gap] = table[slot]!;
      gap = slot;
    }
    table[gap] = 0;
  }

  #home(row: number): number {
    const bytes = this.#bytes;
    const at = row * recordBytes;
    return wordOf(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!) & (this.#table.length - 1);
  }

  /** A free row; frees one if necessary. */
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
    this.#bytes = grown(this.#bytes, new Uint8Array(size * recordBytes));
    this.#times = new Float64Array(this.#bytes.buffer);
    this.#table = tableFor(size);
    // The table grows only when every row is in use.
    for (let row = 0; row < this.#used; row++) this.#enter(row);
    this.#next = grown(this.#next, new Int32Array(size));
    this.#previous = grown(this.#previous, new Int32Array(size));
    this.#recent = grown(this.#recent, new Uint8Array(size));
    this.#size = size;
  }
}

/** At most half full, so that each row is near its home slot. */
function tableFor(rows: number): Int32Array {
  return new Int32Array(2 ** Math.ceil(Math.log2(rows * 2)));
}

function wordOf(a: number, b: number, c: number, d: number): number {
  return a | (b << 8) | (c << 16) | (d << 24);
}

function grown<Column extends Uint8Array | Int32Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}
