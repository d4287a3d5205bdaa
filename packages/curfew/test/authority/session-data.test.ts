import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createClient } from 'curfew-client';
import { importSession, importStore } from '../../src/authority/import-session.ts';
import { hour } from '../../src/domain/limits.ts';
import { oldSecret } from '../support/alias-tests.ts';
import { random } from '../support/ports.ts';
import { TestServer } from '../support/server.ts';

async function start(t: TestContext) {
  const server = await TestServer.start();
  t.after(() => server.close());
  return { server, client: createClient({ url: server.url, token: server.key }) };
}

describe('the user id of visitors who are not signed in', () => {
  const userId = 'anonymous';

  test('is nobody else’s: no creation, data, widget or import can name it', async (t) => {
    const { server, client } = await start(t);
    const { hashed } = oldSecret();
    const tries = {
      createSession: () => client.createSession({ userId }),
      keepSessionData: () => client.keepSessionData({ alias: hashed, userId, data: '{}' }),
      createWidgetToken: () => client.createWidgetToken({ userId, origin: 'https://app.example.com' }),
    };
    for (const [name, attempt] of Object.entries(tries)) {
      await assert.rejects(attempt(), { code: 'invalid_value', message: /anonymous/ }, name);
    }
    const { store, policy, clock } = server.context;
    const parts = { into: await importStore(store), random, policy, lifetime: hour };
    const found = { alias: hashed, userId, expiresAt: undefined, metadata: {} };
    for (const dryRun of [true, false]) {
      await assert.rejects(importSession(parts, found, clock.now(), dryRun), { code: 'invalid_value' });
    }
    assert.equal((await client.listSessions({})).sessions.length, 0);
  });

  test('is that of data without a user, whose sessions can be listed and ended', async (t) => {
    const { client } = await start(t);
    const { session } = await client.keepSessionData({ alias: oldSecret().hashed, data: '{}' });
    assert.equal(session.userId, userId);
    assert.equal((await client.listSessions({ user: userId })).sessions.length, 1);
    assert.equal((await client.endUserSessions({ userId })).ended, 1);
  });
});
