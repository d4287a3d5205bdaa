import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeKey } from '../../src/authority/keys.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { random } from '../support/ports.ts';
import { clientFor, startProcess } from '../support/process.ts';
import { muteVerifier } from '../support/raw-verifier.ts';

const key = makeKey(Date.now(), random);
const lease = 6000;

async function context(folder: string) {
  const server = await startProcess({
    CURFEW_STORE: `lmdb:${folder}`,
    CURFEW_API_KEY: key,
    CURFEW_ADMIN_PASSWORD: 'correct horse battery',
    CURFEW_LEASE_MS: String(lease),
  });
  return { server, client: clientFor(server, key) };
}

test('R2: after a server was killed, the next one on its store waits for what it had granted', {
  timeout: 60_000,
}, async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const first = await context(folder.path);
  const { session } = await first.client.createSession({ userId: 'ada' });
  const { socket } = await muteVerifier(first.server.url, key);
  const killed = performance.now();
  await first.server.stop('SIGKILL');
  const second = await context(folder.path);
  t.after(() => second.server.stop('SIGKILL'));
  const { receipt } = await second.client.endSession({ id: session.id });
  assert.deepEqual([receipt.everywhere, receipt.by], [true, 'timeout']);
  assert.ok(performance.now() - killed >= lease * 0.95, 'it returned while the lease was still valid');
  assert.equal(receipt.nodes.expired, 1);
  socket.terminate();
  const other = await second.client.createSession({ userId: 'ada' });
  const again = await second.client.endSession({ id: other.session.id });
  assert.equal(again.receipt.by, 'acks', 'the second end waited too');
});

test('nobody waits for a killed server that had no verifier attached', { timeout: 60_000 }, async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const first = await context(folder.path);
  const { session } = await first.client.createSession({ userId: 'ada' });
  await first.server.stop('SIGKILL');
  const second = await context(folder.path);
  t.after(() => second.server.stop('SIGKILL'));
  const { receipt } = await second.client.endSession({ id: session.id });
  assert.equal(receipt.by, 'acks');
});
