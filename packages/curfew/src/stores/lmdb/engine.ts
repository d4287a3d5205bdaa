import type { SessionId, SessionName, UserId } from '../../domain/brand.ts';
import type { NamedSession } from '../../domain/named.ts';
import { type Epochs, nextDeadline, type StoredSession } from '../../domain/session.ts';
import type { Change, Engine, Found, Outcome, SessionRow, SessionsOfUser, SlotRow } from '../commit.ts';
import type { SessionSnapshot } from '../contract.ts';
import { decodeSession, encodeSession, lastSeenOf, type Row, versionOf } from './codec.ts';
import { type Committer, closedError, type Draft, type State } from './commit.ts';
import { readFault } from './faults.ts';
import { suspendedOfUser, userKey } from './keys.ts';
import { insert, rewrite } from './sessions.ts';
import { readSlot } from './slots.ts';
import { idsUnder, type Tables } from './tables.ts';

/** The engine on LMDB: what each operation means is defined in `../commit.ts`. */
export class LmdbEngine implements Engine {
  readonly #tables: Tables;
  readonly #state: State;
  readonly #committer: Committer;

  constructor(tables: Tables, state: State, committer: Committer) {
    this.#tables = tables;
    this.#state = state;
    this.#committer = committer;
  }

  commit(change: Change): Promise<Outcome> {
    const write = (draft: Draft) => apply(draft, change);
    return change.urgent ? this.#committer.runUrgent(write) : this.#committer.run(write);
  }

  readSession = (id: SessionId): Promise<SessionSnapshot | undefined> => this.read(() => this.#find(id));

  readSessionsOf = (userId: UserId): Promise<SessionsOfUser> =>
    this.read(() => {
      const { epochs, fresh, revisions } = this.#state;
      const { sessions, live } = this.#tables;
      const present = epochs.of(userId);
      const key = userKey(userId, present);
      const placed = idsUnder(live, key);
      const unplaced = fresh.under(key);
      // While the sweep places some, they are in both for a moment; and a row may show more than the state in memory.
      const ids = unplaced.size === 0 ? placed : [...new Set([...placed, ...unplaced])].sort();
      const found = ids.flatMap((id) => {
        const row = sessions.get(id);
        return row ? [decodeSession(id, row)] : [];
      });
      return { on: { userId, ...present, revision: revisions.of(userId) }, sessions: found.filter(({ end }) => !end) };
    });

  readSlot = (name: SessionName): ReturnType<Engine['readSlot']> =>
    this.read(() => {
      const slot = readSlot(this.#tables, name);
      return { slot, held: slot?.sessionId && this.#find(slot.sessionId) };
    });

  head = (): Promise<number> => this.read(() => this.#state.head);

  epochsOf(userId: UserId): Epochs {
    return this.#state.epochs.of(userId);
  }

  durable(): Promise<void> {
    return this.#committer.settled();
  }

  /** @throws `store_unavailable` if the store is closed, `store_damaged` if a row cannot be read */
  async read<T>(read: () => T | Promise<T>): Promise<T> {
    if (this.#committer.isClosed) throw closedError();
    try {
      return await read();
    } catch (error) {
      throw readFault(error);
    }
  }

  #find(id: SessionId): SessionSnapshot | undefined {
    const { sessions, ended } = this.#tables;
    const row = sessions.get(id) ?? ended.get(id);
    const stored = row && decodeSession(id, row);
    return stored && { stored, epochEnd: stored.end ? undefined : this.#state.epochs.endOf(stored) };
  }
}

/** Writes a change, if what it was decided on still holds; everything is checked before anything is written. */
export function apply(draft: Draft, change: Change): Outcome {
  const { at, on, rows = [], step, count, log = [], events = [] } = change;
  const there = standing(draft, change);
  if (!there) return { kind: 'conflict', found: foundOf(draft, change) };
  const ended = step ? activeUnder(draft, step.userId) - step.left : 0;
  const sequences = log.map((scope) => draft.log(scope, at));
  if (step) {
    draft.moveEpoch(step.userId, { ...step.end, sequence: sequences[0]! });
    draft.active -= ended;
    draft.event({ ...step.event, details: { ...step.event.details, ended } });
  }
  const made = new Map<SessionId, StoredSession>();
  for (const row of rows) {
    if (row.before === row.after) continue;
    if (row.table === 'slots') putSlot(draft, row);
    else if (!row.before) made.set(row.after.id, row.after);
    else rewrite(draft, there.get(row.after.id)!, row.before, sequenced(row, sequences));
  }
  for (const event of events) {
    draft.event(event);
    const session = event.type === 'session.created' ? made.get(event.sessionId!) : undefined;
    if (!session || session.suspended || session.end) continue;
    // The sweep finds it by the event, and places it in the indexes.
    draft.created(session, encodeSession(session, nextDeadline(session)));
    made.delete(session.id);
  }
  for (const session of made.values()) insert(draft, session);
  if (count !== undefined) {
    draft.active += count;
    draft.revise(on!.userId);
  }
  return { kind: 'committed', sequences, ended };
}

/** The rows of the sessions that a change names; `undefined` if it was decided on something else than what is there. */
function standing(draft: Draft, { on, rows = [] }: Change): ReadonlyMap<SessionId, Row | undefined> | undefined {
  if (on) {
    const { user, everyone } = draft.epochsOf(on.userId);
    if (on.user !== user || on.everyone !== everyone) return undefined;
    if (on.revision !== undefined && on.revision !== draft.revisionOf(on.userId)) return undefined;
  }
  const there = new Map<SessionId, Row | undefined>();
  for (const row of rows) {
    if (row.table === 'slots') {
      if (!isSlotOf(draft, row)) return undefined;
      continue;
    }
    const { before, after, untouched } = row;
    const found = draft.rowOf(after.id);
    if ((found && versionOf(found)) !== before?.version) return undefined;
    if (untouched && lastSeenOf(found!) !== before!.lastSeenAt) return undefined;
    there.set(after.id, found);
  }
  return there;
}

/** A name that was given up and taken again has an earlier version again, but another session. */
function isSlotOf(draft: Draft, { before, after }: SlotRow): boolean {
  const slot = readSlot(draft.tables, (before ?? after)!.name);
  return slot?.version === before?.version && slot?.sessionId === before?.sessionId;
}

function putSlot({ tables: { slots } }: Draft, { before, after }: SlotRow): void {
  if (after) slots.put(after.name, after);
  else slots.remove(before!.name);
}

/** The session after a change, with the sequence of its end. */
function sequenced({ after, entry }: SessionRow, sequences: readonly number[]): StoredSession {
  return after.end && entry !== undefined ? { ...after, end: { ...after.end, sequence: sequences[entry]! } } : after;
}

function foundOf(draft: Draft, { on, rows = [] }: Change): Found {
  const sessions = new Map<SessionId, SessionSnapshot>();
  const slots = new Map<SessionName, NamedSession>();
  for (const row of rows) {
    if (row.table === 'slots') {
      const slot = readSlot(draft.tables, (row.before ?? row.after)!.name);
      if (slot) slots.set(slot.name, slot);
      continue;
    }
    const { id } = row.after;
    const found = draft.rowOf(id);
    if (!found) continue;
    const stored = decodeSession(id, found);
    sessions.set(id, { stored, epochEnd: stored.end ? undefined : draft.epochEnd(stored) });
  }
  const { userId } = on ?? {};
  const now = userId && { userId, ...draft.epochsOf(userId), revision: draft.revisionOf(userId) };
  return { sessions, slots, on: now };
}

/**
 * The sessions of a user, or (`undefined`) of all, that no epoch has ended and that are not suspended, whatever their
 * deadlines. Those in the index are counted unread.
 */
function activeUnder(draft: Draft, userId: UserId | undefined): number {
  if (userId === undefined) return draft.active;
  const { live } = draft.tables;
  const epochs = draft.epochsOf(userId);
  const placed = live.getValuesCount(userKey(userId, epochs)) - live.getValuesCount(suspendedOfUser(userId, epochs));
  return placed + draft.freshUnder(userId, epochs).length;
}
