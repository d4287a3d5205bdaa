import type { LogEntry, LogPosition, Store } from '../stores/contract.ts';

/** The only reasons for which a node starts over (R10). */
export type LossReason =
  /** The log does not reach back to the entry that was read last. */
  | 'log_trimmed'
  /** The log is another one: it is shorter than what was read, or has other entries at the same numbers. */
  | 'log_replaced'
  /** The store was failed over or restored. */
  | 'store_incarnation';

type Events = {
  /** The entries after the tail; the tail is the last of them by then. */
  onEntries(entries: readonly LogEntry[]): void;
  onLost(reason: LossReason, detail: string): void;
  onError(error: unknown): void;
};

/** How many entries are read at once. */
const page = 500;
/** How many marks are remembered, so that a head read before the tail moved on can be compared with the log. */
const mostMarks = 4096;

/**
 * Follows the change log and checks that it is still the same log: each read begins with the last known entry, which
 * must be there with the same mark. Numbers alone prove nothing: after a failover they are reused.
 */
export class LogFollower {
  readonly #store: Pick<Store, 'readLog'>;
  readonly #events: Events;
  /** `undefined` until the start is known: nothing is read before (R21). */
  #tail: LogPosition | undefined;
  readonly #marks: Map<number, string> = new Map();
  /** The newest sequence that the store is known to have. */
  #expected = 0;
  #over = false;

  constructor(store: Pick<Store, 'readLog'>, events: Events) {
    this.#store = store;
    this.#events = events;
  }

  get tail(): LogPosition {
    return this.#tail ?? { sequence: 0, mark: '' };
  }

  /** Starts to follow the log after a position. */
  begin(at: LogPosition): void {
    this.#moveTo(at);
  }

  stop(): void {
    this.#over = true;
  }

  /** Reads the next entries. To be called once at a time. */
  async pull(): Promise<void> {
    if (this.#over || !this.#tail) return;
    try {
      await this.#pullOn();
    } catch (error) {
      this.#events.onError(error);
    }
  }

  /**
   * Whether a head that the store returned shows that the log is another one. `known` is the tail as it was before the
   * store was asked: it may have moved since (R21).
   */
  isContradictedBy(head: LogPosition, known: LogPosition): boolean {
    if (head.sequence < known.sequence || this.hasOther(head)) return true;
    this.#expected = Math.max(this.#expected, head.sequence);
    return false;
  }

  /** Whether a different entry was read at this number. */
  hasOther({ sequence, mark }: LogPosition): boolean {
    const read = this.#marks.get(sequence);
    return read !== undefined && read !== mark;
  }

  async #pullOn(): Promise<void> {
    for (;;) {
      // Both are taken before the read, because what the answer is compared with must not change meanwhile (R21).
      const [from, expected] = [this.tail, this.#expected];
      const entries = await this.#store.readLog(from.sequence, page);
      if (this.#over) return;
      const loss = lossIn(entries, from, expected);
      if (loss) {
        this.#events.onLost(loss, `the log does not continue after ${from.sequence}`);
        return;
      }
      const news = from.sequence === 0 ? entries : entries.slice(1);
      if (news.length > 0) {
        for (const { sequence, mark } of news) this.#moveTo({ sequence, mark });
        this.#events.onEntries(news);
      }
      if (entries.length < page) return;
    }
  }

  #moveTo(position: LogPosition): void {
    this.#tail = position;
    this.#marks.set(position.sequence, position.mark);
    if (this.#marks.size <= mostMarks) return;
    const [oldest] = this.#marks.keys();
    this.#marks.delete(oldest!);
  }
}

/** What entries read from a position show about the log: `undefined` if it is still the one that was followed. */
function lossIn(entries: readonly LogEntry[], from: LogPosition, expected: number): LossReason | undefined {
  const first = entries[0];
  if (from.sequence > 0) {
    // The log is shorter than before.
    if (!first) return 'log_replaced';
    if (first.sequence > from.sequence) return 'log_trimmed';
    if (first.mark !== from.mark) return 'log_replaced';
  } else if (first && first.sequence > 1) return 'log_trimmed';
  const start = Math.max(1, from.sequence);
  if (entries.some(({ sequence }, i) => sequence !== start + i)) return 'log_trimmed';
  const last = entries.at(-1)?.sequence ?? 0;
  return entries.length < page && last < expected ? 'log_replaced' : undefined;
}
