import type { SessionId, UserId } from '../../domain/brand.ts';
import { nextDeadline, type StoredSession } from '../../domain/session.ts';
import type { Candidate, Scan } from '../commit.ts';
import { deadlineOf, decodeSession, encodeSession, nextCheckAtOf } from './codec.ts';
import type { Committer, Draft, State } from './commit.ts';
import { isSettled, numberOf } from './epochs.ts';
import { endedOfUser, idOfTimeKey, stateKeys, tagKeys, timeKey, userKey, userRange } from './keys.ts';
import { dueKeys } from './lists.ts';
import type { Pace } from './pace.ts';
import { readSlot } from './slots.ts';
import { fewest, turnOf } from './sweep.ts';
import { type Entry, idsUnder, prefetchEntries, type Tables } from './tables.ts';

/** How many sessions a walk over all of them examines in one turn, for each one that it may find. */
const looksPerFind = 20;
/** Of how many properties of a session the index entries are read in advance; it may have thousands of access groups. */
const mostTags = 20;

const nothing: Scan = { candidates: [], more: false, settle: async () => {} };

/** Finds the sessions whose ends a sweep has to record, in turns as short as those of the sweep. */
export class Scans {
  readonly #tables: Tables;
  readonly #state: State;
  readonly #committer: Committer;
  readonly #pace: Pace;
  /** The step of everyone's epoch that the walk over all sessions follows, and how far it has come. */
  #walk: { step: number; reached: SessionId | undefined } = { step: 0, reached: undefined };

  constructor(tables: Tables, state: State, committer: Committer, pace: Pace) {
    this.#tables = tables;
    this.#state = state;
    this.#committer = committer;
    this.#pace = pace;
  }

  /** Those whose deadline has passed. Those that have been active since get a later place. */
  async due(now: number, most: number): Promise<Scan> {
    return this.#prefetched(await this.#due(now, most));
  }

  /** Those that steps of users' epochs, or of everyone's, have passed. */
  async passed(most: number): Promise<Scan> {
    return this.#prefetched(this.#passed(most));
  }

  async #due(now: number, most: number): Promise<Scan> {
    const keys = [...dueKeys(this.#tables, now, most + 1)];
    await this.#tables.sessions.prefetch(keys.slice(0, most).map(idOfTimeKey));
    const isOver = turnOf(this.#pace);
    const [candidates, later]: [Candidate[], string[]] = [[], []];
    let more = false;
    for (const [looked, key] of keys.entries()) {
      more = looked === most || (looked >= fewest && isOver());
      if (more) break;
      const id = idOfTimeKey(key);
      const row = this.#tables.sessions.get(id);
      // Earlier versions may have left a key of a session that is not there any more.
      if (!row || deadlineOf(row) > now) {
        later.push(key);
        continue;
      }
      const stored = decodeSession(id, row);
      // The sweep moves those whose end is recorded when it follows the log.
      if (!stored.end) candidates.push(this.#candidate(stored));
    }
    await this.#committer.runInPieces(later, checkLater);
    return { candidates, more, settle: async () => {} };
  }

  #passed(most: number): Scan {
    const { epochs, fresh } = this.#state;
    if (epochs.isSettled) return nothing;
    const isOver = turnOf(this.#pace);
    const candidates: Candidate[] = [];
    const users: UserId[] = [];
    // They are found through the indexes, so all of them must be in there.
    const missing = (step: number, of: 'user' | 'everyone', oldest: { epochs: StoredSession['epochs'] } | undefined) =>
      oldest !== undefined && oldest.epochs[of] < step;
    for (const userId of epochs.unsettled) {
      const step = epochs.of(userId).user;
      const more =
        missing(step, 'user', fresh.oldestOf(userId)) || candidates.length >= most || (users.length > 0 && isOver());
      if (more) return this.#scan(candidates, users, true);
      for (const id of leftBehind(this.#tables, userKey(userId, epochs.of(userId)), userId, most - candidates.length)) {
        const row = this.#tables.sessions.get(id);
        if (row) candidates.push(this.#candidate(decodeSession(id, row)));
      }
      users.push(userId);
    }
    if (isSettled(epochs.everyone)) return this.#scan(candidates, users, candidates.length >= most);
    const step = numberOf(epochs.everyone);
    if (missing(step, 'everyone', fresh.oldest) || candidates.length >= most)
      return this.#scan(candidates, users, true);
    return this.#scanAll(candidates, users, step, most, isOver);
  }

  /** The same, with a piece of a walk over all sessions in the order of their ids. */
  #scanAll(candidates: Candidate[], users: readonly UserId[], step: number, most: number, isOver: () => boolean): Scan {
    if (this.#walk.step !== step) this.#walk = { step, reached: undefined };
    const { reached } = this.#walk;
    const from = reached === undefined ? {} : { start: reached, exclusiveStart: true };
    let [looked, last, more] = [0, reached, false];
    for (const { key, value: row } of this.#tables.sessions.getRange(from)) {
      const full = candidates.length >= most || looked === most * looksPerFind;
      more = full || (looked >= fewest && isOver());
      if (more) break;
      looked += 1;
      last = key as SessionId;
      const candidate = this.#candidate(decodeSession(last, row));
      if (candidate.snapshot.epochEnd) candidates.push(candidate);
    }
    const scan = this.#scan(candidates, users, more);
    const settle = async (damaged: ReadonlySet<SessionId>) => {
      await scan.settle(damaged);
      // If it has moved again, the walk begins again.
      if (this.#walk.step === step && more) this.#walk = { step, reached: last };
      else if (!more) await this.#committer.run((draft) => draft.settleSteps(undefined, step));
    };
    return { ...scan, settle };
  }

  #scan(candidates: readonly Candidate[], users: readonly UserId[], more: boolean): Scan {
    const settle = async () => {
      if (users.length === 0) return;
      await this.#committer.run((draft) => {
        // Sessions that were created in the same transaction are in no index yet.
        if (draft.createdAny) return;
        for (const userId of users) {
          const epochs = draft.epochsOf(userId);
          if (leftBehind(draft.tables, userKey(userId, epochs), userId, 1).length > 0) continue;
          draft.settleSteps(userId, epochs.user);
        }
      });
    };
    return { candidates, more, settle };
  }

  /** Reads what a transaction that moves these sessions to the past needs besides their rows. */
  async #prefetched(scan: Scan): Promise<Scan> {
    const { live, past, ended } = this.#tables;
    const [ofLive, ofPast]: [Entry[], Entry[]] = [[], []];
    for (const { snapshot } of scan.candidates) {
      const { stored } = snapshot;
      const tags = tagKeys(stored).slice(0, mostTags);
      for (const key of [...stateKeys(stored), ...tags, endedOfUser(stored.userId)])
        ofLive.push({ key, value: stored.id });
      for (const key of tags) ofPast.push({ key, value: stored.id });
    }
    const ids = scan.candidates.map(({ snapshot }) => snapshot.stored.id);
    await Promise.all([prefetchEntries(live, ofLive), prefetchEntries(past, ofPast), ended.prefetch(ids)]);
    return scan;
  }

  #candidate(stored: StoredSession): Candidate {
    const epochEnd = stored.end ? undefined : this.#state.epochs.endOf(stored);
    return { snapshot: { stored, epochEnd }, slot: stored.name && readSlot(this.#tables, stored.name) };
  }
}

/** Live sessions of a user under other epochs than the present ones. */
function leftBehind({ live }: Tables, present: string, userId: UserId, limit: number): SessionId[] {
  const found: SessionId[] = [];
  for (const key of live.getKeys(userRange(userId))) {
    if (key === present || key === endedOfUser(userId)) continue;
    found.push(...idsUnder(live, key, limit - found.length));
    if (found.length >= limit) break;
  }
  return found;
}

/**
 * Plans the next check of sessions that have been active since the last one was planned. `keys`: of the checks that are due,
 * which earlier versions may have planned for another time than the one in the session's row.
 */
function checkLater(draft: Draft, keys: readonly string[]): void {
  const { sessions, deadlines } = draft.tables;
  for (const key of keys) {
    deadlines.remove(key);
    const id = idOfTimeKey(key);
    const row = sessions.get(id);
    if (!row) continue;
    const stored = decodeSession(id, row);
    const next = nextDeadline(stored);
    deadlines.remove(timeKey(nextCheckAtOf(row), id));
    deadlines.put(timeKey(next, id), true);
    sessions.put(id, encodeSession(stored, next));
  }
}
