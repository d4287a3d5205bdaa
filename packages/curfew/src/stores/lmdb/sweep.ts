import type { SessionId, UserId } from '../../domain/brand.ts';
import { second } from '../../domain/limits.ts';
import type { SequencedEnd } from '../../domain/reasons.ts';
import { endOf, nextDeadline } from '../../domain/session.ts';
import type { SweepOutcome, SweepTask } from '../contract.ts';
import { armedOf, decodeEvent, decodeSession, encodeSession, type Row } from './codec.ts';
import type { Draft, State } from './commit.ts';
import { type EpochHistory, numberOf } from './epochs.ts';
import type { Placement } from './fresh.ts';
import { endedOfUser, endOfTime, idOfTimeKey, stateKeys, tagKeys, timeKey, userKey, userRange } from './keys.ts';
import { dueSessions, hasLive, unburied } from './lists.ts';
import { end } from './sessions.ts';
import { letGoOfName } from './slots.ts';
import { idsUnder, putInOrder } from './tables.ts';

/** Sessions that a walk over all of them looks at in one piece of work, for each that it may write down. */
const looksPerWrite = 20;
/** Entries of indexes that are written in one piece of work, for each session that it may write down. */
const placementsPerWrite = 8;
/** So many sessions are placed at once, or those that have been waiting for so many milliseconds. */
const manyFresh = 20_000;
const freshFor = 10 * second;

/**
 * Milliseconds that each kind of work may take in one piece: everybody else waits meanwhile, and very many sessions may
 * have come to their end at once. A few are dealt with in any case, so that there is an end to it.
 */
const longestTurn = 5;
const fewest = 50;

/** Says, from now on, whether that time is over. */
function turn(): () => boolean {
  const until = performance.now() + longestTurn;
  return () => performance.now() >= until;
}

/**
 * Tidies up in pieces. What is to be done is looked up before the transaction and looked at again inside it, so the
 * transaction is short and nothing is done twice.
 */
export class Sweeper {
  readonly #state: State;
  /** How far the walk over all sessions has come that writes down the ends of everyone's epoch. */
  #walked: SessionId | undefined;
  /** What is still to be written of the placing that was begun. */
  #toPlace: Iterator<Placement, void> | undefined;
  /** What the last piece was written into: when that did not become visible, nothing it came past was done. */
  #last: Draft | undefined;

  constructor(state: State) {
    this.#state = state;
  }

  sweep(draft: Draft, task: SweepTask): SweepOutcome {
    const { batch, now } = task;
    if (this.#last && this.#last !== draft && !this.#last.published) this.#beginAnew();
    this.#last = draft;
    const placing = this.#place(draft, now, batch);
    const expired = this.#expire(draft, now, batch);
    const settled = this.#settle(draft, now, batch);
    const buried = this.#buryEnded(draft, batch);
    const forgotten = this.#forget(draft, now - task.keepEnded, batch);
    const trimmed = this.#trim(draft, now - task.keepEnded, now - task.keepEvents, batch);
    this.#forgetEpochs(draft, now - task.keepEnded);
    return {
      expired: expired.ended,
      settled: settled.ended,
      forgotten: forgotten.count,
      more: expired.more || settled.more || buried || placing || forgotten.more || trimmed,
    };
  }

  #beginAnew(): void {
    this.#walked = undefined;
    this.#toPlace = undefined;
  }

  /** Looks at sessions whose deadline has come: ends them, or arms those anew that were active meanwhile. */
  #expire(draft: Draft, now: number, batch: number): { ended: number; more: boolean } {
    const isOver = turn();
    let ended = 0;
    for (let looked = 0; looked < batch && !isOver(); ) {
      const size = Math.min(fewest, batch - looked);
      const due = [...dueSessions(draft.tables, now, size)];
      for (const id of due) if (this.#expireOne(draft, id, now)) ended += 1;
      if (due.length < size) return { ended, more: false };
      looked += due.length;
    }
    return { ended, more: true };
  }

  /** Answers whether it was its deadline that a session ended by. */
  #expireOne(draft: Draft, id: SessionId, now: number): boolean {
    const { sessions, deadlines } = draft.tables;
    const row = sessions.get(id)!;
    const stored = decodeSession(id, row);
    const found = endOf(stored, draft.epochEnd(stored), now);
    if (found) {
      this.#settleOne(draft, id, now);
      return found.sequence === undefined;
    }
    const next = nextDeadline(stored);
    deadlines.remove(timeKey(armedOf(row), id));
    deadlines.put(timeKey(next, id), true);
    sessions.put(id, encodeSession(stored, next));
    return false;
  }

  /** Writes down, session by session, what an epoch ended at once. */
  #settle(draft: Draft, now: number, batch: number): { ended: number; more: boolean } {
    let ended = 0;
    const isOver = turn();
    // What an epoch left behind is found through the indexes: all of it must stand there.
    if (draft.createdAny) return { ended, more: true };
    const { epochs, fresh } = this.#state;
    for (const [userId, history] of epochs.users) {
      if (history.every((step) => step.settled)) continue;
      const oldest = fresh.oldestOf(userId);
      if (oldest && oldest.epochs.user < numberOf(history)) return { ended, more: true };
      for (const id of this.#leftBehind(draft, userId, batch - ended)) {
        this.#settleOne(draft, id, now);
        ended += 1;
        if (isOver()) return { ended, more: true };
      }
      if (ended >= batch) return { ended, more: true };
      draft.rewriteHistory(
        userId,
        draft.historyOf(userId).map((step) => ({ ...step, settled: true })),
      );
    }
    const everyone = draft.historyOf(undefined);
    if (everyone.every((step) => step.settled)) return { ended, more: false };
    if (fresh.oldest && fresh.oldest.epochs.everyone < numberOf(everyone)) return { ended, more: true };
    return this.#settleEveryone(draft, now, batch, ended, isOver);
  }

  /** Live sessions of a user under earlier epochs than the present ones. */
  #leftBehind(draft: Draft, userId: UserId, limit: number): SessionId[] {
    const { live } = draft.tables;
    const present = userKey(userId, draft.epochsOf(userId));
    const found: SessionId[] = [];
    for (const key of live.getKeys(userRange(userId))) {
      if (key === present || key === endedOfUser(userId)) continue;
      found.push(...idsUnder(live, key, limit - found.length));
      if (found.length >= limit) break;
    }
    return found;
  }

  /** A walk over all sessions in the order of their ids, a piece at a time, from where the last one stopped. */
  #settleEveryone(
    draft: Draft,
    now: number,
    batch: number,
    already: number,
    isOver: () => boolean,
  ): { ended: number; more: boolean } {
    const { sessions } = draft.tables;
    const from = this.#walked === undefined ? {} : { start: this.#walked, exclusiveStart: true };
    const ids = [...sessions.getKeys({ ...from, limit: batch * looksPerWrite })] as SessionId[];
    let ended = already;
    for (const id of ids) {
      if (ended >= batch) return { ended, more: true };
      if (this.#settleOne(draft, id, now)) ended += 1;
      this.#walked = id;
      if (isOver()) return { ended, more: true };
    }
    if (ids.length === batch * looksPerWrite) return { ended, more: true };
    this.#walked = undefined;
    draft.rewriteHistory(
      undefined,
      draft.historyOf(undefined).map((step) => ({ ...step, settled: true })),
    );
    return { ended, more: false };
  }

  /** Writes down how a session ended that nothing was written down of, and moves it to the past. */
  #settleOne(draft: Draft, id: SessionId, now: number): boolean {
    const row = draft.tables.sessions.get(id);
    const stored = row && decodeSession(id, row);
    const found = stored && endOf(stored, draft.epochEnd(stored), now);
    if (!found) return false;
    const { sequence } = found;
    bury(draft, id, sequence === undefined ? end(draft, stored, found, now) : { ...found, sequence }, now);
    return true;
  }

  /** Moves those to the past whose end was written down since the last time. Answers whether there is more. */
  #buryEnded(draft: Draft, batch: number): boolean {
    const isOver = turn();
    const { buried } = draft.progress;
    const last = Math.min(draft.head, buried + batch);
    let through = buried;
    while (through < last && !isOver()) {
      const upTo = Math.min(last, through + fewest);
      for (const { id, at } of unburied(draft.tables, through, upTo)) {
        const row = draft.tables.sessions.get(id);
        const ended = row && decodeSession(id, row).end;
        if (ended) bury(draft, id, ended, at);
      }
      through = upTo;
    }
    if (through > buried) draft.progress = { ...draft.progress, buried: through };
    return through < draft.head;
  }

  /** Places fresh sessions in the indexes, a piece at a time. Answers whether there is more to place now. */
  #place(draft: Draft, now: number, batch: number): boolean {
    const { live, deadlines } = draft.tables;
    const { fresh, lastEvent } = this.#state;
    if (!this.#toPlace && this.#placingIsDue(now)) {
      this.#toPlace = fresh.placements();
      draft.progress = { ...draft.progress, begun: lastEvent };
    }
    const due: [string, true][] = [];
    const isOver = turn();
    for (let left = batch * placementsPerWrite; this.#toPlace && left > 0 && !isOver(); left--) {
      const { value: entry, done } = this.#toPlace.next();
      if (done) this.#toPlace = undefined;
      // Whatever has changed a session since has placed it.
      else if (!draft.isFresh(entry.id)) continue;
      else if ('deadline' in entry) due.push([entry.deadline, true]);
      else {
        live.put(entry.key, entry.id);
        if (entry.last) draft.placed(entry.id);
      }
    }
    putInOrder(deadlines, due);
    let placed = lastEvent;
    for (const { id, told } of fresh) {
      if (!draft.isFresh(id)) continue;
      placed = told - 1;
      break;
    }
    if (placed > draft.progress.placed) draft.progress = { ...draft.progress, placed };
    return this.#toPlace !== undefined;
  }

  /** Many at a time are cheaper; but none waits for long, and what an epoch left behind must be found. */
  #placingIsDue(now: number): boolean {
    const { fresh, epochs } = this.#state;
    if (!fresh.oldest) return false;
    if (fresh.size >= manyFresh || now - fresh.oldest.createdAt >= freshFor) return true;
    const unsettled = (history: EpochHistory) => history.some((step) => !step.settled);
    return unsettled(epochs.everyone) || [...epochs.users.values()].some(unsettled);
  }

  /** Forgets ended sessions whose end was written down before `until`. */
  #forget(draft: Draft, until: number, batch: number): { count: number; more: boolean } {
    const { graves } = draft.tables;
    const isOver = turn();
    let count = 0;
    while (count < batch && !isOver()) {
      const size = Math.min(fewest, batch - count);
      const old = [...graves.getKeys({ end: endOfTime(until), limit: size })];
      for (const key of old) forgetOne(draft, key);
      count += old.length;
      if (old.length < size) return { count, more: false };
    }
    return { count, more: true };
  }

  /** Cuts the old ends off the log and the events; their numbering goes on. Answers whether there is more. */
  #trim(draft: Draft, logUntil: number, eventsUntil: number, batch: number): boolean {
    const { log, events } = draft.tables;
    const limit = batch * 4;
    // What the sweep still has to follow is kept for that, however old. Both stand in the order of time. Of the log the
    // newest that is old stays: whoever has read it finds it there, and knows that what follows it follows.
    const entries = oldest(
      log.getRange({ limit: limit + 1, end: draft.progress.buried + 1 }),
      ([at]) => (at as number) <= logUntil,
    ).slice(0, -1);
    const isCut = remove(log, entries);
    const told = oldest(
      events.getRange({ limit, end: draft.progress.placed + 1 }),
      (row) => decodeEvent(row).at <= eventsUntil,
    );
    if (told.length > 0) draft.keepCounters();
    const isToldCut = remove(events, told);
    return isCut || isToldCut || entries.length === limit || told.length === limit;
  }

  /**
   * Forgets steps that are written down everywhere and old. The last one carries the present number, so it stays as
   * long as a live session is stamped with it; everyone's stays for good.
   */
  #forgetEpochs(draft: Draft, until: number): void {
    for (const [userId, history] of this.#state.epochs.users) {
      if (!history.every((step) => step.settled && step.end.at <= until)) continue;
      const kept = hasLive(draft.tables, this.#state, userId) ? history.slice(-1) : [];
      if (kept.length < history.length) draft.rewriteHistory(userId, kept);
    }
    const everyone = draft.historyOf(undefined);
    if (everyone.length > 1 && everyone.every((step) => step.settled && step.end.at <= until)) {
      draft.rewriteHistory(undefined, everyone.slice(-1));
    }
  }
}

/** The keys from the start of a range up to the first row that is not old. */
function oldest(range: Iterable<{ key: number; value: Row }>, isOld: (row: Row) => boolean): number[] {
  const keys: number[] = [];
  for (const { key, value } of range) {
    if (!isOld(value)) break;
    keys.push(key);
  }
  return keys;
}

/** Forgets the tombstone of a grave. */
function forgetOne(draft: Draft, grave: string): void {
  const { ended, live, past, graves } = draft.tables;
  const id = idOfTimeKey(grave);
  const stored = decodeSession(id, ended.get(id)!);
  for (const index of stateKeys(stored)) live.remove(index, id);
  for (const index of tagKeys(stored)) past.remove(index, id);
  ended.remove(id);
  graves.remove(grave);
}

/** Removes keys from the first on; answers whether some are left for the next time. */
function remove(table: { remove(key: number): unknown }, keys: readonly number[]): boolean {
  const isOver = turn();
  for (const [i, key] of keys.entries()) {
    table.remove(key);
    if (isOver()) return i + 1 < keys.length;
  }
  return false;
}

/** Moves a session whose end is written down, or is now, from the tables of the living to those of the past. */
function bury(draft: Draft, id: SessionId, why: SequencedEnd, writtenAt: number): void {
  const { sessions, ended, live, past, deadlines, graves } = draft.tables;
  const row = sessions.get(id)!;
  const stored = decodeSession(id, row);
  // From now on it stands where the past does: nothing is left to be placed.
  draft.placed(id);
  const tombstone = stored.end ? stored : { ...stored, end: why, version: stored.version + 1 };
  for (const key of [...stateKeys(stored), ...tagKeys(stored)]) live.remove(key, id);
  for (const key of stateKeys(tombstone)) live.put(key, id);
  for (const key of tagKeys(tombstone)) past.put(key, id);
  sessions.remove(id);
  deadlines.remove(timeKey(armedOf(row), id));
  ended.put(id, encodeSession(tombstone, armedOf(row)));
  graves.put(timeKey(writtenAt, id), true);
  if (stored.name !== undefined) letGoOfName(draft, stored.name, id);
}
