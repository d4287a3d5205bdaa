/*
 * What was seen, by the machine's one monotonic clock, which all its processes share. A verification is known by when
 * it began; a change by when it had returned.
 */

/**
 * `answer`: the version that it told of, 0 when it was not active, -1 when there was no answer. Of `times` that
 * answered alike, one after another, the one that began last: if any of them broke the promise, that one did.
 */
export type Verified = { kind: 'verify'; session: string; began: number; answer: number; times: number; by: string };
/** `version`: what the session was changed to; 0 when it was ended. */
export type Changed = { kind: 'change'; session: string; asked: number; returned: number; version: number };
/**
 * A failover to a standby that lags. `begins` is noted before anything can be lost: the standby has, or will have,
 * everything that returned before. `serves` is noted once it has been promoted, and the old primary is gone.
 */
export type FailedOver = { kind: 'failover'; what: 'begins' | 'serves'; at: number };
export type Seen = Verified | Changed | FailedOver;

export type Violation = {
  session: string;
  by: string;
  began: number;
  answer: number;
  /** The change that it told nothing of. */
  floor: number;
  asked: number;
  returned: number;
};

/** `lost`: changes that returned during a failover, and may be gone with the old primary. */
export type Judgement = {
  violations: Violation[];
  verifications: number;
  active: number;
  changes: number;
  lost: number;
};

/**
 * Milliseconds after a failover within which an end may return that was asked for before it was over, and is lost: the
 * last word of the old primary counts for half a lease (R17), and an answer takes its time on a busy machine.
 */
const lastWord = 1000;

/** Violations that are kept to be shown: a fence that is broken breaks the promise at every verification. */
const mostViolations = 1000;

/**
 * Finds every verification that began after a change had returned and told of what was before it. Versions of one
 * session grow; an end is later than all of them. Where no answer came nothing was promised.
 *
 * It judges as it is told, so that it need not remember what it was told of verifications. That is exact, because a
 * change is noted at the moment of its return, and so before any verification that began later.
 */
export class Checker {
  readonly #changes: Map<string, Changed[]> = new Map();
  readonly #judgement: Judgement = { violations: [], verifications: 0, active: 0, changes: 0, lost: 0 };
  /** Since when something may be lost, while a failover is under way. */
  #losingSince: number = Number.POSITIVE_INFINITY;
  /** When the last failover was over. */
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

  /** To be called once no verification of a session is under way or still to be told: nothing of it can be judged. */
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
    // The promoted standby may never have heard of it.
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
