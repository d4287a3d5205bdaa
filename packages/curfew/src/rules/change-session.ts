import { endOf } from '../domain/session.ts';
import type { Engine } from '../stores/commit.ts';
import type { ChangeOutcome, SessionChange, SessionSnapshot } from '../stores/contract.ts';
import { type Decision, settle } from './deciding.ts';

/** Compare-and-set of one session's state. */
export async function changeSession(engine: Engine, change: SessionChange): Promise<ChangeOutcome> {
  return settle(
    engine,
    await engine.readSession(change.id),
    (found) => decide(found, change),
    ({ sessions }) => sessions.get(change.id),
  );
}

function decide(found: SessionSnapshot | undefined, asked: SessionChange): Decision<ChangeOutcome> {
  const { id, version, set, logged, event, now } = asked;
  if (!found) return { answer: { kind: 'not_found' } };
  const { stored, epochEnd } = found;
  if (endOf(stored, epochEnd, now)) return { answer: { kind: 'ended' } };
  if (stored.version !== version) return { answer: { kind: 'conflict' } };
  const lastSeenAt = Math.max(stored.lastSeenAt, set.lastSeenAt ?? 0);
  const session = { ...stored, ...set, lastSeenAt, version: version + 1 };
  return {
    change: {
      at: now,
      // People need a second factor before they can end others' sessions.
      urgent: set.suspended === true || set.factorShown !== undefined,
      on: { userId: stored.userId, ...stored.epochs },
      rows: [{ table: 'sessions', before: stored, after: session }],
      count: Number(stored.suspended) - Number(session.suspended),
      log: logged ? [{ sessionId: id }] : [],
      events: event ? [event] : [],
    },
    answered: ({ sequences }) => ({ kind: 'changed', session, sequence: sequences[0] }),
  };
}
