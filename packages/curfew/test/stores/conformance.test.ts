import { describe, test } from 'node:test';
import { conformanceCases, type Harness, runCase } from '../../src/stores/conformance/index.ts';
import { lmdbHarness } from './harness.ts';

const stores: Record<string, Harness> = { lmdb: lmdbHarness };

for (const [name, harness] of Object.entries(stores)) {
  describe(`CVE-2025-29928: the store contract on ${name}`, () => {
    for (const rule of conformanceCases) test(rule.name, () => runCase(rule, harness));
  });
}
