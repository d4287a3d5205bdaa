/**
 * What a lease is shortened to at most: a quarter. A shorter one would be over before the renewals of an application on
 * a slow network or a busy machine arrive, and what is well would seem to lapse again and again.
 */
const mostHalvings = 2;
/** Leases without a lapse after which the next halving is taken back. */
const recovery = 10;
const mostHolders = 10_000;
/** Of a lease: a node that notices that much later that one has run out was held up itself. */
const late = 1 / 8;

type Lapses = { times: number; at: number };

/**
 * How long a lease each holder gets. Whoever let a change wait until its lease ran out gets one half as long, and again,
 * until it has been well for a while: an application that freezes now and then delays others less and less, and pays
 * for it itself with more renewals.
 */
export class LeaseTerms {
  readonly #lease: number;
  readonly #lapses: Map<string, Lapses> = new Map();

  /** `lease`: milliseconds of a whole one. */
  constructor(lease: number) {
    this.#lease = lease;
  }

  /**
   * A holder's lease ran out before it had acknowledged a change, at a moment that may be some time ago. One freeze lets
   * several run out: it counts once. While this node stood still it could hear of no acknowledgement: that counts for
   * nobody.
   */
  lapsed(holder: string, ranOutAt: number, now: number): void {
    if (now - ranOutAt > this.#lease * late) return;
    const known = this.#lapses.get(holder);
    if (known && now - known.at < this.#lease) return;
    if (this.#lapses.size >= mostHolders) this.#lapses.clear();
    this.#lapses.set(holder, { times: Math.min(mostHalvings, this.#timesOf(known, now) + 1), at: now });
  }

  /** Milliseconds of a lease that is granted to a holder now. */
  termOf(holder: string, now: number): number {
    return this.#lease / 2 ** this.#timesOf(this.#lapses.get(holder), now);
  }

  #timesOf(known: Lapses | undefined, now: number): number {
    if (!known) return 0;
    return Math.max(0, known.times - Math.floor((now - known.at) / (recovery * this.#lease)));
  }
}
