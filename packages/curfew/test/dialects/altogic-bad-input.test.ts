import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { refusalOf } from '../../src/dialects/altogic/error-map.ts';
import { callErrors } from '../../src/errors.ts';
import type { Store } from '../../src/stores/contract.ts';
import { effectsIn, newKey, noObjects, rawCall, strangeTexts, whileFailing } from '../support/hostile.ts';
import { type Answer, type Json, TestServer } from '../support/server.ts';

const base = '/_api/rest/v1/auth';
const json = { 'content-type': 'application/json' };

const routes: [method: string, path: string, body?: object][] = [
  ['POST', '/signin-email', { email: 'ada@example.com', password: 'ada password' }],
  ['GET', '/user'],
  ['GET', '/sessions'],
  ['POST', '/signout', {}],
  ['POST', '/signout-all'],
  ['POST', '/signout-all-except'],
];
const withSession = routes.slice(1);

describe('Altogic: bad input', () => {
  let server: TestServer;
  let account: Json;
  /** A session of Ada's, with which the calls are made, and a session of somebody else. */
  let own: { session: Json; token: string; refreshToken: string };
  let other: { session: Json; token: string };
  before(async () => {
    server = await TestServer.start({ CURFEW_LOGIN_ATTEMPTS: '1000000/15m', CURFEW_ADDRESS_ATTEMPTS: '1000000/15m' });
    account = await server.createAccount('ada', { email: 'ada@example.com' });
    own = await server.createSession(account.id);
    other = await server.createSession('grace');
  });
  after(() => server.close());

  const call = (method: string, path: string, body?: string, headers: Record<string, string | string[]> = {}) =>
    rawCall(server, method, base + path, { 'x-client-key': server.key, session: own.token, ...json, ...headers }, body);
  const send = (method: string, path: string, body?: object, headers: Record<string, string | string[]> = {}) =>
    call(method, path, body && JSON.stringify(body), headers);

  /** Refused in Altogic's shape, without private data, and with nothing changed. */
  async function refused(status: number, code: string, send: () => Promise<Answer>, what: string): Promise<void> {
    const before = await effectsIn(server);
    const answer = await send();
    inItsShape(answer, what);
    assert.deepEqual([answer.status, answer.body.errors[0].code], [status, code], what);
    assert.deepEqual(await effectsIn(server), before, what);
    for (const { token } of [own, other]) assert.equal((await server.verify(token)).active, true, what);
  }

  function inItsShape({ status, body, headers }: Answer, what: string): void {
    assert.deepEqual(Object.keys(body), ['errors'], what);
    const [error] = body.errors;
    assert.equal(Object.keys(error).sort().join(), 'code,message,origin', what);
    assert.equal(error.origin, status >= 500 ? 'server_error' : 'client_error');
    assert.ok(error.message.length > 0);
    assert.equal(headers.get('cache-control'), 'no-store');
    const text = JSON.stringify(body);
    const secrets = [server.key, own.token, own.refreshToken, other.token, 'ada password'];
    for (const secret of [...secrets, 'at file:', 'node_modules', 'secret-detail', 'argon2']) {
      assert.ok(!text.includes(secret), `${what}: ${text}`);
    }
  }

  test('an invalid key is a 401 on every route, without the codes that end the client’s session', async () => {
    const { body } = await server.call('POST', '/v1/keys', { name: 'old', scopes: ['sessions.verify'] });
    await server.call('DELETE', `/v1/keys/${body.key.id}`);
    const keys: Record<string, string | string[]> = {
      wrong: 'cfk_wrong',
      'cut off': server.key.slice(0, -1),
      'a session token': own.token,
      'a refresh token': own.refreshToken,
      revoked: body.token,
      'sent twice': [server.key, server.key],
      'with a scheme': `Bearer ${server.key}`,
      'very long': 'k'.repeat(8000),
    };
    for (const [method, path, content] of routes) {
      for (const [what, key] of Object.entries(keys)) {
        await refused(
          401,
          'invalid_api_key',
          () => send(method, path, content, { 'x-client-key': key }),
          `${path} ${what}`,
        );
      }
      await refused(401, 'missing_api_key', () => send(method, path, content, { 'x-client-key': '' }), `${path} none`);
      const twice = `${path}?apikey=${server.key}&apikey=${server.key}`;
      await refused(401, 'missing_api_key', () => send(method, twice, content), `${path} twice in the query`);
    }
  });

  test('of several keys the API key in the header takes precedence, then the query, then the client key', async () => {
    const statusOf = async (headers: Record<string, string>, query = '') =>
      (await rawCall(server, 'GET', `${base}/user${query}`, { session: own.token, ...headers })).status;
    const [right, wrong] = [server.key, 'cfk_wrong'];
    assert.equal(await statusOf({ authorization: right }, `?apikey=${wrong}`), 200);
    assert.equal(await statusOf({ authorization: wrong }, `?apikey=${right}`), 401);
    assert.equal(await statusOf({ 'x-client-key': wrong }, `?apikey=${right}`), 200);
    assert.equal(await statusOf({ 'x-client-key': right }, `?apikey=${wrong}`), 401);
    assert.equal(await statusOf({ 'x-client-key': right }), 200);
  });

  test('an invalid session token is a 401 on every route that accepts one', async () => {
    const ended = await server.createSession(account.id);
    await server.call('DELETE', `/v1/sessions/${ended.session.id}`);
    const suspended = await server.createSession(account.id, { name: 'desk' });
    await server.call('POST', '/v1/named-sessions/desk/stop');
    const tokens: Record<string, string | string[]> = {
      wrong: 'cfs_wrong',
      'cut off': own.token.slice(0, -1),
      'an id': own.session.id,
      'a refresh token': own.refreshToken,
      'an API key': server.key,
      'a token of Altogic’s': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJlbnZJZCI6IjEifQ.c2lnbmF0dXJl',
      ended: ended.token,
      suspended: suspended.token,
      'sent twice': [own.token, own.token],
      'with a scheme': `Bearer ${own.token}`,
      'very long': 't'.repeat(8000),
    };
    for (const [method, path, content] of withSession) {
      for (const [what, session] of Object.entries(tokens)) {
        await refused(401, 'invalid_session_token', () => send(method, path, content, { session }), `${path} ${what}`);
      }
      await refused(401, 'missing_session_token', () => send(method, path, content, { session: '' }), `${path} none`);
    }
  });

  test('a session token in a cookie, in the query or in `Authorization` is ignored', async () => {
    const path = `${base}/user?session=${own.token}`;
    const cookie = `session_token=${own.token}; __Host-curfew=${own.token}`;
    const answer = await rawCall(server, 'GET', path, { 'x-client-key': server.key, cookie });
    assert.deepEqual([answer.status, answer.body.errors[0].code], [401, 'missing_session_token']);
  });

  test('a body that is not a JSON object is a 400, one of another content type a 415, one over 64 KiB a 413', async () => {
    for (const path of ['/signin-email', '/signout']) {
      for (const [what, body] of Object.entries(noObjects)) {
        await refused(400, 'validation_error', () => call('POST', path, body), `${path} ${what}`);
      }
      for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data']) {
        await refused(415, 'content_type_error', () => call('POST', path, 'a=b', { 'content-type': type }), type);
      }
      const large = JSON.stringify({ token: 'x'.repeat(70_000) });
      await refused(413, 'validation_error', () => call('POST', path, large), path);
    }
  });

  test('values that are absent, of another type or too long are a 400; unknown ones are ignored', async () => {
    const email = 'ada@example.com';
    const password = 'ada password';
    const wrong: [path: string, body: object | undefined][] = [
      ['/signin-email', undefined],
      ['/signin-email', {}],
      ['/signin-email', { email }],
      ['/signin-email', { password }],
      ['/signin-email', { email: 5, password }],
      ['/signin-email', { email: { $ne: null }, password: { $ne: null } }],
      ['/signin-email', { email: [email], password }],
      ['/signin-email', { email, password: null }],
      ['/signin-email', { email, password: 'x'.repeat(5000) }],
      ['/signin-email', { email: 'x'.repeat(5000), password }],
      ['/signout', { token: 5 }],
      ['/signout', { token: {} }],
      ['/signout', { token: ['x'] }],
      ['/signout', { token: 'x'.repeat(5000) }],
    ];
    for (const [path, body] of wrong) {
      await refused(
        400,
        'validation_error',
        () => send('POST', path, body),
        `${path} ${JSON.stringify(body)?.slice(0, 80)}`,
      );
    }
    const signIn = await send('POST', '/signin-email', { email, password, admin: true }, { session: '' });
    assert.equal(signIn.status, 200);
    const token = signIn.body.session.token;
    assert.equal((await send('POST', '/signout', { token, all: true })).status, 200);
    assert.deepEqual(await server.verify(token), { active: false, reason: 'logout' });
  });

  test('invalid credentials are a 400 in the same words', async () => {
    for (const [what, text] of Object.entries(strangeTexts)) {
      if (text.length > 4096) continue;
      const body = { email: text, password: 'ada password' };
      const before = await effectsIn(server);
      const answer = await send('POST', '/signin-email', body);
      inItsShape(answer, what);
      assert.deepEqual([answer.status, answer.body.errors[0].code], [400, 'invalid_credentials'], what);
      assert.deepEqual(await effectsIn(server), before, what);
    }
  });

  test('another user’s session and an unknown one are the same 404; none of them ends', async () => {
    for (const token of [other.token, other.session.id, own.refreshToken, server.key, ...Object.values(strangeTexts)]) {
      if (token.length > 4096) continue;
      await refused(404, 'session_not_found', () => send('POST', '/signout', { token }), token.slice(0, 40));
    }
    const { body: theirs } = await send('POST', '/signout', { token: other.token });
    const { body: nobodys } = await send('POST', '/signout', { token: 'nobody' });
    assert.deepEqual(theirs, nobodys);
  });

  test('signing out of all sessions ends nobody else’s', async () => {
    const mine = await server.createSession('marie');
    for (const path of ['/signout-all-except', '/signout-all']) {
      assert.equal((await send('POST', path, undefined, { session: mine.token })).status, 200);
      for (const { token } of [own, other]) assert.equal((await server.verify(token)).active, true, path);
    }
    assert.equal((await server.verify(mine.token)).active, false);
  });

  test('an unsupported path is a 404 in Altogic’s words', async () => {
    for (const path of ['/nothing', '/signout/more', '/../auth', '/user%00', '/%2e%2e']) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        await refused(404, 'endpoint_not_found', () => send(method, path), `${method} ${path}`);
      }
    }
  });

  test('any failure of the store is a 503, and nothing has changed', async () => {
    const all = routes.map(([method, path]) => `${method} ${path}`);
    const faults: Partial<Record<keyof Store, string[]>> = {
      readKey: all,
      readSession: withSession.map(([method, path]) => `${method} ${path}`),
      readUser: withSession.map(([method, path]) => `${method} ${path}`),
      findAccount: ['POST /signin-email'],
      createSession: ['POST /signin-email'],
      takeAttempt: ['POST /signin-email'],
      listSessions: ['GET /sessions'],
      endSession: ['POST /signout'],
      endSessionsOfUser: ['POST /signout-all', 'POST /signout-all-except'],
    };
    for (const [operation, calls] of Object.entries(faults) as [keyof Store, string[]][]) {
      for (const [method, path, content] of routes.filter((route) => calls.includes(`${route[0]} ${route[1]}`))) {
        const headers: Record<string, string> = path === '/signin-email' ? { session: '' } : {};
        if (operation === 'readKey') headers['x-client-key'] = await newKey(server);
        await refused(
          503,
          'service_unavailable',
          () => whileFailing(server.context.store, operation, () => send(method, path, content, headers)),
          `${operation} ${path}`,
        );
      }
    }
  });

  test('Fuzz: whatever is sent, the answer has Altogic’s shape and is never a 500', async () => {
    const value = fc.oneof(fc.string(), fc.constantFrom('', null, 'ada@example.com'), fc.jsonValue());
    const field = fc.constantFrom('email', 'password', 'token', 'apikey', '__proto__', 'constructor');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        fc.array(fc.tuple(field, value), { maxLength: 4 }),
        fc.option(fc.string({ maxLength: 90 }), { nil: undefined }),
        fc.boolean(),
        async ([method, path], fields, session, keyed) => {
          const answer = await server.running.app.inject({
            method: method as 'GET',
            url: base + path,
            headers: {
              ...json,
              ...(keyed && { 'x-client-key': server.key }),
              ...(session !== undefined && { session: encodeURIComponent(session.toWellFormed()) }),
            },
            ...(method !== 'GET' && { payload: JSON.stringify(Object.fromEntries(fields)) }),
          });
          assert.ok(answer.statusCode >= 400 && answer.statusCode < 500, `${answer.statusCode} ${answer.body}`);
          assert.equal(Object.keys(answer.json().errors[0]).sort().join(), 'code,message,origin');
          assert.ok(!answer.body.includes(server.key));
        },
      ),
      { numRuns: 400 },
    );
  });

  test('the table has a row for every error', () => {
    assert.deepEqual(Object.keys(refusalOf).sort(), Object.keys(callErrors).sort());
  });
});
