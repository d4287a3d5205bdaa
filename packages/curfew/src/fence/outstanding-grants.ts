import { withMargin } from 'curfew-client/fence';

type Granted = { after: number; until: number };

/** How many grants are kept separately; if there are more, they are merged, at the cost of longer waits. */
const most = 8;

/**
 * The leases that a stream was granted and may still trust, and the changes that it has to acknowledge. A lease granted
 * after change s comes after s on the stream, so only leases granted before s count for it (R9): each until the
 * acknowledgement, or until it has run out by the granter's own clock (R1). A closed stream owes the same (R8).
 */
export class OutstandingGrants {
  #granted: Granted[] = [];
  /** Unacknowledged changes that concern the stream and were sent while it held a lease; ascending. */
  #changes: number[] = [];

  grant(tail: number, length: number, now: number): void {
    const until = now + withMargin(length);
    const last = this.#granted.at(-1);
    if (last && (last.after === tail || this.#granted.length >= most)) last.until = Math.max(last.until, until);
    else this.#granted.push({ after: tail, until });
  }

  /**
   * Notes a queued change that concerns the stream. Returns whether it has to be acknowledged: only if a lease is held.
   */
  owe(sequence: number, now: number): boolean {
    if (this.until <= now) return false;
    this.#changes.push(sequence);
    return true;
  }

  /** Notes that everything up to a change is acknowledged. Returns the changes that are no longer outstanding. */
  acknowledge(sequence: number): number[] {
    const place = this.#changes.findIndex((one) => one > sequence);
    return this.#changes.splice(0, place < 0 ? this.#changes.length : place);
  }

  /** Notes that the holder has emptied its memory: nothing is owed any more. Returns the changes that were. */
  forgive(): number[] {
    this.#granted = [];
    return this.#changes.splice(0);
  }

  /** Forgets the leases that have run out. Returns the changes that no holder with a lease can still lack. */
  expire(now: number): number[] {
    if (this.#granted.some(({ until }) => until <= now))
      this.#granted = this.#granted.filter(({ until }) => until > now);
    // They are in the order in which they were granted: the first has the oldest tail.
    return this.acknowledge(this.#granted[0]?.after ?? Number.POSITIVE_INFINITY);
  }

  /** The oldest change that has to be acknowledged. */
  get oldest(): number | undefined {
    return this.#changes[0];
  }

  owes(sequence: number): boolean {
    return this.#changes.includes(sequence);
  }

  /** When the last of the leases runs out, by the clock that `grant` was given. */
  get until(): number {
    return this.#granted.reduce((latest, { until }) => Math.max(latest, until), Number.NEGATIVE_INFINITY);
  }

  /** When the result of `expire` may change next. */
  get nextExpiry(): number {
    return this.#granted.reduce((soonest, { until }) => Math.min(soonest, until), Number.POSITIVE_INFINITY);
  }
}
