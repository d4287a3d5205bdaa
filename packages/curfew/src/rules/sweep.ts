import type { SweptEngine } from '../stores/commit.ts';
import type { Store, SweepOutcome, SweepTask } from '../stores/contract.ts';
import { recordEnds } from './record-ends.ts';

/** How many sessions are ended by deadline in one piece: each of them has a log entry that every node reads. */
const deadlines = 100;

/** Records ends, and forgets what is old; a piece of each. */
async function sweep(engine: SweptEngine, task: SweepTask): Promise<SweepOutcome> {
  const { now, batch } = task;
  const passed = await engine.scanPassed(batch);
  const bySteps = await recordEnds(engine, passed.candidates, now);
  await passed.settle();
  const due = await engine.scanDue(now, Math.min(batch, deadlines));
  const byDeadlines = await recordEnds(engine, due.candidates, now);
  const { forgotten, more } = await engine.forget(task);
  return {
    expired: bySteps.expired + byDeadlines.expired,
    endsWritten: bySteps.bySteps + byDeadlines.bySteps,
    forgotten,
    more: more || passed.more || due.more,
  };
}

/** The sweep as an operation of a store. */
export function sweeping(engine: SweptEngine): Pick<Store, 'sweep'> {
  return { sweep: (task) => sweep(engine, task) };
}
