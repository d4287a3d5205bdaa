import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { comebacks, noteError, rereads } from './contact.ts';
import { changedElsewhere } from './windows.ts';

/*
 * A list of any length, read page by page as far as somebody scrolls. What is far away from what is shown is forgotten
 * and read again when it is needed, by the cursor of its page, so memory does not grow with the list. A list does not
 * change by itself while somebody reads it: nothing moves under the pointer.
 */

export type Page<Row> = {
  rows: Row[];
  nextCursor?: string | undefined;
  /** How many there are in all, if that is known. */
  total?: number | undefined;
  /** The server has not looked at everything. */
  partial?: boolean | undefined;
};

export type Ask<Row> = (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Row>>;

/** How many pages before and after the one that was looked at last are kept. */
const kept = 10;

type Part<Row> = { cursor: string | undefined; start: number; length: number; rows: Row[] | undefined };

/** One list: the answers to one question. */
class Reading<Row> {
  readonly #ask: Ask<Row>;
  readonly #changed: () => void;
  readonly #gone = new AbortController();
  #parts: Part<Row>[] = [];
  #next: string | undefined;
  #fetching = new Set<string | undefined>();
  #last = 0;
  #change: (row: Row) => Row = (row) => row;
  count = 0;
  total: number | undefined;
  partial = false;
  error: unknown;
  /** The first page has arrived. */
  ready = false;
  readAt = 0;
  /** Something was changed in another window since, and it is not known what exactly. */
  isChanged = false;

  constructor(ask: Ask<Row>, changed: () => void) {
    this.#ask = ask;
    this.#changed = changed;
  }

  get hasMore(): boolean {
    return !this.ready || this.#next !== undefined;
  }

  get isFetching(): boolean {
    return this.#fetching.size > 0;
  }

  /** A row; `undefined` while it is being read again. */
  row(index: number): Row | undefined {
    const at = this.#parts.findLastIndex(({ start }) => start <= index);
    const part = this.#parts[at];
    if (!part || index >= part.start + part.length) return undefined;
    this.#last = at;
    if (!part.rows) void this.#readAgain(part);
    return part.rows?.[index - part.start];
  }

  /** Every row that is in memory. */
  *rows(): Generator<Row> {
    for (const { rows } of this.#parts) if (rows) yield* rows;
  }

  /** Reads the next page, if there is one and it is not being read. */
  async more(): Promise<void> {
    if (!this.hasMore || this.isFetching) return;
    const cursor = this.#next;
    await this.#fetch(cursor, (page) => {
      const rows = page.rows.map(this.#change);
      this.#parts.push({ cursor, start: this.count, length: rows.length, rows });
      this.count += rows.length;
      this.#next = page.nextCursor;
      if (!this.ready) [this.total, this.ready, this.readAt] = [page.total, true, Date.now()];
      this.partial = page.partial === true;
    });
  }

  /** Changes rows that have been read, and those that will be read again: what one has just done to them. */
  change(how: (row: Row) => Row): void {
    const before = this.#change;
    this.#change = (row) => how(before(row));
    for (const part of this.#parts) if (part.rows) part.rows = part.rows.map(how);
    this.#changed();
  }

  noteChange(): void {
    this.isChanged = true;
    this.#changed();
  }

  stop(): void {
    this.#gone.abort();
  }

  async #readAgain(part: Part<Row>): Promise<void> {
    if (this.#fetching.has(part.cursor) || this.error !== undefined) return;
    await this.#fetch(part.cursor, (page) => {
      // The places of the other rows stay: a page that has become shorter is filled up with nothing.
      part.rows = page.rows.slice(0, part.length).map(this.#change);
    });
  }

  /**
   * Reads a page and takes it in before anybody hears that nothing is being read: somebody who hears that asks for the
   * next page, which must not be this one again.
   */
  async #fetch(cursor: string | undefined, take: (page: Page<Row>) => void): Promise<void> {
    this.#fetching.add(cursor);
    this.error = undefined;
    this.#changed();
    try {
      const page = await this.#ask(cursor, this.#gone.signal);
      if (this.#gone.signal.aborted) return;
      take(page);
      this.#forget();
    } catch (error) {
      if (this.#gone.signal.aborted) return;
      noteError(error);
      this.error = error;
    }
    this.#fetching.delete(cursor);
    this.#changed();
  }

  #forget(): void {
    for (const [at, part] of this.#parts.entries()) {
      if (Math.abs(at - this.#last) > kept && Math.abs(at - (this.#parts.length - 1)) > 1) part.rows = undefined;
    }
  }
}

export type List<Row> = {
  count: number;
  row(index: number): Row | undefined;
  rows(): Iterable<Row>;
  /** Nothing has been read yet. */
  isPending: boolean;
  isFetching: boolean;
  /** It is the answer to the previous question; the one to this question is on its way. */
  isOld: boolean;
  error: unknown;
  hasMore: boolean;
  total: number | undefined;
  partial: boolean;
  /** When it was read; epoch milliseconds. */
  readAt: number;
  /** Something was changed in another window since, and it is not known what exactly. */
  isChanged: boolean;
  more(): void;
  /** Reads it anew, from the beginning. */
  again(): void;
  change(how: (row: Row) => Row): void;
};

/**
 * `key` names the question: for another key, another list is read. The previous one is shown until that arrives, but
 * only if both are of the same `kind`.
 */
export function useList<Row>(key: string, ask: Ask<Row>, kind = ''): List<Row> {
  const [, redraw] = useState(0);
  const [turn, setTurn] = useState(0);
  const [shown, setShown] = useState<{ reading: Reading<Row>; kind: string }>();
  const wanted = useMemo(() => {
    const changed = () => redraw((times) => times + 1);
    const reading: Reading<Row> = new Reading<Row>(ask, () => {
      changed();
      if (reading.ready) setShown({ reading, kind });
    });
    return reading;
  }, [key, turn]);
  // Before it is drawn: an effect would wait for that.
  useLayoutEffect(() => {
    void wanted.more();
    return () => wanted.stop();
  }, [wanted]);
  // What could not be read is read once the server is back, or somebody has signed in again.
  useEffect(
    () =>
      comebacks.follow(() => {
        if (wanted.error !== undefined) void wanted.more();
      }),
    [wanted],
  );
  useEffect(
    () =>
      changedElsewhere.follow(() => {
        if (changedElsewhere.get()?.ended === undefined) wanted.noteChange();
      }),
    [wanted],
  );
  const again = () => setTurn((turns) => turns + 1);
  useEffect(() => rereads.follow(again), []);
  const previous = shown?.kind === kind && wanted.error === undefined ? shown.reading : undefined;
  const reading = wanted.ready ? wanted : (previous ?? wanted);
  return {
    count: reading.count,
    row: (index) => reading.row(index),
    rows: () => reading.rows(),
    isPending: !reading.ready,
    isFetching: wanted.isFetching,
    isOld: reading !== wanted,
    error: wanted.error,
    hasMore: reading.hasMore,
    total: reading.total,
    partial: reading.partial,
    readAt: reading.readAt,
    isChanged: reading.isChanged,
    more: () => void reading.more(),
    again,
    change: (how) => reading.change(how),
  };
}
