import type { SessionId } from '../../domain/brand.ts';
import type { SequencedEnd } from '../../domain/reasons.ts';
import { nextDeadline, type StoredSession, touch } from '../../domain/session.ts';
import { decodeLog, decodeSession, encodeSession, lastSeenOf, nextCheckAtOf, type Row } from './codec.ts';
import type { Draft } from './commit.ts';
import { groupKey, stateKeys, tagKeys, timeKey } from './keys.ts';
import type { Tables } from './tables.ts';

/** A session, live or ended, as it is in the tables. */
export function find(tables: Tables, id: SessionId): StoredSession | undefined {
  const row = tables.sessions.get(id) ?? tables.ended.get(id);
  return row && decodeSession(id, row);
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
 * Overwrites a live session, whose present row is `row`, and moves it in the indexes if necessary, except in the one by deadline: the sweep checks
 * the session again when the old deadline has passed. Activity that the change does not know of is kept.
 */
export function rewrite(draft: Draft, row: Row, before: StoredSession, after: StoredSession): void {
  const { tables } = draft;
  const { id } = after;
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

/**
 * Moves a session, whose present row is `row`, from the tables of the living to those of the past: `tombstone` is how it stays there, with its end, and
 * with activity that this does not know of.
 */
export function archive(
  draft: Draft,
  row: Row,
  stored: StoredSession,
  tombstone: StoredSession,
  recordedAt: number,
): void {
  const { sessions, ended, live, past, deadlines, graves } = draft.tables;
  const { id } = stored;
  const nextCheckAt = nextCheckAtOf(row);
  // It belongs to the past from now on, so it need not be placed any more.
  draft.placed(id);
  for (const key of [...stateKeys(stored), ...tagKeys(stored)]) live.remove(key, id);
  for (const key of stateKeys(tombstone)) live.put(key, id);
  for (const key of tagKeys(tombstone)) past.put(key, id);
  sessions.remove(id);
  deadlines.remove(timeKey(nextCheckAt, id));
  const lastSeenAt = Math.max(tombstone.lastSeenAt, lastSeenOf(row));
  ended.put(id, encodeSession({ ...tombstone, lastSeenAt }, nextCheckAt));
  graves.put(timeKey(recordedAt, id), true);
}
