/*
 * What was observed, by the machine's monotonic clock, which all its processes share. A verification is dated by its
 * start, a change by its return.
 */

/**
 * `answer`: the version that it returned; 0 if not active, -1 if there was no answer. Of a run of `times` equal answers
 * this is the last to start: if any of them broke the promise, this one did.
 */
export type Verified = { kind: 'verify'; session: string; began: number; answer: number; times: number; by: string };
/** `version`: the version that the session was changed to; 0 if it was ended. */
export type Changed = { kind: 'change'; session: string; asked: number; returned: number; version: number };
/**
 * A failover to a lagging standby. `begins` is noted before anything can be lost: the standby has, or will have,
 * everything that returned before. `serves` is noted once it has been promoted and the old primary is gone.
 */
export type FailedOver = { kind: 'failover'; what: 'begins' | 'serves'; at: number };
export type Seen = Verified | Changed | FailedOver;

export type Violation = {
  session: string;
  by: string;
  began: number;
  answer: number;
  /** The change that its answer did not show. */
  floor: number;
  asked: number;
  returned: number;
};

/** `lost`: changes that returned during a failover and may be gone with the old primary. */
export type Judgement = {
  violations: Violation[];
  verifications: number;
  active: number;
  changes: number;
  lost: number;
};

/**
 * Milliseconds after a failover in which an end that was requested before may still return and be lost: the old
 * primary's last answer counts for half a lease (R17), and an answer takes its time on a busy machine.
 */
const lastWord = 1000;

/** The most violations that are kept: a broken fence breaks the promise at every verification. */
const mostViolations = 1000;

/**
 * Finds every verification that began after a change had returned and shows the state before it. Versions of one
 * session grow, and an end is later than all of them. No answer promises nothing.
 *
 * It judges each verification immediately, so that it need not remember any. That is exact, because a change is noted
 * at the moment of its return, and so before any verification that began later.
 */
export class Checker {
  readonly #changes: Map<string, Changed[]> = new Map();
  readonly #judgement: Judgement = { violations: [], verifications: 0, active: 0, changes: 0, lost: 0 };
  /** Since when changes may be lost, while a failover is in progress. */
  #losingSince: number = Number.POSITIVE_INFINITY;
  /** When the last failover ended. */
  #serves: number = Number.NEGATIVE_INFINITY;

  note(seen: Seen): void {
    if (seen.kind === 'verify') this.#judge(seen);
    else if (seen.kind === 'change') this.#noteChange(seen);
    else if (seen.what === 'begins') this.#losingSince = seen.at;
    else {
      this.#losingSince = Number.POSITIVE_INFINITY;
      this.#serves = seen.at;
    }
  }

  /** Forgets a session; only once no verification of it is in progress or unreported, because none could be judged. */
  forget(session: string): void {
    this.#changes.delete(session);
  }

  /** How many sessions' changes are remembered. */
  get remembered(): number {
    return this.#changes.size;
  }

  get judgement(): Judgement {
    return this.#judgement;
  }

  #noteChange(change: Changed): void {
    // The promoted standby may never have received it.
    const isLastWord = change.asked < this.#serves && change.returned < this.#serves + lastWord;
    if (change.returned >= this.#losingSince || isLastWord) {
      this.#judgement.lost += 1;
      return;
    }
    this.#judgement.changes += 1;
    const list = this.#changes.get(change.session);
    if (list) list.push(change);
    else this.#changes.set(change.session, [change]);
  }

  #judge({ session, by, began, answer, times }: Verified): void {
    if (answer < 0) return;
    const judgement = this.#judgement;
    judgement.verifications += times;
    if (answer === 0) return;
    judgement.active += times;
    const missed = this.#changes
      .get(session)
      ?.find(({ returned, version }) => returned < began && (version === 0 || version > answer));
    if (!missed || judgement.violations.length >= mostViolations) return;
    const { version: floor, asked, returned } = missed;
    judgement.violations.push({ session, by, began, answer, floor, asked, returned });
  }
}
