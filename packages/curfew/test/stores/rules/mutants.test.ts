import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ruleMutants } from './mutants.ts';

const rules = new URL('../../../src/rules/', import.meta.url);

for (const { name, file, from } of ruleMutants) {
  test(`the mutant of a rule, “${name}”, changes one place`, () => {
    assert.equal(readFileSync(new URL(file, rules), 'utf8').split(from).length - 1, 1);
  });
}
