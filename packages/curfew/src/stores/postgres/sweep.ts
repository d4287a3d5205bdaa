import type { SweepTask } from '../contract.ts';
import type { Database, Statement } from './database.ts';
import { writes } from './statements.ts';

/** For how many blocks of events one call records the times. */
const blocks = 20;

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
