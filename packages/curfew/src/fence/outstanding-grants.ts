import { withMargin } from 'curfew-client/fence';

type Granted = { after: number; until: number };

/** Grants that are told apart; more are taken together, at the cost of a longer wait. */
const most = 8;

/**
 * What a stream was granted and may still believe, and which changes it owes an ack for. A lease that was granted after
 * change s has s before it on the stream, so only those granted before s count for it (R9); each until its ack, or
 * until it is over by the granter's own clock (R1). A closed stream owes as before (R8).
 */
export class OutstandingGrants {
  #granted: Granted[] = [];
  /** Changes that concern it, were told it while it held a lease, and are not acknowledged; ascending. */
  #changes: number[] = [];

  grant(tail: number, length: number, now: number): void {
    const until = now + withMargin(length);
    const last = this.#granted.at(-1);
    if (last && (last.after === tail || this.#granted.length >= most)) last.until = Math.max(last.until, until);
    else this.#granted.push({ after: tail, until });
  }

  /** A change that concerns it is queued. Whether it owes an ack for that: only if it holds a lease. */
  owe(sequence: number, now: number): boolean {
    if (this.until <= now) return false;
    this.#changes.push(sequence);
    return true;
  }

  /** Everything up to a change is acknowledged. Answers with what is no longer outstanding. */
  acknowledge(sequence: number): number[] {
    const place = this.#changes.findIndex((one) => one > sequence);
    return this.#changes.splice(0, place < 0 ? this.#changes.length : place);
  }

  /** The holder has emptied itself: nothing is owed any more. Answers with what was. */
  forgive(): number[] {
    this.#granted = [];
    return this.#changes.splice(0);
  }

  /** Forgets the leases that are over. Answers with the changes that nobody who believes is without any more. */
  expire(now: number): number[] {
    if (this.#granted.some(({ until }) => until <= now))
      this.#granted = this.#granted.filter(({ until }) => until > now);
    // They are in the order in which they were granted: the first is of the oldest tail.
    return this.acknowledge(this.#granted[0]?.after ?? Number.POSITIVE_INFINITY);
  }

  /** The oldest change that it owes an ack for. */
  get oldest(): number | undefined {
    return this.#changes[0];
  }

  owes(sequence: number): boolean {
    return this.#changes.includes(sequence);
  }

  /** When the last of its leases is over, by the clock that `grant` was told. */
  get until(): number {
    return this.#granted.reduce((latest, { until }) => Math.max(latest, until), Number.NEGATIVE_INFINITY);
  }

  /** When what `expire` says may change next. */
  get nextExpiry(): number {
    return this.#granted.reduce((soonest, { until }) => Math.min(soonest, until), Number.POSITIVE_INFINITY);
  }
}
