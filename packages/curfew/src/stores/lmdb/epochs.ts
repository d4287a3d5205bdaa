import type { UserId } from '../../domain/brand.ts';
import type { SequencedEnd } from '../../domain/reasons.ts';
import type { Epochs, StoredSession } from '../../domain/session.ts';
import { decodeEnd, encodeEnd, type Row } from './codec.ts';
import type { Tables } from './tables.ts';

/** One step of an epoch, which ended all sessions with a lower number. */
export type EpochStep = {
  number: number;
  end: SequencedEnd;
  /** Whether the end of every session that it ended is recorded with the session. */
  settled: boolean;
};

/** The remaining steps of one epoch, lowest first; the last one's number is the current epoch. */
export type EpochHistory = readonly EpochStep[];

/**
 * All epochs that are not zero, in memory: one process owns the file, so nobody else can advance one. Immutable outside
 * a write; a batch prepares its steps in an overlay, which applies once its commit is visible.
 */
export class EpochBook {
  everyone: EpochHistory = [];
  readonly #users: Map<UserId, OnlyStep | EpochHistory> = new Map();
  readonly #unsettled: Set<UserId> = new Set();
  readonly #aging: Set<UserId> = new Set();

  /** Users whose epoch is not zero. */
  get users(): IterableIterator<UserId> {
    return this.#users.keys();
  }

  historyOf(userId: UserId): EpochHistory {
    const kept = this.#users.get(userId);
    return kept instanceof OnlyStep ? kept.history : (kept ?? []);
  }

  /** Users with steps that are not settled. */
  get unsettled(): ReadonlySet<UserId> {
    return this.#unsettled;
  }

  /**
   * Users whose history may be deleted once it is old, in order of its last step. A user whose history was old, and
   * still needed by a session, is not in here: the sweep deletes it with the last tombstone.
   */
  get aging(): ReadonlySet<UserId> {
    return this.#aging;
  }

  get isSettled(): boolean {
    return this.#unsettled.size === 0 && isSettled(this.everyone);
  }

  set(userId: UserId, history: EpochHistory): void {
    const moved = numberOf(history) !== this.#numberOf(userId);
    if (moved || history.length === 0) this.#aging.delete(userId);
    if (history.length === 0) this.#users.delete(userId);
    else this.#users.set(userId, history.length === 1 ? new OnlyStep(history[0]!) : history);
    if (moved && history.length > 0) this.#aging.add(userId);
    if (isSettled(history)) this.#unsettled.delete(userId);
    else this.#unsettled.add(userId);
  }

  /** A user's history was old, and has been dealt with. */
  setAside(userId: UserId): void {
    this.#aging.delete(userId);
  }

  of(userId: UserId): Epochs {
    return { user: this.#numberOf(userId), everyone: numberOf(this.everyone) };
  }

  #numberOf(userId: UserId): number {
    const kept = this.#users.get(userId);
    return kept instanceof OnlyStep ? kept.number : numberOf(kept);
  }

  /** The end that an epoch gave a session: the earlier one, if both have moved past it. */
  endOf(session: StoredSession): SequencedEnd | undefined {
    return firstEnd(session, this.historyOf(session.userId), this.everyone);
  }
}

/**
 * A user's history of one step, as nearly all are, in one object: kept for each user whose sessions all ended, it takes
 * half the memory of a list.
 */
class OnlyStep {
  readonly number: number;
  readonly #settled: boolean;
  readonly #at: number;
  readonly #by: SequencedEnd['by'];
  readonly #reason: SequencedEnd['reason'];
  readonly #sequence: number;

  constructor({ number, settled, end: { at, by, reason, sequence } }: EpochStep) {
    this.number = number;
    this.#settled = settled;
    this.#at = at;
    this.#by = by;
    this.#reason = reason;
    this.#sequence = sequence;
  }

  get history(): EpochHistory {
    const end = { at: this.#at, by: this.#by, reason: this.#reason, sequence: this.#sequence };
    return [{ number: this.number, settled: this.#settled, end }];
  }
}

export function firstEnd(
  session: StoredSession,
  ofUser: EpochHistory,
  ofEveryone: EpochHistory,
): SequencedEnd | undefined {
  const byUser = stepAfter(ofUser, session.epochs.user);
  const byEveryone = ofEveryone.length > 0 ? stepAfter(ofEveryone, session.epochs.everyone) : undefined;
  if (!byUser || !byEveryone) return (byUser ?? byEveryone)?.end;
  return byUser.end.sequence < byEveryone.end.sequence ? byUser.end : byEveryone.end;
}

/** The first step past a session's number. A higher number than the history's is of a commit just now visible. */
function stepAfter(history: EpochHistory, number: number): EpochStep | undefined {
  if (number >= numberOf(history)) return undefined;
  return history.find((step) => step.number > number);
}

export function isSettled(history: EpochHistory): boolean {
  return history.every((step) => step.settled);
}

export function numberOf(history: EpochHistory | undefined): number {
  return history?.at(-1)?.number ?? 0;
}

const everyoneScope = 'e';
const separator = '\u001f';

function rowKey(userId: UserId | undefined, number: number): string {
  const scope = userId === undefined ? everyoneScope : `u${userId}${separator}`;
  return `${scope}${String(number).padStart(12, '0')}`;
}

export function putStep(tables: Tables, userId: UserId | undefined, step: EpochStep): void {
  tables.epochs.put(rowKey(userId, step.number), [step.number, step.settled, userId ?? null, encodeEnd(step.end)]);
}

export function removeStep(tables: Tables, userId: UserId | undefined, step: EpochStep): void {
  tables.epochs.remove(rowKey(userId, step.number));
}

/** Reads all steps of all epochs: one for each end of all sessions, of a user or of everyone, that is still kept. */
export function loadEpochs(tables: Tables): EpochBook {
  const book = new EpochBook();
  const histories = new Map<UserId | null, EpochStep[]>();
  for (const { value } of tables.epochs.getRange()) {
    const [number, settled, userId, end] = value as [number, boolean, UserId | null, Row];
    const step = { number, settled, end: decodeEnd(end as unknown[]) };
    const history = histories.get(userId);
    if (history) history.push(step);
    else histories.set(userId, [step]);
  }
  book.everyone = histories.get(null) ?? [];
  histories.delete(null);
  const lastMoved = (history: EpochHistory) => history.at(-1)!.end.at;
  const inOrder = [...histories].sort(([, one], [, other]) => lastMoved(one) - lastMoved(other));
  for (const [userId, history] of inOrder) book.set(userId!, history);
  return book;
}
