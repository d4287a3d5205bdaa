import type { AttemptRule } from '../../domain/attempts.ts';
import { encodeNumber } from '../../domain/base62.ts';
import type { AttemptOutcome } from '../contract.ts';
import type { Tables } from './tables.ts';

/** How many were taken, and when the window ends. */
type Row = [taken: number, resetAt: number];

/** Buckets that one sweep forgets at most. */
const mostForgotten = 5000;

const bucketKey = (bucket: string): string => `b${bucket}`;
/** When a bucket may be forgotten: in the order of time. A cleared bucket leaves its key until then. */
const timeKey = (time: number, bucket: string): string => `t${encodeNumber(time, 8)}${bucket}`;
const bucketOfTimeKey = (key: string): string => key.slice(9);

/**
 * Attempts, on disk, so that a restart lets nobody guess anew and no flood pushes anything out. Nobody waits for their
 * writes: until one is committed, a moment later, what it says is kept in memory, where the next attempt finds it.
 */
export class Attempts {
  readonly #table: Tables['attempts'];
  readonly #mayWrite: () => boolean;
  readonly #unwritten: Map<string, { row: Row | undefined }> = new Map();
  #written: Promise<unknown> = Promise.resolve();

  /** `mayWrite`: whether the disk has room for what is no end. */
  constructor(table: Tables['attempts'], mayWrite: () => boolean) {
    this.#table = table;
    this.#mayWrite = mayWrite;
  }

  take(bucket: string, { max, window }: AttemptRule, now: number): AttemptOutcome {
    const kept = this.#read(bucket);
    const isOpen = kept !== undefined && kept[1] > now;
    const [taken, resetAt] = isOpen ? kept : [0, now + window];
    const allowed = taken < max;
    if (allowed) this.#write(bucket, [taken + 1, resetAt]);
    if (!isOpen) this.#put(timeKey(resetAt, bucket), true);
    return { allowed, remaining: max - taken - Number(allowed), resetAt, open: 0, latest: now };
  }

  clear(bucket: string): void {
    if (this.#read(bucket)) this.#write(bucket, undefined);
  }

  /** Forgets what has run out. */
  async sweep(now: number): Promise<void> {
    await this.settled();
    this.#forget(this.#timeKeys({ start: 't', end: `t${encodeNumber(now, 8)}~`, limit: mostForgotten }), now);
    await this.settled();
  }

  /** Forgets the windows that end after a moment. */
  async forgetAfter(moment: number): Promise<void> {
    await this.settled();
    this.#forget(this.#timeKeys({ start: `t${encodeNumber(moment, 8)}~`, end: 'u' }), Number.POSITIVE_INFINITY);
    await this.settled();
  }

  /** Rows of all kinds. */
  get size(): number {
    return (this.#table.getStats() as { entryCount: number }).entryCount;
  }

  /** Resolves when everything that was asked for is committed, or has failed. */
  async settled(): Promise<void> {
    await this.#written;
  }

  #timeKeys(range: { start: string; end: string; limit?: number }): string[] {
    return [...this.#table.getKeys(range)];
  }

  #forget(timeKeys: readonly string[], upTo: number): void {
    for (const key of timeKeys) {
      const bucket = bucketOfTimeKey(key);
      const row = this.#read(bucket);
      if (row && row[1] <= upTo) this.#write(bucket, undefined);
      this.#await(this.#table.remove(key));
    }
  }

  #read(bucket: string): Row | undefined {
    const unwritten = this.#unwritten.get(bucket);
    return unwritten ? unwritten.row : (this.#table.get(bucketKey(bucket)) as Row | undefined);
  }

  #write(bucket: string, row: Row | undefined): void {
    const entry = { row };
    this.#unwritten.set(bucket, entry);
    if (!this.#mayWrite()) return;
    const key = bucketKey(bucket);
    const written = row ? this.#table.put(key, row) : this.#table.remove(key);
    // What a full disk did not take stays in memory.
    this.#await(written, () => {
      if (this.#unwritten.get(bucket) === entry) this.#unwritten.delete(bucket);
    });
  }

  #put(key: string, value: true): void {
    if (!this.#mayWrite()) return;
    this.#await(this.#table.put(key, value));
  }

  #await(written: Promise<unknown>, then: () => void = () => {}): void {
    const before = this.#written;
    this.#written = written.then(then, () => {}).then(() => before);
  }
}
