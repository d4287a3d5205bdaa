import { endOf } from '../domain/session.ts';
import type { Candidate, Engine, RowChange } from '../stores/commit.ts';
import { type Decision, settle } from './deciding.ts';
import { endingOf } from './end-session.ts';

/** What came of a session whose end was to be recorded. */
type Recorded = 'expired' | 'by step' | 'nothing';

/**
 * Records the end of each session that has ended at `now`, as a sweep does: by a deadline with a log entry and an event,
 * by an epoch without, because the epoch had its own.
 */
export async function recordEnds(
  engine: Engine,
  candidates: readonly Candidate[],
  now: number,
): Promise<{ expired: number; bySteps: number }> {
  const done = await Promise.all(
    candidates.map((first) =>
      settle<Candidate | undefined, Recorded>(
        engine,
        first,
        (candidate) => decide(candidate, now),
        ({ sessions, slots }) => {
          const { id, name } = first.snapshot.stored;
          const snapshot = sessions.get(id);
          return snapshot && { snapshot, slot: name === undefined ? undefined : slots.get(name) };
        },
      ),
    ),
  );
  const count = (kind: Recorded) => done.filter((one) => one === kind).length;
  return { expired: count('expired'), bySteps: count('by step') };
}

function decide(candidate: Candidate | undefined, now: number): Decision<Recorded> {
  if (!candidate) return { answer: 'nothing' };
  const { stored, epochEnd } = candidate.snapshot;
  const end = endOf(stored, epochEnd, now);
  // Another node may have recorded it, or somebody used the session.
  if (stored.end || !end) return { answer: 'nothing' };
  const ending = endingOf(stored, end, { slot: candidate.slot, counted: !epochEnd, entry: 0 });
  const { sequence } = end;
  if (sequence === undefined) {
    const on = epochEnd ? undefined : { userId: stored.userId, ...stored.epochs };
    return { change: { at: now, on, ...ending }, answered: () => 'expired' };
  }
  const after = { ...stored, end: { ...end, sequence }, version: stored.version + 1 };
  const [, ...slots] = ending.rows;
  const rows: RowChange[] = [{ table: 'sessions', before: stored, after }, ...slots];
  return { change: { at: now, rows }, answered: () => 'by step' };
}
