import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { longestName, protocolVersion, readFromVerifier } from 'curfew-client/protocol';
import { WebSocketServer } from 'ws';
import { createVerifier } from '../src/verifier.ts';

const key = 'cfk_x';

async function helloOf(t: { after(work: () => void): void }, name?: string): Promise<Record<string, unknown>> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  await once(server, 'listening');
  const said = new Promise<string>((resolve) => {
    server.on('connection', (socket) => socket.once('message', (data) => resolve(String(data))));
  });
  const verifier = createVerifier({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key, name });
  t.after(() => verifier.close());
  return JSON.parse(await said);
}

test('a verifier sends its name in its hello, or none if it has none', async (t) => {
  assert.equal((await helloOf(t, 'shop'))['name'], 'shop');
  assert.ok(!('name' in (await helloOf(t))));
});

test('a name that is empty or too long is refused, by the verifier and by the server', () => {
  const url = 'http://127.0.0.1:1';
  for (const name of ['', 'x'.repeat(longestName + 1)]) {
    assert.throws(() => createVerifier({ url, key, name }), RangeError);
  }
  const read = (name: unknown) =>
    readFromVerifier(JSON.stringify({ type: 'hello', version: protocolVersion, key, holder: 'h', name })) !== undefined;
  assert.deepEqual(['shop', 'x'.repeat(longestName), undefined].map(read), [true, true, true]);
  assert.deepEqual(['x'.repeat(longestName + 1), 7, null].map(read), [false, false, false]);
});
