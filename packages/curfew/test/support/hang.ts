import { test } from 'node:test';
import { temporaryFolder } from '../stores/harness.ts';
import { startProcess } from './process.ts';

// A test that never ends, and stops nothing that it has started. Only children.test.ts runs it.
test('hangs', async () => {
  const { path } = temporaryFolder();
  const { child } = await startProcess({ CURFEW_STORE: `lmdb:${path}` });
  console.log(`server ${child.pid} in ${path} of ${process.pid}`);
  await new Promise(() => {});
});
