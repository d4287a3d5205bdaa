import type { AccessGroup, SessionId, UserId } from '../../domain/brand.ts';
import { storeEvents } from '../../domain/events.ts';
import { changeGroups as changedGroups } from '../../domain/groups.ts';
import type { End, SequencedEnd } from '../../domain/reasons.ts';
import {
  deadlineEnd,
  type Epochs,
  endOf,
  nextDeadline,
  type SessionEnd,
  type StoredSession,
  touch,
} from '../../domain/session.ts';
import type {
  ChangeOutcome,
  Creation,
  CreationOutcome,
  EndOutcome,
  GroupsOfUser,
  GroupsOutcome,
  SessionChange,
} from '../contract.ts';
import {
  deadlineOf,
  decodeLog,
  decodeSession,
  encodeSession,
  groupsOf,
  nextCheckAtOf,
  type Row,
  setGroups,
} from './codec.ts';
import type { Draft } from './commit.ts';
import { groupKey, stateKeys, tagKeys, timeKey, userKey } from './keys.ts';
import { holdName, letGoOfName, nameIsFree } from './slots.ts';
import { idsUnder, type Tables } from './tables.ts';

/** A session, live or ended, as it is in the tables. */
export function find(tables: Tables, id: SessionId): StoredSession | undefined {
  const row = tables.sessions.get(id) ?? tables.ended.get(id);
  return row && decodeSession(id, row);
}

export function create(draft: Draft, creation: Creation): CreationOutcome {
  const { limit, now, by } = creation;
  const present = draft.epochsOf(creation.session.userId);
  const session: StoredSession = { ...creation.session, epochs: present };
  const already = draft.rowOf(session.id);
  if (already) {
    return { kind: 'created', session: decodeSession(session.id, already), replaced: [], sequence: undefined };
  }
  if (creation.epochs !== 'current') {
    const { user, everyone } = creation.epochs;
    if (user !== present.user || everyone !== present.everyone) return { kind: 'epoch_moved' };
  }
  if (session.name !== undefined) {
    const free = nameIsFree(draft, session.name, now);
    if (free !== true) return { kind: free };
  }
  let replaced: StoredSession[] = [];
  if (limit) {
    const live = liveRowsOf(draft, session.userId, present).map(({ id, row }) => decodeSession(id, row));
    const active = live.filter((other) => !deadlineEnd(other, now));
    const over = active.length + 1 - limit.max;
    if (over > 0 && limit.excess === 'refuse') return { kind: 'too_many', active: active.length };
    replaced = active.slice(0, Math.max(0, over));
  }
  let sequence: number | undefined;
  for (const old of replaced) {
    sequence = end(draft, old, { at: now, by: 'policy', reason: 'replaced' }, now).sequence;
  }
  if (session.name !== undefined) holdName(draft, session.name, session.id, now);
  draft.event(storeEvents.created(session, by));
  // The sweep places it in the indexes.
  draft.created(session, encodeSession(session, nextDeadline(session)));
  draft.active += 1;
  return { kind: 'created', session, replaced: replaced.map(({ id }) => id), sequence };
}

export function change(draft: Draft, { id, version, set, logged, event, now }: SessionChange): ChangeOutcome {
  const { tables } = draft;
  const row = tables.sessions.get(id);
  if (!row) return { kind: tables.ended.doesExist(id) ? 'ended' : 'not_found' };
  const stored = decodeSession(id, row);
  if (endOf(stored, draft.epochEnd(stored), now)) return { kind: 'ended' };
  if (stored.version !== version) return { kind: 'conflict' };
  const next: StoredSession = {
    ...stored,
    ...set,
    lastSeenAt: Math.max(stored.lastSeenAt, set.lastSeenAt ?? 0),
    version: version + 1,
  };
  rewrite(draft, stored, next);
  const sequence = logged ? draft.log({ sessionId: id }, now) : undefined;
  if (event) draft.event(event);
  return { kind: 'changed', session: next, sequence };
}

export function endOne(
  draft: Draft,
  id: SessionId,
  asked: End,
  condition: { userId?: string | undefined } = {},
): EndOutcome {
  const stored = find(draft.tables, id);
  if (!stored || (condition.userId !== undefined && stored.userId !== condition.userId)) return { kind: 'not_found' };
  const earlier = endOf(stored, draft.epochEnd(stored), asked.at);
  if (earlier && isSequenced(earlier)) return { kind: 'already', session: stored, end: earlier };
  const written = end(draft, stored, earlier ?? asked, asked.at);
  const session = { ...stored, end: written, version: stored.version + 1 };
  return { kind: earlier ? 'already' : 'ended', session, end: written };
}

/** Records an end that has no sequence yet: log entry, event, and the row in its place. */
export function end(draft: Draft, stored: StoredSession, why: End, now: number): SequencedEnd {
  const written = tellEnd(draft, stored, why, now);
  rewrite(draft, stored, { ...stored, end: written, version: stored.version + 1 });
  if (stored.name !== undefined) letGoOfName(draft, stored.name, stored.id);
  return written;
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

export function changeGroups(draft: Draft, { userId, change, only, by, now }: GroupsOfUser): GroupsOutcome {
  const present = draft.epochsOf(userId);
  const live = liveRowsOf(draft, userId, present).filter(({ row }) => now < deadlineOf(row));
  const chosen = only === undefined ? live : live.filter(({ id }) => id === only);
  if (only !== undefined && chosen.length === 0) return { kind: 'not_found' };
  // All of them are computed before the first is written: one session with too many groups makes the whole change fail.
  const changed: (KeptRow & { groups: readonly AccessGroup[] })[] = [];
  for (const { id, row } of chosen) {
    const groups = changedGroups(groupsOf(row), change);
    if (groups) changed.push({ id, row, groups });
  }
  if (changed.length === 0) return { kind: 'changed', updated: 0, sequence: draft.head };
  const { tables } = draft;
  for (const { id, row, groups } of changed) {
    if (draft.isFresh(id)) placeFresh(draft, decodeSession(id, row), nextCheckAtOf(row));
    moveKeys(tables, id, groupsOf(row), groups, groupKey);
    setGroups(row, groups);
    tables.sessions.put(id, row);
  }
  const sequence = draft.log({ userId }, now);
  draft.event(storeEvents.groupsChanged(userId, only, change, changed.length, by, now));
  return { kind: 'changed', updated: changed.length, sequence };
}

type KeptRow = { id: SessionId; row: Row };

/** Sessions without a recorded end, under the given epochs, oldest first. */
export function liveRowsOf(draft: Draft, userId: UserId, epochs: Epochs): KeptRow[] {
  const { tables } = draft;
  const placed = idsUnder(tables.live, userKey(userId, epochs));
  const fresh = draft.freshUnder(userId, epochs);
  const ids = fresh.length === 0 ? placed : [...placed, ...fresh].sort();
  return ids.map((id) => ({ id, row: tables.sessions.get(id)! }));
}

/**
 * Overwrites a live session, and moves it in the indexes if necessary, except in the one by deadline: the sweep checks
 * the session again when the old deadline has passed. `wasActive` is given if that has changed by now.
 */
export function rewrite(
  draft: Draft,
  before: StoredSession,
  after: StoredSession,
  wasActive: boolean = isActive(draft, before),
): void {
  const { tables } = draft;
  const { id } = after;
  const nextCheckAt = nextCheckAtOf(tables.sessions.get(id)!);
  if (draft.isFresh(id)) placeFresh(draft, before, nextCheckAt);
  tables.sessions.put(id, encodeSession(after, nextCheckAt));
  moveKeys(tables, id, stateKeys(before), stateKeys(after));
  if (before.accessGroups !== after.accessGroups) moveKeys(tables, id, tagKeys(before), tagKeys(after));
  draft.active += Number(isActive(draft, after)) - Number(wasActive);
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

function isSequenced(found: SessionEnd): found is SequencedEnd {
  return found.sequence !== undefined;
}
