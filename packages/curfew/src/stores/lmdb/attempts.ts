import type { AttemptRule } from '../../domain/attempts.ts';
import { encodeNumber } from '../../domain/base62.ts';
import { type CurfewError, isCurfewError } from '../../errors.ts';
import type { AttemptOutcome } from '../contract.ts';
import type { Tables } from './tables.ts';

/** How many attempts were made, and when the window ends. */
type Row = [taken: number, resetAt: number];

/** The most buckets that one piece of a sweep handles. */
const most = 500;
/** The most buckets that are held in memory while nothing can be written: some megabytes. */
export const mostHeld = 50_000;

const bucketKey = (bucket: string): string => `b${bucket}`;
/** When a bucket may be deleted, in order of time. A cleared bucket leaves its key until then. */
const timeKey = (time: number, bucket: string): string => `t${encodeNumber(time, 8)}${bucket}`;
const bucketOfTimeKey = (key: string): string => key.slice(9);

/**
 * Attempts are on disk, so that a restart gives nobody new guesses and a flood evicts nothing. Nobody waits for their
 * writes: until one is committed, a moment later, its row is kept in memory, where the next attempt finds it. While the
 * disk is full, it is kept until its window ends or there is room again; so is one whose write has failed. The number of
 * such rows is limited.
 */
export class Attempts {
  readonly #table: Tables['attempts'];
  readonly #mayWrite: () => boolean;
  readonly #unwritten: Map<string, { row: Row | undefined }> = new Map();
  /** The unwritten ones that the disk did not accept. */
  readonly #held: Set<string> = new Set();
  /** Why it did not accept the last one, if it seemed to have room. */
  #failure: unknown;
  readonly #refusal: () => CurfewError;
  readonly #commit: (write: () => void) => Promise<void>;
  #written: Promise<unknown> = Promise.resolve();

  /**
   * `commit`: writes in a transaction, with others. `mayWrite`: whether the disk has room for writes other than ends;
   * `refusal`: the error if no more can be held.
   */
  constructor(
    table: Tables['attempts'],
    commit: (write: () => void) => Promise<void>,
    mayWrite: () => boolean,
    refusal: () => CurfewError,
  ) {
    this.#table = table;
    this.#commit = commit;
    this.#mayWrite = mayWrite;
    this.#refusal = refusal;
  }

  /** @throws `store_full`, or what made the last write fail, if the memory for held attempts is full too */
  take(bucket: string, { max, window }: AttemptRule, now: number): AttemptOutcome {
    if (this.#held.size >= mostHeld && !this.#held.has(bucket)) {
      const refusal = this.#mayWrite() ? this.#failure : this.#refusal();
      if (refusal !== undefined) throw refusal;
    }
    const kept = this.#read(bucket);
    const isOpen = kept !== undefined && kept[1] > now;
    // If the disk was full during the window, the window's keys may be missing on it.
    const isNoted = isOpen && !this.#held.has(bucket);
    const [taken, resetAt] = isOpen ? kept : [0, now + window];
    const allowed = taken < max;
    if (allowed) this.#write(bucket, [taken + 1, resetAt]);
    if (!isNoted) this.#put(timeKey(resetAt, bucket), true);
    return { allowed, remaining: max - taken - Number(allowed), resetAt, open: 0, latest: now };
  }

  clear(bucket: string): void {
    if (this.#read(bucket)) this.#write(bucket, undefined);
  }

  /** Deletes what has expired, and writes what a full disk held back: a bounded part of both. */
  async sweep(now: number): Promise<{ more: boolean }> {
    await this.settled();
    this.#writeHeld(now);
    const more = this.#forget({ start: 't', end: `t${encodeNumber(now, 8)}~` }, now);
    await this.settled();
    return { more: more || (this.#mayWrite() && this.#held.size > 0) };
  }

  /** Deletes the windows that end after a moment. @throws what the disk did not accept */
  async forgetAfter(moment: number): Promise<void> {
    const range = { start: `t${encodeNumber(moment, 8)}~`, end: 'u' };
    const failures: unknown[] = [];
    await this.settled();
    for (let more = true; more; ) {
      more = this.#forget(range, Number.POSITIVE_INFINITY, (error) => failures.push(error));
      await this.settled();
      // The next round would find the same windows.
      if (failures.length > 0) throw failures[0];
    }
  }

  /** How many rows of all kinds the table has. */
  get size(): number {
    return (this.#table.getStats() as { entryCount: number }).entryCount;
  }

  /** Resolves when everything requested has been committed or has failed. */
  async settled(): Promise<void> {
    await this.#written;
  }

  #forget(range: { start: string; end: string }, upTo: number, failed?: (error: unknown) => unknown): boolean {
    const timeKeys = [...this.#table.getKeys({ ...range, limit: most })];
    for (const key of timeKeys) {
      const bucket = bucketOfTimeKey(key);
      const row = this.#read(bucket);
      if (row && row[1] <= upTo) this.#write(bucket, undefined);
      this.#await(
        this.#commit(() => this.#table.remove(key)),
        undefined,
        failed,
      );
    }
    return timeKeys.length === most;
  }

  #read(bucket: string): Row | undefined {
    const unwritten = this.#unwritten.get(bucket);
    return unwritten ? unwritten.row : (this.#table.get(bucketKey(bucket)) as Row | undefined);
  }

  /** Deletes held attempts that have expired, and writes the others if there is room. */
  #writeHeld(now: number): void {
    // Attempts that are put back come after all others.
    let left = Math.min(most, this.#held.size);
    for (const bucket of this.#held) {
      if (left-- === 0) return;
      const row = this.#unwritten.get(bucket)?.row;
      this.#held.delete(bucket);
      // What the disk has of it has expired too.
      if (row && row[1] <= now) this.#unwritten.delete(bucket);
      // The next piece examines others first.
      else if (!this.#mayWrite()) this.#held.add(bucket);
      else {
        this.#write(bucket, row);
        if (row) this.#put(timeKey(row[1], bucket), true);
      }
    }
  }

  #write(bucket: string, row: Row | undefined): void {
    const entry = { row };
    this.#unwritten.set(bucket, entry);
    if (!this.#mayWrite()) {
      this.#held.add(bucket);
      return;
    }
    this.#held.delete(bucket);
    const key = bucketKey(bucket);
    const written = this.#commit(() => (row ? this.#table.put(key, row) : this.#table.remove(key)));
    const isNewest = () => this.#unwritten.get(bucket) === entry;
    const isThere = () => isNewest() && this.#unwritten.delete(bucket);
    this.#await(written, isThere, (error) => {
      // It is in force, although the disk may lose it.
      if (isCurfewError(error, 'outcome_unknown')) return isThere();
      // What the disk did not accept stays in memory.
      this.#failure = error;
      return isNewest() && this.#held.add(bucket);
    });
  }

  #put(key: string, value: true): void {
    if (!this.#mayWrite()) return;
    this.#await(this.#commit(() => this.#table.put(key, value)));
  }

  #await(
    written: Promise<unknown>,
    then: () => unknown = () => {},
    otherwise: (error: unknown) => unknown = () => {},
  ): void {
    const before = this.#written;
    this.#written = written.then(then, otherwise).then(() => before);
  }
}
