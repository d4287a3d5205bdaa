import { nameOfAlias } from '../../domain/alias.ts';
import type { UserId } from '../../domain/brand.ts';
import { second } from '../../domain/limits.ts';
import type { SweepTask } from '../contract.ts';
import { decodeEvent, decodeSession, type Row } from './codec.ts';
import type { Draft, State } from './commit.ts';
import { type EpochHistory, isSettled } from './epochs.ts';
import { forgetTimes, recordTimes } from './events.ts';
import type { Placement } from './fresh.ts';
import { endOfTime, idOfTimeKey, stateKeys, tagKeys, userRange } from './keys.ts';
import { unburied } from './lists.ts';
import type { Pace } from './pace.ts';
import { archive, recordedAt } from './sessions.ts';
import { puttingInOrder, type Tables } from './tables.ts';

/** How many index entries one piece writes, for each session that it may write. */
const placementsPerWrite = 8;
/** Sessions are placed when this many are waiting, or one has waited for this many milliseconds. */
const manyFresh = 20_000;
const freshFor = 10 * second;

/** How many one piece always handles, whatever its time, so that the sweep makes progress. */
export const fewest = 4;
/** How many neighbouring rows are removed before it looks at the time. */
const rowsAtOnce = 20;

/** Whether the time of a piece has run out. */
type IsOver = () => boolean;

export function turnOf({ clock, turn }: Pace): IsOver {
  const until = clock() + turn;
  return () => clock() >= until;
}

/** Cleans up in pieces, each in one transaction. */
export class Sweeper {
  readonly #state: State;
  readonly #pace: Pace;
  /** The kind of work that is next, and whether an earlier one in this round has left something to do. */
  #next = 0;
  #left = false;
  #task: SweepTask | undefined;
  /** The rest of the placing in progress. */
  #toPlace: Iterator<Placement | undefined, void> | undefined;
  /** The draft of the last piece: if that did not become visible, nothing that the piece covered was done. */
  #last: Draft | undefined;

  constructor(state: State, pace: Pace) {
    this.#state = state;
    this.#pace = pace;
  }

  /** There is new work: a round that is going on is not the last one. */
  wake(): void {
    if (this.#next > 0) this.#left = true;
  }

  /**
   * One piece of work. If its time runs out before all kinds of work have had their turn, the next piece continues with
   * the others, so that each has its share. The sweep has finished after a round that left nothing.
   */
  sweep(draft: Draft, task: SweepTask): { forgotten: number; more: boolean } {
    const { batch, now } = task;
    if (this.#last && this.#last !== draft && !this.#last.published) this.#beginAnew();
    this.#last = draft;
    // Work that was checked at an earlier time is checked again; the kinds of work keep their turn.
    if (!isSame(task, this.#task)) this.wake();
    this.#task = task;
    const isOver = turnOf(this.#pace);
    const outcome = { forgotten: 0 };
    const kinds: (() => boolean)[] = [
      () => this.#place(draft, now, batch, isOver),
      () => this.#buryEnded(draft, batch, isOver),
      () => this.#forget(draft, now - task.keepEnded, batch, isOver, outcome),
      () => this.#trim(draft, now - task.keepEnded, now - task.keepEvents, batch, isOver),
      () => this.#recordTimes(draft, batch, isOver),
      () => this.#forgetEpochs(draft, now - task.keepEnded, batch, isOver),
    ];
    for (let done = 0; done < kinds.length; done++) {
      if (kinds[this.#next]!()) this.#left = true;
      this.#next += 1;
      if (this.#next === kinds.length) {
        const more = this.#left;
        this.#beginRound();
        if (!more) return { ...outcome, more };
      }
      if (isOver()) break;
    }
    return { ...outcome, more: true };
  }

  #beginRound(): void {
    this.#next = 0;
    this.#left = false;
  }

  #beginAnew(): void {
    this.#beginRound();
    this.#toPlace = undefined;
  }

  /** Moves the sessions whose end was recorded since the last time to the past. Returns whether there are more. */
  #buryEnded(draft: Draft, batch: number, isOver: IsOver): boolean {
    const { buried } = draft.progress;
    const last = Math.min(draft.head, buried + batch);
    let through = buried;
    while (through < last) {
      const upTo = Math.min(last, through + fewest);
      for (const id of unburied(draft.tables, through, upTo)) {
        const row = draft.tables.sessions.get(id);
        const stored = row && decodeSession(id, row);
        if (row && stored?.end) archive(draft, row, stored, stored, recordedAt(draft.tables, stored.end));
      }
      through = upTo;
      if (isOver()) break;
    }
    if (through > buried) draft.progress = { ...draft.progress, buried: through };
    return through < draft.head;
  }

  /** Places fresh sessions in the indexes, a piece at a time. Returns whether it placed some, for the scans to find. */
  #place(draft: Draft, now: number, batch: number, isOver: IsOver): boolean {
    const { live, deadlines } = draft.tables;
    const { fresh, lastEvent } = this.#state;
    if (!this.#toPlace && this.#placingIsDue(now)) {
      this.#toPlace = fresh.placements();
      draft.progress = { ...draft.progress, begun: lastEvent };
    }
    const placing = this.#toPlace !== undefined;
    const putDeadline = puttingInOrder(deadlines);
    for (let written = 0; this.#toPlace && written < batch * placementsPerWrite; written++) {
      if (written >= fewest && isOver()) break;
      const { value: entry, done } = this.#toPlace.next();
      if (done) this.#toPlace = undefined;
      // Sorting is still in progress, or a change of the session has placed it meanwhile.
      else if (!entry || !draft.isFresh(entry.id)) continue;
      else if ('deadline' in entry) putDeadline(entry.deadline, true);
      else {
        live.put(entry.key, entry.id);
        if (entry.last) draft.placed(entry.id);
      }
    }
    let placed = lastEvent;
    for (const { id, told } of fresh) {
      if (!draft.isFresh(id)) continue;
      placed = told - 1;
      break;
    }
    if (placed > draft.progress.placed) draft.progress = { ...draft.progress, placed };
    return placing;
  }

  /** Many at once are cheaper to place; but none waits long, and sessions that an epoch left behind must be found. */
  #placingIsDue(now: number): boolean {
    const { fresh, epochs } = this.#state;
    if (!fresh.oldest) return false;
    return fresh.size >= manyFresh || now - fresh.oldest.createdAt >= freshFor || !epochs.isSettled;
  }

  /** Deletes ended sessions whose end was recorded before `until`. */
  #forget(draft: Draft, until: number, batch: number, isOver: IsOver, outcome: { forgotten: number }): boolean {
    const { graves } = draft.tables;
    while (outcome.forgotten < batch) {
      const size = Math.min(fewest, batch - outcome.forgotten);
      const old = [...graves.getKeys({ end: endOfTime(until), limit: size })];
      for (const key of old) forgetSteps(draft, forgetOne(draft, key), until);
      outcome.forgotten += old.length;
      if (old.length < size) return false;
      if (isOver()) break;
    }
    return true;
  }

  /** Trims the old entries of the log and the events, whose numbering continues. Returns whether there are more. */
  #trim(draft: Draft, logUntil: number, eventsUntil: number, batch: number, isOver: IsOver): boolean {
    const { log, events } = draft.tables;
    const { buried, placed } = draft.progress;
    // Entries that the sweep still has to follow are kept, however old. Both are in order of time. Of the old log
    // entries the newest stays: a reader that has it finds it there, and knows that the next entries continue it.
    const isOldEntry = ([at]: Row) => (at as number) <= logUntil;
    const entries = cut(log, { upTo: buried, isOld: isOldEntry, spared: 1, most: batch * 4 }, isOver);
    const isOldEvent = (row: Row) => decodeEvent(row).at <= eventsUntil;
    const told = cut(events, { upTo: placed, isOld: isOldEvent, spared: 0, most: batch * 4 }, isOver);
    // The last of them may be the one with the counters.
    if (told.count > 0) draft.keepCounters();
    return entries.more || told.more;
  }

  /** Records the times of complete blocks of events. Returns whether there are more. */
  #recordTimes(draft: Draft, batch: number, isOver: IsOver): boolean {
    forgetTimes(draft, batch);
    while (recordTimes(draft, this.#state.lastEvent)) if (isOver()) return true;
    return false;
  }

  /** Deletes steps that have become old; everyone's last one always stays. */
  #forgetEpochs(draft: Draft, until: number, batch: number, isOver: IsOver): boolean {
    const everyone = draft.historyOf(undefined);
    if (everyone.length > 1 && isOld(everyone, until)) draft.rewriteHistory(undefined, everyone.slice(-1));
    let looked = 0;
    for (const userId of this.#state.epochs.aging) {
      const history = draft.historyOf(userId);
      if (history.length > 0 && !isOld(history, until)) return false;
      forgetSteps(draft, userId, until);
      // From then on, the user's history is deleted together with the last tombstone.
      draft.setAside(userId);
      looked += 1;
      if (looked === batch || (looked % fewest === 0 && isOver())) return true;
    }
    return false;
  }
}

function isSame(one: SweepTask, other: SweepTask | undefined): boolean {
  return (Object.keys(one) as (keyof SweepTask)[]).every((key) => one[key] === other?.[key]);
}

/** Whether no session that a history ended can need it: all have a recorded end, and the last step is old. */
function isOld(history: EpochHistory, until: number): boolean {
  return history.at(-1)!.end.at <= until && isSettled(history);
}

/** Deletes a user's old steps. The last one has the current number, so it stays as long as any session of the user. */
function forgetSteps(draft: Draft, userId: UserId, until: number): void {
  const history = draft.historyOf(userId);
  if (history.length === 0 || !isOld(history, until)) return;
  const kept = hasSessions(draft, userId) ? history.slice(-1) : [];
  if (kept.length < history.length) draft.rewriteHistory(userId, kept);
}

/** Whether the store has any session of a user, live or ended. */
function hasSessions(draft: Draft, userId: UserId): boolean {
  if (draft.hasFresh(userId)) return true;
  return [...draft.tables.live.getKeys({ ...userRange(userId), limit: 1 })].length > 0;
}

/** The old rows at the start of a table, up to a key, except for the newest ones to spare. */
type Cut = { upTo: number; isOld: (row: Row) => boolean; spared: number; most: number };

/** Removes a bounded number of old rows from the start of a table. */
function cut(
  table: Tables['log'],
  { upTo, isOld, spared, most }: Cut,
  isOver: IsOver,
): { count: number; more: boolean } {
  for (let count = 0; ; ) {
    const size = Math.min(rowsAtOnce, most - count);
    const old: number[] = [];
    for (const { key, value } of table.getRange({ limit: size + spared, end: upTo + 1 })) {
      if (!isOld(value)) break;
      old.push(key);
    }
    const going = old.slice(0, Math.max(0, old.length - spared));
    for (const key of going) table.remove(key);
    count += going.length;
    if (going.length < size) return { count, more: false };
    if (count === most || isOver()) return { count, more: true };
  }
}

/** Deletes the tombstone of a grave. Returns whose it was. */
function forgetOne(draft: Draft, grave: string): UserId {
  const { ended, live, past, graves, aliases } = draft.tables;
  const id = idOfTimeKey(grave);
  const stored = decodeSession(id, ended.get(id)!);
  for (const index of stateKeys(stored)) live.remove(index, id);
  for (const index of tagKeys(stored)) past.remove(index, id);
  for (const alias of stored.aliases) aliases.remove(nameOfAlias(alias));
  ended.remove(id);
  graves.remove(grave);
  return stored.userId;
}
