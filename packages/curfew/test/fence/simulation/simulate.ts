import { randomInt } from 'node:crypto';
import { type Outcome, Schedule } from './schedule.ts';

/*
 * Runs simulated schedules: `simulate.ts [schedules] [first seed] [trace]`. Prints the seeds, and stops at the first
 * violation, whose seed replays it.
 */
const [schedules = '20000', seed, trace] = process.argv.slice(2);
const first = seed === undefined ? randomInt(2 ** 31) : Number(seed);
const total = { verifications: 0, fromMemory: 0, changes: 0, faults: 0, restarts: 0, timedOut: 0 };
let violated: Outcome | undefined;
let done = 0;
for (; done < Number(schedules) && !violated; done++) {
  const outcome = await new Schedule(first + done, trace ? console.log : undefined).run();
  for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += outcome[name];
  if (outcome.violations.length > 0) violated = outcome;
}
console.log(JSON.stringify({ schedules: done, first, ...total, violated }));
process.exitCode = violated ? 1 : 0;
