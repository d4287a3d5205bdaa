import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutants } from './simulation/mutants.ts';
import { find, simulate } from './simulation/run.ts';

test('no simulated schedule breaks the promise', { timeout: 300_000 }, async (t) => {
  const result = await simulate(500);
  t.diagnostic(JSON.stringify(result));
  assert.equal(result.violated, undefined);
  assert.equal(result.schedules, 500);
});

test('a seed replays its schedule', async () => {
  const [first, again] = [await simulate(20, undefined, 7), await simulate(20, undefined, 7)];
  assert.deepEqual(first, again);
});

for (const [name, { rule, breaks, rare }] of Object.entries(mutants)) {
  const options = { timeout: 600_000, skip: rare && `rare: looked for ${rare}` };
  test(`${rule} is needed: the simulation finds it when ${breaks}`, options, async (t) => {
    const found = await find(name);
    assert.ok(found, `${name} was not found`);
    t.diagnostic(`schedule ${found.schedules}; seed ${found.seed}`);
  });
}
