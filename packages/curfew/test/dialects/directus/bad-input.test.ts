import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as open } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { adminPassword } from '../../support/server.ts';
import {
  credentials,
  DirectusServer,
  errorBody,
  invalidCredentials,
  invalidPayload,
  refreshCookie,
  refreshTokenRequired,
  type Sending,
  sessionCookie,
} from './support.ts';

/*
 * Whatever is sent to a route, the answer is Directus's own error, never a fault, and the store is unchanged.
 */
type Bad = {
  what: string;
  path: string;
  method?: string;
  body?: unknown;
  sending?: Sending;
  status: number;
  error: object;
};

const required = (name: string) => invalidPayload(`"${name}" is required`);
const noString = (name: string) => invalidPayload(`"${name}" must be a string`);
const notAnObject = invalidPayload('"value" must be of type object');
const notJson = invalidPayload('The body is not valid JSON');
const tooDeep = invalidPayload('It is nested more than 64 levels deep');
const tooLarge = errorBody('CONTENT_TOO_LARGE', 'Uploaded content is too large.');
const invalidToken = errorBody('INVALID_TOKEN', 'Invalid token.');
const otpInvalid = invalidPayload('"otp" is invalid');
const long = 'x'.repeat(60_000);

describe('Directus: bad input', () => {
  let directus: DirectusServer;
  let live: { access_token: string; refresh_token: string };
  let ended: typeof live;
  let cookie: string;
  let rocket: string;
  before(async () => {
    directus = await DirectusServer.start({ CURFEW_FACTOR_ATTEMPTS: '1000/1m', CURFEW_LOGIN_ATTEMPTS: '1000/1m' });
    live = (await directus.login()).body.data;
    ended = (await directus.login()).body.data;
    await directus.post('/auth/logout', { refresh_token: ended.refresh_token });
    cookie = await directus.loginForCookie('session');
    const signIn = { user: 'admin', password: adminPassword };
    rocket = (await directus.server.call('POST', '/api/v1/login', signIn, { as: '' })).body.data.authToken;
    await directus.post('/users/me/tfa/generate', { password: adminPassword }, { bearer: live.access_token });
  });
  after(() => directus.close());

  /** The invalid bodies that every such route refuses, given its answer to an empty one. */
  function bodies(path: string, empty: object, sending: Sending = {}): Bad[] {
    const json = { 'content-type': 'application/json' };
    const bad = (
      what: string,
      raw: string | undefined,
      error: object,
      headers: Record<string, string> = json,
    ): Bad => ({
      what: `${path}: ${what}`,
      path,
      sending: { ...sending, raw, headers },
      status: error === tooLarge ? 413 : 400,
      error,
    });
    return [
      bad('no body', undefined, empty, {}),
      bad('an empty body', '', empty),
      bad('an empty object', '{}', empty),
      bad('null', 'null', empty),
      bad('no JSON', '{"email": ', notJson),
      bad('a byte that is no text', '{"email": "\u0000"}', notJson),
      bad('prototype pollution', '{"__proto__": {"email": "admin@example.com"}}', notJson),
      bad('a constructor of its own', '{"constructor": {"prototype": {"email": 1}}}', notJson),
      bad('a list', '[{"email": "admin@example.com"}]', notAnObject),
      bad('a text', '"email"', notAnObject),
      bad('a number', '7', notAnObject),
      bad('deep nesting', `{"x": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`, tooDeep),
      bad('a text that is not said to be JSON', '{"email": "admin@example.com"}', empty, {
        'content-type': 'text/plain',
      }),
      bad('a form', 'email=admin', empty, { 'content-type': 'application/x-www-form-urlencoded' }),
      bad('over 64 KiB', JSON.stringify({ x: 'x'.repeat(70_000) }), tooLarge),
      bad('over 64 KiB of another kind', 'x'.repeat(70_000), tooLarge, { 'content-type': 'text/plain' }),
    ];
  }

  const body = (path: string, what: string, sent: object, error: object, sending: Sending = {}, status = 400): Bad => ({
    what: `${path}: ${what}`,
    path,
    body: sent,
    sending,
    status,
    error,
  });

  function cases(): Bad[] {
    const as = { bearer: live.access_token };
    const login = (what: string, sent: object, error: object) =>
      body('/auth/login', what, { ...credentials, ...sent }, error);
    const badEmail = invalidPayload('"email" must be a valid email');
    const badMode = invalidPayload('"mode" must be one of [cookie, json, session]');
    const tfa = (route: string, what: string, sent: object, error: object, status = 400) =>
      body(`/users/me/tfa/${route}`, what, sent, error, as, status);
    return [
      ...bodies('/auth/login', required('email')),
      login('a number for an address', { email: 7 }, noString('email')),
      login('null for an address', { email: null }, noString('email')),
      login('an empty address', { email: '' }, invalidPayload('"email" is not allowed to be empty')),
      ...[
        'admin',
        'admin@localhost',
        '@example.com',
        'a b@example.com',
        'a@example.com\n',
        'a@b.com\ud800',
        `${long}@b.com`,
      ].map((email) => login(`no address: ${JSON.stringify(email).slice(0, 30)}`, { email }, badEmail)),
      login('an object for a password', { password: { $ne: '' } }, noString('password')),
      login('an empty password', { password: '' }, invalidPayload('"password" is not allowed to be empty')),
      login('an unknown mode', { mode: 'admin' }, badMode),
      login('a list for a mode', { mode: ['json'] }, badMode),
      login('a number for a code', { otp: 123456 }, noString('otp')),
      login('an empty code', { otp: '' }, invalidPayload('"otp" is not allowed to be empty')),
      body('/auth/login', 'a password of 60 kB', { ...credentials, password: long }, invalidCredentials, {}, 401),
      body('/auth/login', 'look-alikes', { ...credentials, email: 'аdmin@example.com' }, invalidCredentials, {}, 401),
      ...['/auth/refresh', '/auth/logout'].flatMap((path) => [
        ...bodies(path, refreshTokenRequired),
        body(path, 'zero for a token', { refresh_token: 0 }, refreshTokenRequired),
        body(path, 'an empty token', { refresh_token: '' }, refreshTokenRequired),
        body(path, 'null for a token', { refresh_token: null }, refreshTokenRequired),
        body(path, 'a list for a mode', { mode: ['json'] }, refreshTokenRequired),
        body(path, 'a mode of 60 kB', { refresh_token: live.refresh_token, mode: long }, refreshTokenRequired),
        body(
          path,
          'an inherited mode',
          { refresh_token: live.refresh_token, mode: 'constructor' },
          refreshTokenRequired,
        ),
        body(path, 'an empty cookie', { mode: 'cookie' }, refreshTokenRequired, { cookies: { [refreshCookie]: '' } }),
        body(
          path,
          'a dead bearer',
          { refresh_token: live.refresh_token },
          invalidCredentials,
          { bearer: ended.access_token },
          401,
        ),
      ]),
      ...[
        ['of 60 kB', long],
        ['that is an access token', live.access_token],
        ['that is a session cookie', cookie],
        ['that is a session token', rocket],
        ['that is an API key', directus.server.key],
        ['with a digit changed', `${live.refresh_token.slice(0, -1)}${live.refresh_token.endsWith('0') ? '1' : '0'}`],
        ['cut off', live.refresh_token.slice(0, -1)],
        ['with more behind', `${live.refresh_token}0`],
        ['of an ended session', ended.refresh_token],
        ['that is a number', 5],
        ['that is true', true],
        ['that is an object', { $gt: '' }],
        ['that is a list of one', [live.refresh_token]],
      ].map(([what, token]) =>
        body('/auth/refresh', `a token ${what}`, { refresh_token: token }, invalidCredentials, {}, 401),
      ),
      ...(['cookie', 'session'] as const).flatMap((mode) => {
        const name = mode === 'cookie' ? refreshCookie : sessionCookie;
        const refused = mode === 'cookie' ? invalidCredentials : invalidToken;
        return ['nonsense', 'x'.repeat(8000), live.access_token, rocket, 'a.b.c.d.e'].map((value) =>
          body(
            '/auth/refresh',
            `${mode}: ${value.slice(0, 20)}`,
            { mode },
            refused,
            { cookies: { [name]: value } },
            mode === 'cookie' ? 401 : 403,
          ),
        );
      }),
      ...bodies('/users/me/tfa/generate', required('password'), as),
      tfa('generate', 'a number', { password: 7 }, noString('password')),
      tfa('generate', 'an empty password', { password: '' }, required('password')),
      tfa('generate', '60 kB', { password: long }, invalidCredentials, 401),
      ...bodies('/users/me/tfa/enable', required('secret'), as),
      tfa('enable', 'no code', { secret: 'JBSWY3DPEHPK3PXP' }, required('otp')),
      tfa('enable', 'a number', { secret: 'JBSWY3DPEHPK3PXP', otp: 7 }, noString('otp')),
      tfa('enable', 'another secret', { secret: 'JBSWY3DPEHPK3PXP', otp: '123456' }, otpInvalid),
      tfa('enable', 'a secret of 60 kB', { secret: long, otp: '123456' }, otpInvalid),
      ...bodies('/users/me/tfa/disable', required('otp'), as),
      tfa('disable', 'a list', { otp: ['123456'] }, noString('otp')),
      tfa('disable', 'without a factor', { otp: long }, invalidPayload('TFA is not enabled for this user')),
      ...['generate', 'enable', 'disable'].map((route) =>
        body(
          `/users/me/tfa/${route}`,
          'nobody',
          { password: adminPassword, secret: 'x', otp: '1' },
          invalidCredentials,
          {},
          401,
        ),
      ),
    ];
  }

  /** Each way in which a token of the wrong kind can reach a route that requires one. */
  function tokens(): Bad[] {
    const me = (what: string, sending: Sending, error: object, status = 401): Bad => ({
      what: `/users/me: ${what}`,
      method: 'GET',
      path: '/users/me',
      sending,
      status,
      error,
    });
    return [
      me('nobody', {}, invalidCredentials),
      me('an API key', { bearer: directus.server.key }, invalidCredentials),
      me('a refresh token', { bearer: live.refresh_token }, invalidCredentials),
      me('an ended session', { bearer: ended.access_token }, invalidCredentials),
      me('a bearer of 8 kB', { bearer: 'x'.repeat(8000) }, invalidCredentials),
      me('a bearer of three parts', { bearer: 'a.b.c' }, invalidCredentials),
      me('a bearer of five parts', { bearer: 'a.b.c.d.e' }, invalidToken, 403),
      me('a bearer that was changed', { bearer: `${live.access_token.slice(0, -4)}AAAA` }, invalidToken, 403),
      me('another scheme', { headers: { authorization: `Basic ${live.access_token}` } }, invalidCredentials),
      me('two words', { headers: { authorization: `Bearer ${live.access_token} x` } }, invalidCredentials),
      me('no scheme', { headers: { authorization: live.access_token } }, invalidCredentials),
      me(
        'a refresh token in the session cookie',
        { cookies: { [sessionCookie]: live.refresh_token } },
        invalidCredentials,
      ),
      me('a session token in the refresh cookie', { cookies: { [refreshCookie]: rocket } }, invalidCredentials),
      me(
        'a bearer before a good cookie',
        { bearer: 'nonsense', cookies: { [sessionCookie]: cookie } },
        invalidCredentials,
      ),
    ];
  }

  test('Large bodies, Prototype pollution, N6.5: every refusal has Directus’s shape, and changes nothing', async (t) => {
    const all = [...cases(), ...tokens()];
    assert.ok(all.length > 150, String(all.length));
    for (const { what, method = 'POST', path, body: sent, sending, status, error } of all) {
      await t.test(what, async () => {
        const before = await directus.server.state();
        for (const prefix of ['', '/directus']) {
          const answer = await directus.send(method, prefix + path, sent, sending);
          assert.deepEqual([answer.status, answer.body], [status, error]);
          assert.equal(answer.headers.get('cache-control'), 'no-store');
          assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
        }
        assert.deepEqual(await directus.server.state(), before);
      });
    }
    assert.equal((await directus.me({ bearer: live.access_token })).status, 200, 'the user was signed out');
  });

  test('N6.5: a logout with an invalid or ended token is a 204 that changes nothing', async () => {
    const before = await directus.server.state();
    for (const token of [
      long,
      'nonsense',
      live.access_token,
      cookie,
      directus.server.key,
      ended.refresh_token,
      5,
      {},
    ]) {
      assert.equal((await directus.post('/auth/logout', { refresh_token: token })).status, 204);
    }
    for (const value of ['nonsense', live.access_token, 'a.b.c.d.e']) {
      const cookies = { [refreshCookie]: value, [sessionCookie]: value };
      assert.equal((await directus.post('/auth/logout', { mode: 'cookie' }, { cookies })).status, 204);
      assert.equal((await directus.post('/auth/logout', { mode: 'session' }, { cookies })).status, 204);
    }
    assert.deepEqual(await directus.server.state(), before);
  });

  test('unknown keys are allowed, as in Directus', async () => {
    const { status, body: answer } = await directus.login({ more: { of: ['them'] }, mode: 'json' });
    assert.equal(status, 200);
    const next = await directus.post('/auth/refresh', { refresh_token: answer.data.refresh_token, more: 1 });
    assert.equal(next.status, 200);
  });

  test('of repeated headers the first counts; of repeated cookies the first valid one', async () => {
    const me = async (headers: Record<string, string | string[]>) => {
      const sent = open(`${directus.server.url}/users/me`, { headers });
      sent.end();
      const [answer] = await once(sent, 'response');
      answer.resume();
      return answer.statusCode;
    };
    const [good, bad] = [`Bearer ${live.access_token}`, 'Bearer nonsense'];
    assert.deepEqual([await me({ authorization: [good, bad] }), await me({ authorization: [bad, good] })], [200, 401]);
    const both = (first: string, second: string) => ({
      cookie: `${sessionCookie}=${first}; ${sessionCookie}=${second}`,
    });
    assert.deepEqual([await me(both(cookie, 'nonsense')), await me(both('nonsense', cookie))], [200, 200]);
    assert.equal(await me(both('nonsense', 'more of it')), 401);
  });

  test('a failure of the store is a 503 in Directus’s words, on every route', async (t) => {
    const own = await DirectusServer.start();
    t.after(() => own.close());
    const { data } = (await own.login()).body;
    const session = await own.loginForCookie('session');
    await own.server.context.store.close();
    const as = { bearer: data.access_token };
    const calls: [path: string, body: object | undefined, sending: Sending][] = [
      ['/auth/login', credentials, {}],
      ['/auth/refresh', { refresh_token: data.refresh_token }, {}],
      ['/auth/refresh', { mode: 'cookie' }, { cookies: { [refreshCookie]: data.refresh_token } }],
      ['/auth/refresh', { mode: 'session' }, { cookies: { [sessionCookie]: session } }],
      ['/auth/logout', { refresh_token: data.refresh_token }, {}],
      ['/auth/logout', { mode: 'cookie' }, { cookies: { [refreshCookie]: data.refresh_token } }],
      ['/auth/logout', { mode: 'session' }, { cookies: { [sessionCookie]: session } }],
      ['/auth/logout', { refresh_token: data.refresh_token }, as],
      ['/users/me/tfa/generate', { password: adminPassword }, as],
      ['/users/me/tfa/enable', { secret: 'x', otp: '123456' }, as],
      ['/users/me/tfa/disable', { otp: '123456' }, as],
      ['/users/me', undefined, as],
      ['/users/me', undefined, { cookies: { [sessionCookie]: session } }],
    ];
    for (const [path, sent, sending] of calls) {
      const answer = await own.send(sent ? 'POST' : 'GET', path, sent, sending);
      const extensions = { service: 'curfew', reason: 'The store does not answer', code: 'SERVICE_UNAVAILABLE' };
      const message = 'Service "curfew" is unavailable. The store does not answer.';
      assert.deepEqual([answer.status, answer.body], [503, { errors: [{ message, extensions }] }], path);
      assert.deepEqual(answer.cookies, [], 'it deletes no cookie');
    }
  });
});
