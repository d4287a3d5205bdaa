import type { SessionId } from '../../domain/brand.ts';
import { storeEvents } from '../../domain/events.ts';
import type { End, SequencedEnd } from '../../domain/reasons.ts';
import { nextDeadline, type StoredSession, touch } from '../../domain/session.ts';
import { decodeLog, decodeSession, encodeSession, lastSeenOf, nextCheckAtOf } from './codec.ts';
import type { Draft } from './commit.ts';
import { groupKey, stateKeys, tagKeys, timeKey } from './keys.ts';
import type { Tables } from './tables.ts';

/** A session, live or ended, as it is in the tables. */
export function find(tables: Tables, id: SessionId): StoredSession | undefined {
  const row = tables.sessions.get(id) ?? tables.ended.get(id);
  return row && decodeSession(id, row);
}

/** Writes the log entry and the event of an end; the caller writes the session. */
export function tellEnd(draft: Draft, stored: StoredSession, why: End, now: number): SequencedEnd {
  const sequence = draft.log({ sessionId: stored.id }, now);
  draft.event(storeEvents.ended(stored, why));
  return { at: why.at, by: why.by, reason: why.reason, sequence };
}

/** When the end of a session that is not buried yet was recorded: its entry is in the log until then. */
export function recordedAt(tables: Tables, { sequence, at }: SequencedEnd): number {
  const row = tables.log.get(sequence);
  return row ? decodeLog(sequence, row).at : at;
}

export function touchAll(draft: Draft, activities: readonly { id: SessionId; at: number }[]): void {
  for (const { id, at } of activities) {
    const row = draft.tables.sessions.get(id);
    if (!row) continue;
    const stored = decodeSession(id, row);
    const touched = draft.epochEnd(stored) ? undefined : touch(stored, at);
    if (touched) draft.tables.sessions.put(id, encodeSession(touched, nextCheckAtOf(row)));
  }
}

/** Writes a session that the sweep would not find, or not as it is. */
export function insert(draft: Draft, stored: StoredSession): void {
  const nextCheckAt = nextDeadline(stored);
  draft.tables.sessions.put(stored.id, encodeSession(stored, nextCheckAt));
  placeFresh(draft, stored, nextCheckAt);
}

/**
 * Overwrites a live session, and moves it in the indexes if necessary, except in the one by deadline: the sweep checks
 * the session again when the old deadline has passed. Activity that the change does not know of is kept.
 */
export function rewrite(draft: Draft, before: StoredSession, after: StoredSession): void {
  const { tables } = draft;
  const { id } = after;
  const row = tables.sessions.get(id)!;
  const nextCheckAt = nextCheckAtOf(row);
  if (draft.isFresh(id)) placeFresh(draft, before, nextCheckAt);
  const lastSeenAt = Math.max(after.lastSeenAt, lastSeenOf(row));
  tables.sessions.put(id, encodeSession({ ...after, lastSeenAt }, nextCheckAt));
  if (before.suspended !== after.suspended || before.epochs !== after.epochs || before.end !== after.end) {
    moveKeys(tables, id, stateKeys(before), stateKeys(after));
  }
  if (before.accessGroups !== after.accessGroups) {
    moveKeys(tables, id, before.accessGroups, after.accessGroups, groupKey);
  }
}

/** Places a session that is in no index yet, or that the sweep is placing now. */
function placeFresh(draft: Draft, stored: StoredSession, nextCheckAt: number): void {
  const { live, deadlines } = draft.tables;
  for (const key of [...stateKeys(stored), ...tagKeys(stored)]) live.put(key, stored.id);
  deadlines.put(timeKey(nextCheckAt, stored.id), true);
  draft.placed(stored.id);
}

/** `keyOf` makes a key of a property; called only for changed ones, because thousands may change at once. */
function moveKeys<Mark extends string>(
  { live }: Tables,
  id: SessionId,
  had: readonly Mark[],
  has: readonly Mark[],
  keyOf: (mark: Mark) => string = (key) => key,
): void {
  for (const mark of had) if (!has.includes(mark)) live.remove(keyOf(mark), id);
  for (const mark of has) if (!had.includes(mark)) live.put(keyOf(mark), id);
}

/** Whether a session counts as active, whatever its deadlines. */
export function isActive(draft: Draft, stored: StoredSession): boolean {
  const { user, everyone } = draft.epochsOf(stored.userId);
  return !stored.end && !stored.suspended && stored.epochs.user === user && stored.epochs.everyone === everyone;
}
