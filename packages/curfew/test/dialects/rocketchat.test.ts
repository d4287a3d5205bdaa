import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { refusalOf } from '../../src/dialects/rocketchat/error-map.ts';
import { minute } from '../../src/domain/limits.ts';
import { callErrors } from '../../src/errors.ts';
import { manualClock } from '../support/ports.ts';
import { type Answer, type Authenticator, adminPassword, type Json, TestServer } from '../support/server.ts';

type Credentials = { userId: string; authToken: string };

describe('Rocket.Chat: signing in and out, as its clients see it', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let server: TestServer;
  let authenticator: Authenticator;
  before(async () => {
    server = await TestServer.start({}, clock);
    const { body } = await server.login();
    authenticator = await server.enrol(body.account.id);
  });
  after(() => server.close());

  const post = (path: string, body?: unknown, credentials?: Credentials, headers: Record<string, string> = {}) =>
    server.call('POST', path, body, {
      as: '',
      headers: {
        ...(credentials && { 'x-user-id': credentials.userId, 'x-auth-token': credentials.authToken }),
        ...headers,
      },
    });

  async function signIn(body: object = {}): Promise<Credentials & { me: Json }> {
    clock.advance(minute);
    const answer = await post('/api/v1/login', {
      user: 'admin',
      password: adminPassword,
      code: authenticator.next(),
      ...body,
    });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body.data;
  }

  /** The credentials of an administrator whose factor is no longer remembered. */
  async function withoutFactor(): Promise<Credentials> {
    const credentials = await signIn();
    clock.advance(6 * minute);
    return credentials;
  }

  const unauthorized = (answer: Answer, text: string) => {
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.body, { success: false, status: 'error', error: text, message: text });
  };

  test('login accepts a user name or an address, in each form', async () => {
    const forms = [
      { user: 'admin' },
      { user: 'admin@example.com' },
      { user: { username: 'admin' } },
      { user: { email: 'admin@example.com' } },
      { username: 'admin', user: undefined },
      { email: 'admin@example.com', user: undefined },
    ];
    for (const form of forms) {
      clock.advance(minute);
      const answer = await post('/api/v1/login', { password: adminPassword, code: authenticator.next(), ...form });
      assert.equal(answer.status, 200, JSON.stringify(form));
      const { status, success, data } = answer.body;
      assert.deepEqual([status, success], ['success', true]);
      assert.equal(data.me._id, data.userId);
      assert.deepEqual(data.me.emails, [{ address: 'admin@example.com', verified: true }]);
      assert.doesNotMatch(JSON.stringify(data.me), /argon2|hash|secret/);
    }
  });

  test('No enumeration: a failed login is the same for a wrong password and for an unknown user', async () => {
    for (const user of ['admin', 'nobody', { email: 'nobody@example.com' }]) {
      unauthorized(await post('/api/v1/login', { user, password: 'wrong' }), 'Unauthorized');
    }
    unauthorized(await post('/api/v1/login', { password: 'wrong' }), 'Unauthorized');
  });

  test('at login a missing factor is a 401; the code goes in the body or the header', async () => {
    const body = { user: 'admin', password: adminPassword };
    const missing = await post('/api/v1/login', body);
    assert.equal(missing.status, 401);
    // Rocket.Chat answers this call in another way than those that need a code for what they do.
    assert.deepEqual(missing.body, {
      success: false,
      status: 'error',
      error: 'totp-required',
      message: 'TOTP Required',
      details: { method: 'totp', codeGenerated: false, availableMethods: ['totp'] },
    });
    const wrong = await post('/api/v1/login', { ...body, code: authenticator.wrong() });
    assert.equal(wrong.status, 401);
    assert.deepEqual(wrong.body, {
      success: false,
      status: 'error',
      error: 'totp-invalid',
      message: 'TOTP Invalid',
      details: { method: 'totp', codeGenerated: false },
    });
    clock.advance(minute);
    assert.equal((await post('/api/v1/login', body, undefined, { 'x-2fa-code': authenticator.next() })).status, 200);
  });

  test('login with `resume` answers with the same token and user, and opens no session', async () => {
    const { userId, authToken, me } = await signIn();
    const sessions = async () => (await server.call('GET', `/v1/users/${userId}/sessions`)).body.total;
    const before = await sessions();
    const { status, body } = await post('/api/v1/login', { resume: authToken });
    assert.deepEqual([status, body], [200, { status: 'success', data: { userId, authToken, me }, success: true }]);
    assert.equal(await sessions(), before);
    const ofApplication = await server.createSession('ada');
    const { data } = (await post('/api/v1/login', { resume: ofApplication.token })).body;
    assert.deepEqual([data.userId, data.authToken, data.me._id], ['ada', ofApplication.token, 'ada']);
  });

  test('login with `resume` is refused once the session has ended, and for a token of another kind; beside a password it is ignored', async () => {
    const { authToken } = await signIn();
    await server.call('POST', '/v1/logout', undefined, { as: authToken });
    assert.equal((await server.verify(authToken)).active, false);
    for (const resume of [authToken, `${authToken}x`, 'nonsense', '', server.key]) {
      unauthorized(await post('/api/v1/login', { resume }), 'You must be logged in to do this.');
    }
    const alive = await signIn();
    assert.notEqual((await signIn({ resume: alive.authToken })).authToken, alive.authToken);
  });

  test('logout ends the session, on every surface', async () => {
    const credentials = await signIn();
    const answer = await post('/api/v1/logout', undefined, credentials);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { status: 'success', data: { message: "You've been logged out!" }, success: true });
    assert.deepEqual(await server.verify(credentials.authToken), { active: false, reason: 'logout' });
    unauthorized(await post('/api/v1/logout', undefined, credentials), 'You must be logged in to do this.');
  });

  test('logout by GET, as Rocket.Chat’s own libraries send it, ends the session too; HEAD ends nothing', async () => {
    const { userId, authToken } = await signIn();
    const ask = (method: string) =>
      server.call(method, '/api/v1/logout', undefined, {
        as: '',
        headers: { 'x-user-id': userId, 'x-auth-token': authToken },
      });
    assert.equal((await ask('HEAD')).status, 404);
    assert.equal((await server.verify(authToken)).active, true);
    const answer = await ask('GET');
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { status: 'success', data: { message: "You've been logged out!" }, success: true });
    assert.deepEqual(await server.verify(authToken), { active: false, reason: 'logout' });
    unauthorized(await ask('GET'), 'You must be logged in to do this.');
  });

  test('sessions/logout: each of the five errors in order, then the end', async () => {
    const { session, token } = await server.createSession('ada');
    const target = { sessionId: session.id };
    const call = (body: unknown, credentials?: Credentials, code?: string) =>
      post('/api/v1/sessions/logout', body, credentials, code ? { 'x-2fa-code': code, 'x-2fa-method': 'totp' } : {});
    await server.createAccount('plain');
    const plain = (await post('/api/v1/login', { user: 'plain', password: 'plain password' })).body.data;
    const admin = await withoutFactor();

    unauthorized(await call(target), 'You must be logged in to do this.');
    unauthorized(await call(undefined, { ...admin, userId: plain.userId }), 'You must be logged in to do this.');
    // Parameters are checked before the permission.
    const empty = await call({}, plain);
    assert.equal(empty.status, 400);
    assert.deepEqual(empty.body, {
      success: false,
      errorType: 'invalid-params',
      error: "must have required property 'sessionId' [invalid-params]",
    });
    const more = await call({ ...target, more: 1 }, plain);
    assert.deepEqual([more.status, more.body.errorType], [400, 'invalid-params']);
    const forbidden = await call(target, plain);
    assert.equal(forbidden.status, 403);
    assert.deepEqual(forbidden.body, {
      success: false,
      error: 'User does not have the permissions required for this action [error-unauthorized]',
    });
    const missing = await call(target, admin);
    assert.equal(missing.status, 400);
    assert.deepEqual(missing.body, {
      success: false,
      error: 'TOTP Required [totp-required]',
      errorType: 'totp-required',
      details: { method: 'totp', codeGenerated: false, availableMethods: ['totp'] },
    });
    const wrong = await call(target, admin, authenticator.wrong());
    assert.equal(wrong.status, 400);
    assert.deepEqual(wrong.body, {
      success: false,
      error: 'TOTP Invalid [totp-invalid]',
      errorType: 'totp-invalid',
      details: { method: 'totp', codeGenerated: false },
    });
    const unknown = await call({ sessionId: 'nobody' }, admin, authenticator.next());
    assert.deepEqual([unknown.status, unknown.body], [404, { success: false, error: 'Session not found' }]);
    assert.equal((await server.verify(token)).active, true);

    const done = await call(target, admin);
    assert.deepEqual([done.status, done.body], [200, { sessionId: session.id, success: true }]);
    assert.deepEqual(await server.verify(token), { active: false, reason: 'ended_by_admin' });
    assert.deepEqual((await call(target, admin)).body, { sessionId: session.id, success: true });
  });

  test('a code counts once, and a backup code goes in the same header', async () => {
    const { session } = await server.createSession('ada');
    const call = async (credentials: Credentials, code: string) =>
      (await post('/api/v1/sessions/logout', { sessionId: session.id }, credentials, { 'x-2fa-code': code })).body;
    const [one, two, three] = [await withoutFactor(), await withoutFactor(), await withoutFactor()];
    clock.advance(minute);
    const code = authenticator.next();
    assert.equal((await call(one, code)).success, true);
    assert.equal((await call(two, code)).errorType, 'totp-invalid');
    const backup = authenticator.backupCodes[0]!;
    assert.equal((await call(two, backup)).success, true);
    assert.equal((await call(three, backup)).errorType, 'totp-invalid');
  });

  test('after too many wrong codes none is checked', async () => {
    const admin = await withoutFactor();
    const { session } = await server.createSession('ada');
    const call = (code: string) =>
      post('/api/v1/sessions/logout', { sessionId: session.id }, admin, { 'x-2fa-code': code });
    for (let i = 0; i < 5; i++) assert.equal((await call(authenticator.wrong())).body.errorType, 'totp-invalid');
    const locked = await call(authenticator.next());
    assert.deepEqual([locked.status, locked.body.errorType], [400, 'totp-max-attempts']);
    clock.advance(6 * minute);
  });

  test('an account without a factor is asked for one, with no methods', async () => {
    await server.createAccount('helper', { roles: ['support'] });
    const { data } = (await post('/api/v1/login', { user: 'helper', password: 'helper password' })).body;
    const { session } = await server.createSession('ada');
    const answer = await post('/api/v1/sessions/logout', { sessionId: session.id }, data);
    assert.deepEqual([answer.status, answer.body.details.availableMethods], [400, []]);
  });

  test('the dialect is also available under its name', async () => {
    const answer = await post('/rocketchat/api/v1/login', { user: 'nobody', password: 'x' });
    unauthorized(answer, 'Unauthorized');
  });

  test('calls of a route are counted by address, and reported', async (t) => {
    const own = await TestServer.start({ CURFEW_ROCKETCHAT_CALLS: '3/1m' }, clock);
    t.after(() => own.close());
    const call = (path: string) => own.call('POST', path, { user: 'nobody', password: 'x' }, { as: '' });
    for (let left = 2; left >= 0; left--) {
      const answer = await call('/api/v1/login');
      assert.equal(answer.status, 401);
      assert.equal(answer.headers.get('x-ratelimit-limit'), '3');
      assert.equal(answer.headers.get('x-ratelimit-remaining'), String(left));
      assert.equal(Number(answer.headers.get('x-ratelimit-reset')), clock.now() + minute);
    }
    const over = await call('/rocketchat/api/v1/login');
    assert.deepEqual([over.status, over.body.errorType], [429, 'error-too-many-requests']);
    assert.match(over.body.error, /You must wait 60 seconds/);
    clock.advance(minute);
    assert.equal((await call('/api/v1/login')).status, 401);
  });

  test('a failure of the store is a 503 in Rocket.Chat’s words', async (t) => {
    const own = await TestServer.start({}, clock);
    t.after(() => own.close());
    await own.context.store.close();
    const answer = await own.call('POST', '/api/v1/login', { user: 'admin', password: 'x' }, { as: '' });
    assert.equal(answer.status, 503);
    assert.deepEqual(answer.body, { success: false, error: 'The server cannot answer now' });
  });

  test('the table has a row for every error', () => {
    assert.deepEqual(Object.keys(refusalOf).sort(), Object.keys(callErrors).sort());
  });
});
