import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';

/** Counts the calls of a function of `node:crypto`, wherever it was imported, until the test ends. */
export function countCalls(t: TestContext, name: 'createHmac' | 'createSecretKey'): () => number {
  const { mock } = t.mock.method(crypto, name);
  syncBuiltinESMExports();
  t.after(() => {
    mock.restore();
    syncBuiltinESMExports();
  });
  return () => mock.callCount();
}
