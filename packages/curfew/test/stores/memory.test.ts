import { describe, test } from 'node:test';
import { MemoryStore } from '../../examples/memory-store.ts';
import { conformanceCases, type Harness, runCase } from '../../src/stores/conformance/index.ts';

const harness: Harness = {
  async open() {
    const store = new MemoryStore();
    return { store, dispose: () => store.close() };
  },
};

describe('the store of the documentation fulfils the contract', () => {
  for (const rule of conformanceCases) test(rule.name, () => runCase(rule, harness));
});
