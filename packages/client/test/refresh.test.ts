import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createClient } from 'curfew-client';
import { manualClock } from '../../curfew/test/support/ports.ts';
import { TestServer } from '../../curfew/test/support/server.ts';
import { defaultTimeout } from '../src/client.ts';

/** Milliseconds that another request takes. */
const pause = 1000;

test('N7.2: a refresh whose answer was lost can be repeated after the client’s whole timeout', async (t) => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  const server = await TestServer.start({}, clock);
  // Passes every call on, and loses the answer to the first, so the client waits until it gives up.
  let calls = 0;
  const way = createServer(async (request, response) => {
    calls += 1;
    const lost = calls === 1;
    let body = '';
    for await (const chunk of request) body += chunk;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(server.url + request.url, { method: 'POST', headers, body });
    const text = await answer.text();
    clock.advance(defaultTimeout + pause);
    if (lost) request.socket.destroy();
    else response.writeHead(answer.status, headers).end(text);
  }).listen(0, '127.0.0.1');
  t.after(async () => {
    way.closeAllConnections();
    way.close();
    await server.close();
  });
  await once(way, 'listening');
  const client = createClient({ url: `http://127.0.0.1:${(way.address() as AddressInfo).port}` });
  const { refreshToken, session } = await server.createSession('ada');
  await assert.rejects(client.refreshSession({ refreshToken }), { code: 'unreachable' });
  const renewed = await client.refreshSession({ refreshToken });
  assert.equal(calls, 2);
  assert.deepEqual((await server.verify(renewed.token)).session?.id, session.id, 'the session has ended');
  const next = await client.refreshSession({ refreshToken: renewed.refreshToken });
  assert.equal((await server.verify(next.token)).active, true);
});
