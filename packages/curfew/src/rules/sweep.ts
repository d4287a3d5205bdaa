import type { Engine } from '../stores/commit.ts';
import type { SweepOutcome, SweepTask } from '../stores/contract.ts';
import { recordEnds } from './record-ends.ts';

/**
 * How many sessions one scan finds: they are decoded in one turn of the event loop, and each end by a deadline has a log entry
 * that every node reads.
 */
const found = 100;

/** Records ends, and forgets what is old; a piece of each. */
export async function sweep(engine: Engine, task: SweepTask): Promise<SweepOutcome> {
  const { now, batch } = task;
  const most = Math.min(batch, found);
  const bySteps = await recordEnds(engine, await engine.scanPassed(most), task);
  const byDeadlines = await recordEnds(engine, await engine.scanDue(now, most), task);
  const { forgotten, more } = await engine.forget(task);
  return {
    // A deadline may have passed before a step.
    expired: bySteps.expired + byDeadlines.expired,
    endsWritten: bySteps.bySteps + byDeadlines.bySteps,
    forgotten,
    more: more || bySteps.more || byDeadlines.more,
  };
}
