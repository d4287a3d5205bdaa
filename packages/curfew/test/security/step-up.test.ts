import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { minute, second } from '../../src/domain/limits.ts';
import type { Clock } from '../../src/domain/ports.ts';
import { oldSecret } from '../support/alias-tests.ts';
import { manualClock } from '../support/ports.ts';
import { type Authenticator, adminPassword, TestServer } from '../support/server.ts';

/*
 * Stepping up keeps the token (a code that confirms one request replaces nothing), so somebody with an earlier copy of
 * the token could use what the code has opened. The server therefore remembers no more than the owner needs.
 */
describe('7.5.3: a second factor is remembered only for the session and the purpose that it was given for', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let server: TestServer;
  let id: string;
  let authenticator: Authenticator;
  before(async () => {
    server = await TestServer.start({ CURFEW_TRUST_PROXY: '1' }, clock);
    id = (await server.login()).body.account.id;
    authenticator = await server.enrol(id);
  });
  after(() => server.close());

  /** Signs in with a code and waits until it is no longer remembered. */
  async function signedIn(): Promise<string> {
    clock.advance(minute);
    const { token } = (await server.login('admin', adminPassword, authenticator.next())).body;
    clock.advance(16 * minute);
    return token;
  }

  type Way = { from?: string; code?: string };
  async function ask(as: string, method: string, path: string, body: unknown, { from = '192.0.2.1', code }: Way) {
    const headers = { 'x-forwarded-for': from };
    const answer = await server.call(method, path, body, { as, headers, ...(code && { code }) });
    return answer.status < 300 ? 'done' : answer.body.code;
  }
  const end = (as: string, way: Way = {}) => ask(as, 'POST', '/v1/sessions/end-user', { userId: 'ada' }, way);
  const makeKey = (as: string, way: Way = {}) =>
    ask(as, 'POST', '/v1/keys', { name: 'k', scopes: ['sessions.read'] }, way);
  const changeAccount = (as: string, way: Way = {}) => ask(as, 'PATCH', `/v1/accounts/${id}`, { name: 'Boss' }, way);

  test('N5.5: for five minutes and the same kind of operation: ending sessions does not cover accounts and keys', async () => {
    const token = await signedIn();
    assert.equal(await end(token), 'second_factor_required');
    assert.equal(await end(token, { code: authenticator.next() }), 'done');
    assert.equal(await end(token), 'done');
    assert.equal(await ask(token, 'DELETE', '/v1/users/ada/sessions', undefined, {}), 'done', 'the same kind');
    assert.equal(await changeAccount(token), 'fresh_sign_in_required');
    assert.equal(await makeKey(token), 'second_factor_required');
    clock.advance(5 * minute);
    assert.equal(await end(token), 'second_factor_required');
  });

  test('N5.5: from the same network: an IPv4 address, or the first 64 bits of an IPv6 address', async () => {
    const token = await signedIn();
    assert.equal(await end(token, { code: authenticator.next() }), 'done');
    assert.equal(await end(token, { from: '::ffff:192.0.2.1' }), 'done', 'the same address in another form');
    assert.equal(await end(token, { from: '192.0.2.2' }), 'second_factor_required');
    assert.equal(await end(token, { from: '2001:db8::1' }), 'second_factor_required');
    clock.advance(minute);
    assert.equal(await end(token, { from: '2001:db8:0:1::1', code: authenticator.next() }), 'done');
    assert.equal(await end(token, { from: '2001:db8:0:1:ffff::2' }), 'done');
    assert.equal(await end(token, { from: '2001:db8:0:2::1' }), 'second_factor_required');
    assert.equal(await end(token), 'second_factor_required', 'and no longer from the network of the previous code');
  });

  test('a code given at sign-in counts for every kind of operation, from the network of the sign-in', async () => {
    clock.advance(minute);
    const headers = { 'x-forwarded-for': '192.0.2.1' };
    const credentials = { username: 'admin', password: adminPassword, totp: authenticator.next() };
    const { token } = (await server.call('POST', '/v1/login', credentials, { as: '', headers })).body;
    assert.equal(await end(token), 'done');
    assert.equal(await makeKey(token), 'done');
    assert.equal(await end(token, { from: '192.0.2.2' }), 'second_factor_required');
    clock.advance(5 * minute);
    assert.equal(await end(token), 'second_factor_required');
  });

  test('a refresh creates another token, for which no code is remembered', async () => {
    clock.advance(minute);
    const headers = { 'x-forwarded-for': '192.0.2.1' };
    const credentials = { username: 'admin', password: adminPassword, totp: authenticator.next() };
    const { refreshToken } = (await server.call('POST', '/v1/login', credentials, { as: '', headers })).body;
    const { token } = (await server.call('POST', '/v1/sessions/refresh', { refreshToken }, { as: '' })).body;
    assert.equal(await end(token), 'second_factor_required');
  });
});

describe('7.5.3, N1.8: nobody gets around the second factor by way of another session, key or account', () => {
  /** A server, its administrator, and a call of theirs. */
  async function start(t: { after(done: () => Promise<void>): void }, clock?: Clock) {
    const server = await TestServer.start({}, clock);
    t.after(() => server.close());
    const { token, account } = (await server.login()).body;
    const ask = (method: string, path: string, body?: object, as: string = token) =>
      server.call(method, path, body, { as });
    return { server, account, ask };
  }

  test('opening a session, getting its tokens, keeping its data, changing its access groups, starting a named one, and making a key or an account require a code of a person', async (t) => {
    const clock = manualClock();
    const { server, account, ask } = await start(t, clock);
    const [old, kept] = [oldSecret(), oldSecret()];
    const bob = await server.createSession('bob', { aliases: [old.hashed, kept.hashed] });
    clock.advance(15 * minute);
    const before = await server.state();
    const calls: [method: string, path: string, body: object][] = [
      ['POST', '/v1/sessions', { userId: 'bob' }],
      ['POST', '/v1/sessions', { userId: account.id }],
      ['POST', '/v1/sessions/exchange-alias', { alias: old.alias }],
      ['PUT', '/v1/sessions/data', { alias: kept.hashed, data: '{}' }],
      ['POST', '/v1/sessions/access-groups', { userId: 'bob', add: ['staff'] }],
      ['POST', '/v1/users/bob/access-groups', { remove: ['staff'] }],
      ['POST', '/v1/named-sessions', { name: 'bot' }],
      ['PUT', '/v1/named-sessions/bot', { config: {} }],
      ['POST', '/v1/named-sessions/bot/start', {}],
      ['POST', '/v1/keys', { name: 'mine', scopes: ['sessions.end'] }],
      ['POST', '/v1/accounts', { username: 'eve', password: 'long enough', roles: ['admin'] }],
    ];
    for (const [method, path, body] of calls) {
      const { status, body: problem } = await ask(method, path, body);
      assert.deepEqual([status, problem.code, problem.methods], [403, 'second_factor_required', []], path);
    }
    assert.deepEqual(await server.state(), before);
    assert.equal((await server.verify(bob.token)).active, true);
    const authenticator = await server.enrol(account.id);
    const { token } = (await server.login('admin', adminPassword, authenticator.next())).body;
    for (const [method, path, body] of calls) {
      const { status, body: answer } = await ask(method, path, body, token);
      assert.ok(status < 300, `${path}: ${JSON.stringify(answer)}`);
    }
  });

  test('a session that a person opens is not a fresh sign-in of its user, who may have no account', async (t) => {
    const { server, account, ask } = await start(t);
    const authenticator = await server.enrol(account.id);
    const { token } = (await server.login('admin', adminPassword, authenticator.next())).body;
    const other = await server.createSession('bob');
    const opened = (await ask('POST', '/v1/sessions', { userId: 'bob' }, token)).body;
    const alias = oldSecret();
    const data = { alias: alias.hashed, userId: 'bob', data: '{}' };
    assert.equal((await ask('PUT', '/v1/sessions/data', data, token)).status, 200);
    const exchanged = await server.call('POST', '/v1/sessions/exchange-alias', { alias: alias.alias });
    for (const as of [opened.token, exchanged.body.token]) {
      for (const path of ['/v1/users/bob/sessions', `/v1/sessions/${other.session.id}`]) {
        assert.equal((await ask('DELETE', path, undefined, as)).body.code, 'fresh_sign_in_required', path);
      }
    }
    // An application states by opening the session that its user has signed in.
    assert.equal((await ask('DELETE', '/v1/users/bob/sessions', undefined, other.token)).status, 200);
  });

  test('an exchange of an alias makes no sign-in fresh; a person gets the tokens of a session only when its sign-in is not', async (t) => {
    const clock = manualClock();
    const { server, account, ask } = await start(t, clock);
    const authenticator = await server.enrol(account.id);
    const signIn = async () => (await server.login('admin', adminPassword, authenticator.next())).body.token;
    const [first, other] = [oldSecret(), oldSecret()];
    await server.createSession('ada', { aliases: [first.hashed] });
    await server.createSession('bob', { aliases: [other.hashed] });
    const exchange = (old: typeof first, as?: string) =>
      ask('POST', '/v1/sessions/exchange-alias', { alias: old.alias }, as);
    const endOthers = async (user: string, as: string) =>
      (await ask('DELETE', `/v1/users/${user}/sessions`, undefined, as)).body.code;
    clock.advance(15 * minute - second);
    const person = await signIn();
    // An application gets them, and its user signed in just within the time.
    const byKey = await exchange(first, server.key);
    assert.equal(byKey.body.session.authenticatedAt, byKey.body.session.createdAt);
    // Neither those of a session that waits for its exchange, nor those that it was exchanged for a moment ago.
    for (const old of [other, first]) {
      const { status, body } = await exchange(old, person);
      assert.deepEqual([status, body.code], [403, 'permission_missing']);
    }
    clock.advance(second);
    assert.equal(
      await endOthers('ada', byKey.body.token),
      'fresh_sign_in_required',
      'the exchange counted as a sign-in',
    );
    for (const [user, old] of [
      ['ada', first],
      ['bob', other],
    ] as const) {
      const { status, body } = await exchange(old, person);
      assert.equal(status, 200, user);
      assert.equal(await endOthers(user, body.token), 'fresh_sign_in_required', user);
    }
  });
});
