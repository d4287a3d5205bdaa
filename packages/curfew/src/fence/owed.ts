import { withMargin } from 'curfew-client/fence';

type Granted = { after: number; until: number };

/** Grants that are told apart; more are taken together, at the cost of a longer wait. */
const most = 8;

/**
 * What a stream was granted and may still believe. A lease that was granted after change s has s before it on the
 * stream, so only those granted before s count for it (R9); each until its ack, or until it is over by the granter's
 * own clock (R1). A closed stream owes as before (R8).
 */
export class Owed {
  #acknowledged: number;
  #granted: Granted[] = [];
  #first: number | undefined;
  #latest: number = Number.NEGATIVE_INFINITY;

  /** `tail`: the newest change before the stream began. */
  constructor(tail: number) {
    this.#acknowledged = tail;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Whether it held a lease from before a change, and at a moment or later. */
  concerned(sequence: number, since: number): boolean {
    return this.#first !== undefined && this.#first < sequence && this.#latest > since;
  }

  grant(tail: number, length: number, now: number): void {
    this.#first ??= tail;
    const until = now + withMargin(length);
    this.#latest = Math.max(this.#latest, until);
    const last = this.#granted.at(-1);
    if (last && (last.after === tail || this.#granted.length >= most)) last.until = Math.max(last.until, until);
    else this.#granted.push({ after: tail, until });
  }

  acknowledge(sequence: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, sequence);
  }

  /** The holder has emptied itself: nothing is owed any more. */
  forgive(): void {
    this.#acknowledged = Number.POSITIVE_INFINITY;
    this.#granted = [];
  }

  /** The newest change up to `tail` that no lease of this stream is without. */
  clearTo(tail: number, now: number): number {
    if (this.#acknowledged >= tail) return tail;
    this.#granted = this.#granted.filter(({ until }) => until > now);
    // They are in the order in which they were granted: the first is of the oldest tail.
    const oldest = this.#granted[0];
    return oldest ? Math.min(tail, Math.max(this.#acknowledged, oldest.after)) : tail;
  }

  /** When the last of its leases is over, by the clock that `grant` was told. */
  get until(): number {
    return this.#granted.reduce((latest, { until }) => Math.max(latest, until), Number.NEGATIVE_INFINITY);
  }

  /** When what `clearTo` says may change next by time alone. */
  get nextExpiry(): number {
    return this.#granted.reduce((soonest, { until }) => Math.min(soonest, until), Number.POSITIVE_INFINITY);
  }
}
