import type { SessionId } from '../domain/brand.ts';
import { endOf } from '../domain/session.ts';
import { isCurfewError } from '../errors.ts';
import type { Candidate, Engine, RowChange, Scan } from '../stores/commit.ts';
import type { SweepTask } from '../stores/contract.ts';
import { type Decision, settle } from './deciding.ts';
import { endingOf } from './end-session.ts';

/**
 * How many ends are recorded at once: one commit of a millisecond or so, behind which other changes wait, on every engine.
 */
const together = 20;

/** What came of a session whose end was to be recorded. */
type Recorded = 'expired' | 'by step' | 'damaged' | 'nothing';

type Moment = Pick<SweepTask, 'now' | 'lastSeen'>;

/**
 * Records the end of each session of a scan that has ended at `now`, as a sweep does: by a deadline with a log entry and
 * an event, by an epoch without, because the epoch had its own. A session whose data is damaged keeps no other waiting, and
 * neither does one whose latest use is not written yet.
 */
export async function recordEnds(
  engine: Engine,
  scan: Scan,
  moment: Moment,
): Promise<{ expired: number; bySteps: number; more: boolean }> {
  const due = scan.candidates.filter((candidate) => unrecordedEnd(candidate, { now: moment.now }));
  const ended = due.filter((candidate) => unrecordedEnd(candidate, moment));
  const done: Recorded[] = [];
  for (let from = 0; from < ended.length; from += together) {
    const some = ended.slice(from, from + together);
    done.push(...(await Promise.all(some.map((candidate) => recordEnd(engine, candidate, moment)))));
  }
  const count = (kind: Recorded) => done.filter((one) => one === kind).length;
  const recorded = new Set(ended.filter((_, i) => done[i] !== 'damaged'));
  const left = new Set<SessionId>();
  for (const candidate of due) if (!recorded.has(candidate)) left.add(candidate.snapshot.stored.id);
  await scan.settle(left);
  // What is left would come up again and again.
  return { expired: count('expired'), bySteps: count('by step'), more: scan.more && left.size === 0 };
}

async function recordEnd(engine: Engine, first: Candidate, moment: Moment): Promise<Recorded> {
  const { id, name } = first.snapshot.stored;
  try {
    return await settle<Candidate | undefined, Recorded>(
      engine,
      first,
      (candidate) => decide(candidate, moment),
      ({ sessions, slots }) => {
        const snapshot = sessions.get(id);
        return snapshot && { snapshot, slot: name === undefined ? undefined : slots.get(name) };
      },
    );
  } catch (error) {
    if (isCurfewError(error) && error.code === 'store_damaged') return 'damaged';
    throw error;
  }
}

/** How a session has ended, if nothing is recorded of it: another node may have done so, or somebody used the session. */
function unrecordedEnd({ snapshot: { stored, epochEnd } }: Candidate, { now, lastSeen }: Moment) {
  return stored.end ? undefined : endOf(stored, epochEnd, now, lastSeen?.(stored));
}

function decide(candidate: Candidate | undefined, moment: Moment): Decision<Recorded> {
  const end = candidate && unrecordedEnd(candidate, moment);
  // A sweep makes room on a store that is full, which might refuse to say what is durable.
  if (!end) return { answer: 'nothing', untold: true };
  const { stored, epochEnd } = candidate.snapshot;
  const ending = endingOf(stored, end, { slot: candidate.slot, counted: !epochEnd, entry: 0 });
  const { sequence } = end;
  if (sequence === undefined) {
    const on = epochEnd ? undefined : { userId: stored.userId, ...stored.epochs };
    return { change: { at: moment.now, upkeep: true, on, ...ending }, answered: () => 'expired' };
  }
  const after = { ...stored, end: { ...end, sequence }, version: stored.version + 1 };
  const [, ...slots] = ending.rows;
  const rows: RowChange[] = [{ table: 'sessions', before: stored, after }, ...slots];
  return { change: { at: moment.now, upkeep: true, rows }, answered: () => 'by step' };
}
