import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createClient } from 'curfew-client';
import { importSession, importStore } from '../../src/authority/import-session.ts';
import { hour, second } from '../../src/domain/limits.ts';
import { oldSecret } from '../support/alias-tests.ts';
import { manualClock, random } from '../support/ports.ts';
import { TestServer } from '../support/server.ts';

async function start(t: TestContext, clock?: ReturnType<typeof manualClock>) {
  const server = await TestServer.start({}, clock);
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

describe('data that is kept by an alias', () => {
  test('is not changed, and its session not ended, by an alias that was exchanged and has stopped working', async (t) => {
    const clock = manualClock();
    const { client } = await start(t, clock);
    const { alias, hashed } = oldSecret();
    await client.keepSessionData({ alias: hashed, userId: 'ada', data: '{}' });
    const { token } = await client.exchangeAlias({ alias });
    clock.advance(29 * second);
    await client.keepSessionData({ alias: hashed, userId: 'ada', data: '{"cart":[7]}' });
    clock.advance(second);
    const before = (await client.verifySession({ token })).session;
    for (const change of [{ userId: 'ada', data: '{"cart":[8]}', idle: 86_400 }, { data: '{}' }]) {
      await assert.rejects(client.keepSessionData({ alias: hashed, ...change }), {
        code: 'alias_unknown',
        status: 404,
      });
    }
    assert.deepEqual((await client.verifySession({ token })).session, before);
    const [kept, ...others] = (await client.listSessionData({ kind: hashed.kind })).sessions;
    assert.deepEqual([kept!.data, others], ['{"cart":[7]}', []]);
  });

  test('the events of its ends name the caller, not the user', async (t) => {
    const { server, client } = await start(t);
    const { hashed } = oldSecret();
    const { body: key } = await server.call('POST', '/v1/keys', { name: 'shop', scopes: ['sessions.create'] });
    const shop = createClient({ url: server.url, token: key.token });
    await shop.keepSessionData({ alias: hashed, data: '{}' });
    await shop.keepSessionData({ alias: hashed, userId: 'ada', data: '{}' });
    await shop.keepSessionData({ alias: hashed, data: '{}' });
    const { events } = await client.listEvents({ type: 'session.ended' });
    assert.deepEqual(
      events.map(({ by, userId, reason }) => ({ by, userId, reason })).sort((a, b) => (a.userId! < b.userId! ? -1 : 1)),
      [
        { by: `key:${key.key.id}`, userId: 'ada', reason: 'logout' },
        { by: `key:${key.key.id}`, userId: 'anonymous', reason: 'replaced' },
      ],
    );
  });

  test('ends the session of nobody at the next save, if that could not be done when somebody signed in', async (t) => {
    const { client } = await start(t);
    const { hashed } = oldSecret();
    const nobody = await client.keepSessionData({ alias: hashed, data: '{}' });
    // What is left if the store, or the process, fails between the two steps of a sign-in.
    const { session } = await client.createSession({ userId: 'ada', aliases: [hashed] });
    for (const data of ['{"cart":[7]}', '{"cart":[7]}', '{"cart":[8]}']) {
      const kept = await client.keepSessionData({ alias: hashed, userId: 'ada', data });
      assert.deepEqual([kept.session.id, kept.session.status], [session.id, 'active']);
      const { session: earlier } = await client.getSession({ id: nobody.session.id });
      assert.deepEqual([earlier.status, earlier.endReason], ['ended', 'replaced']);
    }
    const { events } = await client.listEvents({ type: 'session.ended' });
    assert.equal(events.length, 1);
  });
});
