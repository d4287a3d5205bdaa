import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mutants } from './simulation/mutants.ts';

const here = (name: string) => fileURLToPath(new URL(`simulation/${name}`, import.meta.url));

type Result = { schedules: number; first: number; violated?: { seed: number; violations: string[] } };

function simulate(schedules: number, mutant?: string, seed?: number): Promise<Result> {
  const args = ['--conditions=curfew-source', ...(mutant ? ['--import', here('mutate.ts')] : [])];
  const given = [String(schedules), ...(seed === undefined ? [] : [String(seed)])];
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...(mutant && { MUTANT: mutant }) };
    execFile(process.execPath, [...args, here('simulate.ts'), ...given], { env }, (error, out, err) => {
      if (out.startsWith('{')) resolve(JSON.parse(out) as Result);
      else reject(new Error(`${error?.message}: ${err}`));
    });
  });
}

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
  const options = {
    timeout: 600_000,
    skip: rare && !process.env['SIMULATE_RARE'] && 'rare: SIMULATE_RARE=1 looks for it',
  };
  test(`${rule} is needed: the simulation finds it when ${breaks}`, options, async (t) => {
    // Seeds are fresh each time, and what breaks rarely is not in every two thousand schedules: four lots of them.
    for (let lot = 1; lot <= 4; lot++) {
      const { violated, schedules, first } = await simulate(2000, name);
      t.diagnostic(`lot ${lot}: schedule ${schedules} from seed ${first}`);
      if (violated) return;
    }
    assert.fail(`${name} was not found`);
  });
}
