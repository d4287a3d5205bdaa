import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { attachRaw } from '../support/raw-verifier.ts';
import { type Answer, adminPassword, TestServer } from '../support/server.ts';

/*
 * A call that ends what another one has just ended is answered only when that is over everywhere too (R18): a
 * double click, or a proxy that repeats a request, must not be told sooner than the first one.
 */

// The wait is a fifth longer than this, of which some may be over when a test begins to count.
const lease = 4000;
const cookieOf = (token: string) => ({ cookie: `__Host-curfew=${token}`, 'sec-fetch-site': 'same-origin' });

/** A server with an application that was told that these tokens are valid, and confirms nothing. */
async function withMute(t: TestContext) {
  const server = await TestServer.start({ CURFEW_LEASE_MS: String(lease) });
  t.after(() => server.close());
  return {
    server,
    async knows(...tokens: string[]) {
      const mute = await attachRaw(server.url, server.key);
      t.after(() => mute.socket.terminate());
      for (const [question, token] of tokens.entries()) {
        mute.say({ type: 'ask', question, token });
        assert.equal((await mute.hear('answer')).answer.active, true);
      }
      mute.say({ type: 'renew', ask: 1, seen: [] });
      await mute.hear('grant');
    },
  };
}

/** The second call is made while the first one waits, and must not be answered before it could be. */
async function bothWait(server: TestServer, first: () => Promise<Answer>, second: () => Promise<Answer>) {
  const { sequence: before } = await server.context.store.logHead();
  const began = performance.now();
  const one = first();
  while ((await server.context.store.logHead()).sequence === before) await new Promise(setImmediate);
  const two = await second();
  const waited = performance.now() - began;
  assert.ok(waited >= lease, `the second call was answered after ${Math.round(waited)} ms`);
  for (const { status, body } of [await one, two]) assert.ok(status < 300, JSON.stringify(body));
}

describe('a repeated end waits for the first one', () => {
  test('R18: logging out with the cookie of a session that has just ended', async (t) => {
    const { server, knows } = await withMute(t);
    const { token } = (await server.login('admin', adminPassword)).body;
    await knows(token);
    const logOut = () => server.call('POST', '/v1/logout', undefined, { as: '', headers: cookieOf(token) });
    await bothWait(server, logOut, logOut);
  });

  test('R18: logging out by a name whose slot was removed with its session', async (t) => {
    const { server, knows } = await withMute(t);
    const { token } = await server.createSession('ada', { name: 'passing' });
    await knows(token);
    const logOut = () => server.call('POST', '/v1/sessions/logout', { name: 'passing' });
    await bothWait(server, logOut, logOut);
  });

  test('R18: disabling an account that was just disabled', async (t) => {
    const { server, knows } = await withMute(t);
    const { id } = await server.createAccount('ben');
    const { token } = (await server.login('ben', 'ben password')).body;
    await knows(token);
    const disable = () => server.call('PATCH', `/v1/accounts/${id}`, { disabled: true });
    await bothWait(server, disable, disable);
  });

  for (const act of ['stop', 'restart']) {
    test(`R18: the ${act} of a named session whose session was just ended`, async (t) => {
      const { server, knows } = await withMute(t);
      assert.equal((await server.call('POST', '/v1/named-sessions', { name: 'desk' })).status, 201);
      const { session, token } = await server.createSession('ada', { name: 'desk' });
      await knows(token);
      await bothWait(
        server,
        () => server.call('DELETE', `/v1/sessions/${session.id}`),
        () => server.call('POST', `/v1/named-sessions/desk/${act}`),
      );
    });
  }

  test('R18: stopping a named session whose session ends once it has been read', async (t) => {
    const { server, knows } = await withMute(t);
    assert.equal((await server.call('POST', '/v1/named-sessions', { name: 'desk' })).status, 201);
    const { session, token } = await server.createSession('ada', { name: 'desk' });
    await knows(token);
    const { store } = server.context;
    const change = store.changeSession.bind(store);
    const [read, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    store.changeSession = async (request) => {
      read.resolve();
      await released.promise;
      return change(request);
    };
    const stopping = server.call('POST', '/v1/named-sessions/desk/stop');
    await read.promise;
    await bothWait(
      server,
      () => server.call('DELETE', `/v1/sessions/${session.id}`),
      () => {
        released.resolve();
        return stopping;
      },
    );
  });

  test('R18: signing in again with the token of a session that has just ended', async (t) => {
    const { server, knows } = await withMute(t);
    const { token } = (await server.login('admin', adminPassword)).body;
    await knows(token);
    await bothWait(
      server,
      () => server.call('POST', '/v1/logout', undefined, { as: token }),
      () =>
        server.call(
          'POST',
          '/v1/login',
          { username: 'admin', password: adminPassword },
          { as: '', headers: cookieOf(token) },
        ),
    );
  });

  test('refreshing once more with a token that is just being replaced', async (t) => {
    const { server, knows } = await withMute(t);
    const { token, refreshToken } = await server.createSession();
    await knows(token);
    const refresh = () => server.call('POST', '/v1/sessions/refresh', { refreshToken }, { as: '' });
    await bothWait(server, refresh, refresh);
  });
});
