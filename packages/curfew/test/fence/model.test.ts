import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { check, mutants, mutantsInModel, quick } from '../../../../tools/proof.ts';

const installed = ['spin', 'gcc'].every((name) => spawnSync('which', [name]).status === 0);
const options = { skip: !installed && 'spin or gcc is not installed', timeout: 900_000 };

test(
  'in the model of the fence, no schedule lets a verification answer with the state before a change, or a node start over without a reason',
  options,
  (t) => {
    for (const [name, flags] of Object.entries(quick)) {
      const { finished, errors, states, seconds, report } = check(flags, 120);
      t.diagnostic(`${name}: ${states} states in ${seconds.toFixed(1)} s`);
      assert.ok(finished && errors === 0, `${name}: ${report}`);
    }
  },
);

// `npm run proof -- small` searches for every mutant, which takes minutes.
test('every rule of the model is necessary: without it, some schedule breaks the promise', options, (t) => {
  const all = mutants();
  const firstOfEachRule = all.filter(({ rule }, i) => all.findIndex((other) => other.rule === rule) === i);
  for (const { name, flags, breaks } of firstOfEachRule) {
    const { errors, report } = check(flags, 120);
    assert.equal(errors, 1, `${name} (${breaks}) was not found: ${report}`);
  }
  t.diagnostic(`${firstOfEachRule.length} mutants found`);
});

test('the list of mutants is the one in the model', () => {
  assert.deepEqual(new Set(mutants().map(({ name }) => name)), mutantsInModel());
});
