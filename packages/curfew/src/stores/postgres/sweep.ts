import type { SweepOutcome, SweepTask } from '../contract.ts';
import type { Database, Statement } from './database.ts';
import { writes } from './statements.ts';

/** How many sessions are ended by deadline while the writers' lock is held. */
const deadlines = 100;

/** For how many blocks of events one call records the times. */
const blocks = 20;

/** A piece of each kind of work, each in its own transaction; migrations/sweep.ts has the functions. */
export async function sweep(
  database: Database,
  { now, keepEnded, keepEvents, batch: most }: SweepTask,
): Promise<SweepOutcome> {
  const run = async (statement: Statement, values: unknown[]) => (await database.write(statement, values))[0]!;
  const epochs = (await run(writes.sweepEpochs, [now, most])) as { written: number; more: boolean };
  const armed = (await run(writes.sweepArmed, [now, most]))['done'] as number;
  const due = Math.min(most, deadlines);
  const { looked, expired } = (await run(writes.sweepDeadlines, [now, due])) as { looked: number; expired: number };
  const old = await run(writes.sweepOld, [now, now - keepEnded, now - keepEvents, most]);
  const { forgotten, more } = old as { forgotten: number; more: boolean };
  const timed = (await run(writes.sweepTimes, [blocks]))['done'] as number;
  const steps = (await run(writes.sweepSteps, [now - keepEnded, most]))['done'] as number;
  return {
    expired,
    endsWritten: epochs.written + looked - expired,
    forgotten,
    more: more || epochs.more || armed >= most || looked >= due || timed >= blocks || steps >= most,
  };
}

/** What is not an end: what is old goes, and the indexes that the sweep keeps are completed. */
export async function forget(
  database: Database,
  { now, keepEnded, keepEvents, batch: most }: SweepTask,
): Promise<{ forgotten: number; more: boolean }> {
  const run = async (statement: Statement, values: unknown[]) => (await database.write(statement, values))[0]!;
  const old = await run(writes.sweepOld, [now, now - keepEnded, now - keepEvents, most]);
  const { forgotten, more } = old as { forgotten: number; more: boolean };
  const timed = (await run(writes.sweepTimes, [blocks]))['done'] as number;
  const steps = (await run(writes.sweepSteps, [now - keepEnded, most]))['done'] as number;
  return { forgotten, more: more || timed >= blocks || steps >= most };
}
