import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Chaos, type ChaosStore } from './chaos.ts';
import { tell } from './report.ts';

/** Seconds; ten minutes are a release's, one is every change's. */
const asked = process.env['CHAOS_SECONDS'];
const seconds = Number(asked ?? 60);
/**
 * Ends a second, on average over the whole run, whatever goes wrong meanwhile. A run that was asked for has the machine to
 * itself; one among all the other tests has what they leave it.
 */
const leastEnds = asked === undefined ? 5 : 100;
/** Sessions whose changes are remembered, however long the run: those of its last few seconds. */
const mostRemembered = 5000;

/** How long a test may take that lets chaos loose once. */
export const chaosTimeout: number = (seconds + 240) * 1000;

/** Lets chaos loose on servers over a store, prints what happened, and fails when the promise was broken. */
export async function withstandChaos(t: TestContext, name: string, store: ChaosStore): Promise<void> {
  const report = await new Chaos(store).run(seconds);
  for (const line of tell(name, report)) t.diagnostic(line);
  assert.deepEqual(report.violations, []);
  assert.deepEqual(report.unexplained, [], 'a server started over for no reason');
  assert.deepEqual(report.crashes, []);
  assert.ok(report.active > 1000, 'hardly anything was verified');
  assert.ok(report.ends >= leastEnds * seconds, `there were ${report.ends} ends in ${seconds} seconds`);
  if (store.standby) assert.ok(report.faults['store failed over'], 'there was no failover');
  assert.ok(report.remembered <= mostRemembered, `${report.remembered} sessions were remembered`);
}
