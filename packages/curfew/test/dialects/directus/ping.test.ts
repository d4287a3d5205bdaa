import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestServer } from '../../support/server.ts';

test('the ping of Directus works without a sign-in, at its own path and under /directus', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  for (const path of ['/server/ping', '/directus/server/ping']) {
    const response = await fetch(server.url + path);
    assert.deepEqual([response.status, await response.text()], [200, 'pong'], path);
  }
});
