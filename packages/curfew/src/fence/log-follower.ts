import type { LogEntry, LogPosition, Store } from '../stores/contract.ts';

/** Why a node starts over (R10). Nothing else makes it do so. */
export type LossReason =
  /** The log does not reach back to what was read last. */
  | 'log_trimmed'
  /** The log is another one: shorter than what was read, or with other entries at the same numbers. */
  | 'log_replaced'
  /** The store was failed over or restored. */
  | 'store_incarnation';

type Events = {
  /** The entries that follow the tail, which is then the last of them. */
  onEntries(entries: readonly LogEntry[]): void;
  onLost(reason: LossReason, detail: string): void;
  onError(error: unknown): void;
};

/** Entries that are read at once. */
const page = 500;
/** Marks that are remembered, so that a head which was read before the tail went on can be compared with the log. */
const mostMarks = 4096;

/**
 * Reads on in the change log, and proves that it is still the same log: each read begins with the last entry that is
 * known, which must be there with the same mark. Numbers alone prove nothing: after a failover they are used again.
 */
export class LogFollower {
  readonly #store: Pick<Store, 'readLog'>;
  readonly #events: Events;
  /** `undefined` until the beginning is known: nothing is read before (R21). */
  #tail: LogPosition | undefined;
  readonly #marks: Map<number, string> = new Map();
  /** The newest sequence that the store is known to have. */
  #expected = 0;
  #pulling = false;
  #again = false;
  #over = false;

  constructor(store: Pick<Store, 'readLog'>, events: Events) {
    this.#store = store;
    this.#events = events;
  }

  get tail(): LogPosition {
    return this.#tail ?? { sequence: 0, mark: '' };
  }

  /** Follows what comes after a position. */
  begin(at: LogPosition): void {
    this.#moveTo(at);
  }

  stop(): void {
    this.#over = true;
  }

  /** Reads on; one read at a time. */
  pull(): void {
    if (this.#over || !this.#tail) return;
    if (this.#pulling) {
      this.#again = true;
      return;
    }
    this.#pulling = true;
    void this.#pullOn()
      .catch((error: unknown) => this.#events.onError(error))
      .finally(() => {
        this.#pulling = false;
        if (!this.#again) return;
        this.#again = false;
        this.pull();
      });
  }

  /**
   * Whether a head that the store told of shows that the log is another one. `known` is the tail as it was before the
   * store was asked: by now it may have gone on (R21).
   */
  isContradictedBy(head: LogPosition, known: LogPosition): boolean {
    if (head.sequence < known.sequence || this.hasOther(head)) return true;
    this.#expected = Math.max(this.#expected, head.sequence);
    return false;
  }

  /** Whether another entry than this one was read at its number. */
  hasOther({ sequence, mark }: LogPosition): boolean {
    const read = this.#marks.get(sequence);
    return read !== undefined && read !== mark;
  }

  async #pullOn(): Promise<void> {
    for (;;) {
      // Both as they are before the question: what the answer is compared with must not move meanwhile (R21).
      const [from, expected] = [this.tail, this.#expected];
      const entries = await this.#store.readLog(from.sequence, page);
      if (this.#over) return;
      const loss = lossIn(entries, from, expected);
      if (loss) {
        this.#events.onLost(loss, `the log does not go on after ${from.sequence}`);
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

/** What entries that were asked for from a position on say about the log: nothing, when it is the one that was followed. */
function lossIn(entries: readonly LogEntry[], from: LogPosition, expected: number): LossReason | undefined {
  const first = entries[0];
  if (from.sequence > 0) {
    // Shorter than it was.
    if (!first) return 'log_replaced';
    if (first.sequence > from.sequence) return 'log_trimmed';
    if (first.mark !== from.mark) return 'log_replaced';
  } else if (first && first.sequence > 1) return 'log_trimmed';
  const start = Math.max(1, from.sequence);
  if (entries.some(({ sequence }, i) => sequence !== start + i)) return 'log_trimmed';
  const last = entries.at(-1)?.sequence ?? 0;
  return entries.length < page && last < expected ? 'log_replaced' : undefined;
}
