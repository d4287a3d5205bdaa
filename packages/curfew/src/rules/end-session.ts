import type { SessionId, SessionName, UserId } from '../domain/brand.ts';
import { storeEvents } from '../domain/events.ts';
import type { NamedSession } from '../domain/named.ts';
import type { End, SequencedEnd } from '../domain/reasons.ts';
import { endOf, type StoredSession } from '../domain/session.ts';
import type { Engine, Found, RowChange } from '../stores/commit.ts';
import type { EndOutcome, SessionSnapshot } from '../stores/contract.ts';
import { type Decision, settle } from './deciding.ts';

type Picture = { snapshot: SessionSnapshot | undefined; slot: NamedSession | undefined };

/**
 * Ends one session. `seen`: the session as the caller has read it; then it is not read again, and assumed that no epoch
 * has ended it.
 */
export async function endSession(
  engine: Engine,
  id: SessionId,
  asked: End,
  { userId, seen }: { userId?: UserId | undefined; seen?: StoredSession | undefined } = {},
): Promise<EndOutcome> {
  const snapshot = seen ? { stored: seen, epochEnd: undefined } : await engine.readSession(id);
  const picture = { snapshot, slot: await slotOf(engine, snapshot?.stored.name) };
  return settle(
    engine,
    picture,
    (at) => decide(at, asked, userId),
    (found) => again(engine, id, found),
  );
}

function decide({ snapshot, slot }: Picture, asked: End, userId: UserId | undefined): Decision<EndOutcome> {
  if (!snapshot || (userId !== undefined && snapshot.stored.userId !== userId)) {
    return { answer: { kind: 'not_found' } };
  }
  const { stored, epochEnd } = snapshot;
  const earlier = endOf(stored, epochEnd, asked.at);
  if (earlier?.sequence !== undefined) {
    return { answer: { kind: 'already', session: stored, end: { ...earlier, sequence: earlier.sequence } } };
  }
  // A deadline that nobody has recorded yet is recorded now.
  const end = earlier ?? asked;
  return {
    change: {
      at: asked.at,
      urgent: true,
      // A session that no epoch has ended has the present ones.
      ...(!epochEnd && { on: { userId: stored.userId, ...stored.epochs } }),
      ...endingOf(stored, end, { slot, counted: !epochEnd, entry: 0 }),
    },
    answered({ sequences }) {
      const written: SequencedEnd = { at: end.at, by: end.by, reason: end.reason, sequence: sequences[0]! };
      const session = { ...stored, end: written, version: stored.version + 1 };
      return { kind: earlier ? 'already' : 'ended', session, end: written };
    },
  };
}

/** What the end of one session writes: its row, its slot if it holds one that nobody keeps, the log, the event. */
export function endingOf(
  stored: StoredSession,
  end: End,
  { slot, counted, entry }: { slot: NamedSession | undefined; counted: boolean; entry: number },
) {
  const why: End = { at: end.at, by: end.by, reason: end.reason };
  // The commit gives its sequence.
  const after = { ...stored, end: { ...why, sequence: 0 }, version: stored.version + 1 };
  const byDeadline = why.reason === 'expired' || why.reason === 'idle';
  const rows: RowChange[] = [{ table: 'sessions', before: stored, after, entry, untouched: byDeadline }];
  if (slot && slot.sessionId === stored.id && !slot.kept) rows.push({ table: 'slots', before: slot });
  return {
    rows,
    count: counted ? -Number(!stored.suspended) : undefined,
    log: [{ sessionId: stored.id }],
    events: [storeEvents.ended(stored, why)],
  };
}

async function again(engine: Engine, id: SessionId, found: Found): Promise<Picture> {
  const snapshot = found.sessions.get(id);
  return { snapshot, slot: await slotOf(engine, snapshot?.stored.name) };
}

async function slotOf(engine: Engine, name: SessionName | undefined): Promise<NamedSession | undefined> {
  return name === undefined ? undefined : (await engine.readSlot(name)).slot;
}
