/**
 * A lease is never shortened to less than a quarter. A shorter one would run out before the renewals of an application
 * on a slow network or a busy machine arrive, and a healthy application would seem to lapse again and again.
 */
const mostHalvings = 2;
/** A halving is undone after this many leases without a lapse. */
const recovery = 10;
const mostHolders = 10_000;
/** Fraction of a lease: a node that notices a lapse later than that was held up itself. */
const late = 1 / 8;

type Lapses = { times: number; at: number };

/**
 * How long a lease each holder gets. A holder that made a change wait until its lease ran out gets half as long a
 * lease, and half of that the next time, until it has been reliable for a while: so an application that freezes now and
 * then delays others less and less, but has to renew more often.
 */
export class LeaseTerms {
  readonly #lease: number;
  readonly #lapses: Map<string, Lapses> = new Map();

  /** `lease`: milliseconds of a full lease. */
  constructor(lease: number) {
    this.#lease = lease;
  }

  /**
   * To be called when a holder's lease has run out before it acknowledged a change. One freeze makes several leases run
   * out; it counts once. While this node itself stood still it could not receive acknowledgements, so that does not
   * count.
   */
  lapsed(holder: string, ranOutAt: number, now: number): void {
    if (now - ranOutAt > this.#lease * late) return;
    const known = this.#lapses.get(holder);
    if (known && now - known.at < this.#lease) return;
    if (this.#lapses.size >= mostHolders) this.#lapses.clear();
    this.#lapses.set(holder, { times: Math.min(mostHalvings, this.#timesOf(known, now) + 1), at: now });
  }

  /** Milliseconds of a lease that a holder gets now. */
  termOf(holder: string, now: number): number {
    return this.#lease / 2 ** this.#timesOf(this.#lapses.get(holder), now);
  }

  #timesOf(known: Lapses | undefined, now: number): number {
    if (!known) return 0;
    return Math.max(0, known.times - Math.floor((now - known.at) / (recovery * this.#lease)));
  }
}
