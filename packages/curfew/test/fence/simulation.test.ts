import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutants } from './simulation/mutants.ts';
import { isShownBy, replay, search, simulate } from './simulation/run.ts';

/** A few for every change; `npm run proof -- code` simulates 20,000. */
const schedules = 200;

test('no simulated schedule breaks the promise', { timeout: 300_000 }, async (t) => {
  const result = await simulate(schedules);
  t.diagnostic(JSON.stringify(result));
  assert.equal(result.violated, undefined);
  assert.equal(result.schedules, schedules);
});

test('a seed replays its schedule', async () => {
  const [first, again] = [await simulate(20, undefined, 7), await simulate(20, undefined, 7)];
  assert.deepEqual(first, again);
});

for (const [name, { rule, breaks, shownBy }] of Object.entries(mutants)) {
  test(`${rule} is needed: a violation is found if ${breaks}`, { timeout: 600_000 }, async (t) => {
    if (shownBy) return assert.ok(await isShownBy(shownBy, name), `${shownBy} does not find ${name}`);
    const known = await replay(name);
    if (known) return t.diagnostic(`seed ${known.seed}`);
    const found = await search(name);
    assert.ok(found, `${name} was not found`);
    t.diagnostic(`schedule ${found.schedules}; seed ${found.seed}; \`npm run proof -- code\` writes down new seeds`);
  });
}
