import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Chaos, type ChaosStore, tell } from './chaos.ts';

/** Seconds; ten minutes are a release's, one is every change's. */
const seconds = Number(process.env['CHAOS_SECONDS'] ?? 60);

/** How long a test may take that lets chaos loose once. */
export const chaosTimeout: number = (seconds + 120) * 1000;

/** Lets chaos loose on servers over a store, prints what happened, and fails when the promise was broken. */
export async function withstandChaos(t: TestContext, store: ChaosStore): Promise<void> {
  const report = await new Chaos(store).run(seconds);
  for (const line of tell(report).split('\n')) t.diagnostic(line);
  assert.deepEqual(report.violations, []);
  assert.ok(report.active > 1000 && report.ends > seconds / 4, 'there was hardly any load');
}
