import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Chaos, type ChaosStore } from './chaos.ts';
import { tell } from './report.ts';

/** Seconds: ten minutes for a release, some for every change. */
const asked = process.env['CHAOS_SECONDS'];
const seconds = Number(asked ?? 20);
/** Whether it is a run among all the other tests. */
export const isShort: boolean = asked === undefined;
/**
 * Ends for each second asked for, despite all faults. A run by itself has the whole machine, and gets no more time; one
 * among all the other tests has what they leave, and goes on until there were enough.
 */
const leastEnds = isShort ? 5 : 100;
/** Verifications that said active, in the same way. */
const leastActive = isShort ? 25 * seconds : 1000;
/** Sessions whose changes are remembered, however long the run: those of its last few seconds. */
const mostRemembered = 5000;

/** How long a test with one chaos run may take. */
export const chaosTimeout: number = (5 * seconds + 240) * 1000;

/** Unleashes chaos on servers that share a store, prints what happened, and fails if the promise was broken. */
export async function withstandChaos(t: TestContext, name: string, store: ChaosStore): Promise<void> {
  const report = await new Chaos(store).run(
    seconds,
    isShort ? { ends: leastEnds * seconds, active: leastActive } : { ends: 0, active: 0 },
  );
  for (const line of tell(name, report)) t.diagnostic(line);
  assert.deepEqual(report.violations, []);
  assert.deepEqual(report.unexplained, [], 'a server started over for no reason');
  assert.deepEqual(report.crashes, []);
  assert.ok(report.active > leastActive, 'hardly anything was verified');
  assert.ok(report.ends >= leastEnds * seconds, `there were ${report.ends} ends in ${seconds} seconds`);
  if (store.standby) assert.ok(report.faults['store failed over'], 'there was no failover');
  assert.ok(report.remembered <= mostRemembered, `${report.remembered} sessions were remembered`);
}
