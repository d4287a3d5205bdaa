import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { refusalOf } from '../../../src/dialects/directus/error-map.ts';
import { day, hour, minute, second } from '../../../src/domain/limits.ts';
import { callErrors } from '../../../src/errors.ts';
import { manualClock } from '../../support/ports.ts';
import {
  credentials,
  DirectusServer,
  errorBody,
  invalidCredentials,
  refreshCookie,
  refreshTokenRequired,
  sessionCookie,
  type Told,
} from './support.ts';

const expired = errorBody('TOKEN_EXPIRED', 'Token expired.');

describe('Directus: the tokens of a session, in each mode', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let directus: DirectusServer;
  before(async () => {
    directus = await DirectusServer.start({}, clock);
  });
  after(() => directus.close());

  const refused = (answer: Told, status: number, body: object) =>
    assert.deepEqual([answer.status, answer.body], [status, body]);
  const statusOf = async (id: string) => (await directus.server.call('GET', `/v1/sessions/${id}`)).body;
  const sessionIdOf = (access: string) => String(decodeJwt(access)['sid']);

  test('the access token has the claims of Directus’s, and names its session', async () => {
    const { data } = (await directus.login()).body;
    const { id, sid, iat, exp, ...claims } = decodeJwt(data.access_token);
    const session = await statusOf(String(sid));
    assert.equal(session.session.userId, id);
    assert.equal(exp! - iat!, 900);
    assert.deepEqual(claims, {
      role: 'admin',
      app_access: true,
      admin_access: true,
      iss: 'directus',
      aud: 'curfew directus access',
    });
  });

  const ends: [what: string, end: (id: string, userId: string) => Promise<{ status: number }>][] = [
    ['by its id', (id) => directus.server.call('DELETE', `/v1/sessions/${id}`)],
    ['with all of its user', (_id, userId) => directus.server.call('DELETE', `/v1/users/${userId}/sessions`)],
    ['with everybody', () => directus.server.call('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' })],
    [
      'by the account being disabled',
      (_id, userId) => directus.server.call('PATCH', `/v1/accounts/${userId}`, { disabled: true }),
    ],
  ];
  for (const [what, end] of ends) {
    test(`ending a session ${what} invalidates its access token and its cookies at once`, async () => {
      const name = `ends-${ends.findIndex(([other]) => other === what)}`;
      await directus.server.createAccount(name, { email: `${name}@example.com` });
      const who = { email: `${name}@example.com`, password: `${name} password` };
      const { data } = (await directus.login(who)).body;
      const cookie = await directus.post('/auth/login', { ...who, mode: 'session' });
      const cookies = { [sessionCookie]: cookie.cookies[0]!.value };
      const { id } = decodeJwt(data.access_token);
      const { sessions } = (await directus.server.call('GET', `/v1/users/${id}/sessions`)).body;
      assert.equal(sessions.length, 2);
      for (const session of sessions) assert.equal((await end(session.id, String(id))).status, 200);
      refused(await directus.me({ bearer: data.access_token }), 401, invalidCredentials);
      refused(await directus.me({ cookies }), 401, invalidCredentials);
      refused(await directus.post('/auth/refresh', { refresh_token: data.refresh_token }), 401, invalidCredentials);
      refused(await directus.post('/auth/refresh', { mode: 'session' }, { cookies }), 401, invalidCredentials);
    });
  }

  test('an access token is valid for exactly 15 minutes; a refresh returns another', async () => {
    const { data } = (await directus.login()).body;
    clock.advance(15 * minute - second);
    assert.equal((await directus.me({ bearer: data.access_token })).status, 200);
    clock.advance(second);
    refused(await directus.me({ bearer: data.access_token }), 401, expired);
    const next = (await directus.post('/auth/refresh', { refresh_token: data.refresh_token })).body.data;
    assert.equal((await directus.me({ bearer: next.access_token })).status, 200);
  });

  test('a refresh does not affect the previous access token: that lasts until it expires or its session ends', async () => {
    const { data } = (await directus.login()).body;
    const next = (await directus.post('/auth/refresh', { refresh_token: data.refresh_token })).body.data;
    assert.equal((await directus.me({ bearer: data.access_token })).status, 200);
    await directus.post('/auth/logout', { refresh_token: next.refresh_token });
    for (const bearer of [data.access_token, next.access_token]) {
      refused(await directus.me({ bearer }), 401, invalidCredentials);
    }
  });

  test('each mode reads only its own source', async () => {
    const { data } = (await directus.login()).body;
    const refresh = await directus.loginForCookie('cookie');
    const session = await directus.loginForCookie('session');
    const cookies: Record<string, string> = { [refreshCookie]: refresh, [sessionCookie]: session };
    for (const route of ['/auth/refresh', '/auth/logout']) {
      refused(await directus.post(route, { mode: 'json' }, { cookies }), 400, refreshTokenRequired);
      const body = { refresh_token: data.refresh_token };
      refused(await directus.post(route, { ...body, mode: 'cookie' }), 400, refreshTokenRequired);
      refused(await directus.post(route, { ...body, mode: 'session' }), 400, refreshTokenRequired);
      const only = (name: string) => ({ cookies: { [name]: cookies[name]! } });
      refused(await directus.post(route, {}, only(sessionCookie)), 400, refreshTokenRequired);
      refused(await directus.post(route, { mode: 'session' }, only(refreshCookie)), 400, refreshTokenRequired);
      refused(await directus.post(route, { mode: 'nonsense' }, { cookies }), 400, refreshTokenRequired);
    }
    // Without a mode: the token in the body, otherwise the refresh cookie.
    const fromBody = await directus.post('/auth/refresh', { refresh_token: data.refresh_token }, { cookies });
    assert.deepEqual(
      [Object.keys(fromBody.body.data).sort(), fromBody.cookies],
      [['access_token', 'expires', 'refresh_token'], []],
    );
    const fromCookie = await directus.post('/auth/refresh', undefined, { cookies });
    assert.deepEqual(Object.keys(fromCookie.body.data).sort(), ['access_token', 'expires']);
    assert.deepEqual(
      fromCookie.cookies.map(({ name }) => name),
      [refreshCookie],
    );
    const fromSession = await directus.post('/auth/refresh', { mode: 'session' }, { cookies });
    assert.deepEqual(fromSession.body, { data: { expires: day } });
    assert.deepEqual(
      fromSession.cookies.map(({ name }) => name),
      [sessionCookie],
    );
  });

  for (const mode of ['json', 'cookie', 'session'] as const) {
    test(`mode ${mode}: within 30 s a used token gives the same successor; later it ends the session`, async () => {
      const answer = await directus.login({ mode });
      const first = answer.body.data.refresh_token ?? answer.cookies[0]!.value;
      const refresh = (token: string) => {
        if (mode === 'json') return directus.post('/auth/refresh', { refresh_token: token });
        return directus.post('/auth/refresh', { mode }, { cookies: { [answer.cookies[0]!.name]: token } });
      };
      const next = await refresh(first);
      clock.advance(30 * second);
      const again = await refresh(first);
      assert.deepEqual([next.status, again.status], [200, 200]);
      if (mode === 'json') assert.equal(again.body.data.refresh_token, next.body.data.refresh_token);
      if (mode === 'cookie') assert.equal(again.cookies[0]!.value, next.cookies[0]!.value);
      const successor = next.body.data.refresh_token ?? next.cookies[0]!.value;
      clock.advance(second);
      if (mode === 'session') {
        // A late request with the previous cookie is refused, and ends nothing.
        refused(await directus.me({ cookies: { [sessionCookie]: first } }), 401, invalidCredentials);
        assert.equal((await directus.me({ cookies: { [sessionCookie]: successor } })).status, 200);
      }
      refused(await refresh(first), 401, invalidCredentials);
      refused(await refresh(successor), 401, invalidCredentials);
    });
  }

  test('N6.14: logging out in each mode ends the session everywhere and empties the cookies that were sent', async () => {
    const { data } = (await directus.login()).body;
    const stale = { [refreshCookie]: 'nonsense', [sessionCookie]: 'nonsense' };
    const json = await directus.post('/auth/logout', { refresh_token: data.refresh_token }, { cookies: stale });
    assert.deepEqual([json.status, json.body], [204, '']);
    assert.deepEqual(
      json.cookies.map(({ name, value }) => [name, value]),
      [
        [refreshCookie, ''],
        [sessionCookie, ''],
      ],
    );
    const { session } = await statusOf(sessionIdOf(data.access_token));
    assert.deepEqual(
      [session.status, session.endReason, session.endedBy],
      ['ended', 'logout', `user:${session.userId}`],
    );
    for (const mode of ['cookie', 'session'] as const) {
      const value = await directus.loginForCookie(mode);
      const cookies = { [mode === 'cookie' ? refreshCookie : sessionCookie]: value };
      for (let time = 1; time <= 2; time++) {
        const answer = await directus.post('/auth/logout', { mode }, { cookies });
        assert.deepEqual([answer.status, answer.cookies.length, answer.cookies[0]!.value], [204, 1, '']);
      }
      refused(await directus.post('/auth/refresh', { mode }, { cookies }), 401, invalidCredentials);
    }
  });

  test('even a logout fails with an invalid bearer token', async () => {
    const { data } = (await directus.login()).body;
    const other = (await directus.login()).body.data;
    await directus.post('/auth/logout', { refresh_token: other.refresh_token });
    const body = { refresh_token: data.refresh_token };
    refused(await directus.post('/auth/logout', body, { bearer: other.access_token }), 401, invalidCredentials);
    assert.equal((await directus.me({ bearer: data.access_token })).status, 200);
  });

  test('a used refresh token still logs its session out', async () => {
    const { data } = (await directus.login()).body;
    await directus.post('/auth/refresh', { refresh_token: data.refresh_token });
    clock.advance(minute);
    assert.equal((await directus.post('/auth/logout', { refresh_token: data.refresh_token })).status, 204);
    refused(await directus.me({ bearer: data.access_token }), 401, invalidCredentials);
  });

  test('the session cookie is valid for a day after its last refresh, however much it is used', async () => {
    const cookies = { [sessionCookie]: await directus.loginForCookie('session') };
    for (let hours = 0; hours < 23; hours++) {
      clock.advance(hour);
      assert.equal((await directus.me({ cookies })).status, 200);
    }
    const next = await directus.post('/auth/refresh', { mode: 'session' }, { cookies });
    const renewed = { [sessionCookie]: next.cookies[0]!.value };
    clock.advance(hour);
    const old = await directus.me({ cookies });
    refused(old, 401, expired);
    for (let hours = 1; hours < 23; hours++) {
      clock.advance(hour);
      assert.equal((await directus.me({ cookies: renewed })).status, 200);
    }
    clock.advance(hour);
    refused(await directus.me({ cookies: renewed }), 401, expired);
  });

  test('an unused session of mode session ends with its cookie', async () => {
    await directus.login({ mode: 'session' });
    const [session] = (await directus.server.call('GET', '/v1/sessions?limit=1')).body.sessions;
    assert.equal(Date.parse(session.idleExpiresAt) - Date.parse(session.createdAt), day);
  });

  test('the session cookie does not reveal the refresh token in it, and is accepted as a bearer token too', async () => {
    const cookie = await directus.loginForCookie('session');
    const [, ...parts] = cookie.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
    assert.ok(parts.length === 4 && parts.every((part) => !/cf[rs]_|session/.test(part)));
    assert.equal((await directus.me({ bearer: cookie })).status, 200);
    refused(await directus.post('/auth/refresh', { refresh_token: cookie }), 401, invalidCredentials);
  });

  test('no stated lifetime of a token exceeds its session’s', async (t) => {
    const short = await DirectusServer.start({ CURFEW_ABSOLUTE: '20m', CURFEW_IDLE: '20m' }, clock);
    t.after(() => short.close());
    const { data } = (await short.login()).body;
    clock.advance(10 * minute);
    const next = (await short.post('/auth/refresh', { refresh_token: data.refresh_token })).body.data;
    assert.equal(next.expires, 10 * minute);
    const session = await short.login({ mode: 'session' });
    assert.equal(session.body.data.expires, 20 * minute);
    assert.ok(session.cookies[0]!.attributes.includes('max-age=1200'));
    const cookie = await short.login({ mode: 'cookie' });
    assert.ok(cookie.cookies[0]!.attributes.includes('max-age=1200'));
  });

  test('a stated lifetime is a whole number, however long the answer took', async (t) => {
    const running = await DirectusServer.start();
    t.after(() => running.close());
    const [json, cookie, session] = [
      await running.login(),
      await running.login({ mode: 'cookie' }),
      await running.login({ mode: 'session' }),
    ];
    assert.deepEqual([json.body.data.expires, session.body.data.expires], [900_000, 86_400_000]);
    const ages = [cookie, session].map(({ cookies }) =>
      cookies[0]!.attributes.find((one) => one.startsWith('max-age')),
    );
    assert.deepEqual(ages, ['max-age=604800', 'max-age=86400']);
  });

  test('the lifetimes are options', async (t) => {
    const own = await DirectusServer.start({ CURFEW_DIRECTUS_ACCESS: '1m', CURFEW_DIRECTUS_SESSION: '1h' }, clock);
    t.after(() => own.close());
    const { data } = (await own.login()).body;
    const session = await own.login({ mode: 'session' });
    assert.deepEqual([data.expires, session.body.data.expires], [minute, hour]);
    clock.advance(minute);
    refused(await own.me({ bearer: data.access_token }), 401, expired);
  });

  test('the cookie of an ended session is emptied; one that has only expired is left, as in Directus', async () => {
    const dead = await directus.me({ cookies: { [sessionCookie]: 'nonsense' } });
    refused(dead, 401, invalidCredentials);
    assert.deepEqual(
      dead.cookies.map(({ name, value }) => [name, value]),
      [[sessionCookie, '']],
    );
    const cookies = { [sessionCookie]: await directus.loginForCookie('session') };
    clock.advance(day);
    const late = await directus.me({ cookies });
    refused(late, 401, expired);
    assert.deepEqual(late.cookies, []);
  });

  test('cookies are Secure only over TLS, as a proxy reports it', async (t) => {
    const proxied = await DirectusServer.start({ CURFEW_TRUST_PROXY: '127.0.0.1' }, clock);
    t.after(() => proxied.close());
    const tls = { headers: { 'x-forwarded-proto': 'https' } };
    for (const mode of ['cookie', 'session']) {
      assert.ok((await proxied.login({ mode }, tls)).cookies[0]!.attributes.includes('secure'));
      assert.ok(!(await proxied.login({ mode })).cookies[0]!.attributes.includes('secure'));
      assert.ok((await directus.login({ mode }, tls)).cookies[0]!.attributes.includes('secure'));
      assert.ok(!(await directus.login({ mode })).cookies[0]!.attributes.includes('secure'));
    }
  });

  test('the dialect is also under its name, even with a trailing slash, and reports unknown routes', async () => {
    const { data } = (await directus.post('/directus/auth/login/', credentials)).body;
    assert.equal(
      (await directus.send('GET', '/directus/users/me/', undefined, { bearer: data.access_token })).status,
      200,
    );
    const missing = await directus.send('GET', '/directus/items/articles?access_token=');
    assert.equal(missing.status, 404);
    assert.deepEqual(missing.body.errors[0], {
      message: "Route /directus/items/articles doesn't exist.",
      extensions: { path: '/directus/items/articles', code: 'ROUTE_NOT_FOUND' },
    });
  });

  test('too many sign-ins are a 429 that says how long to wait', async (t) => {
    const own = await DirectusServer.start({ CURFEW_LOGIN_ATTEMPTS: '1/1m' }, clock);
    t.after(() => own.close());
    const wrong = { ...credentials, password: 'wrong' };
    assert.equal((await own.post('/auth/login', wrong)).status, 401);
    const over = await own.post('/auth/login', wrong);
    assert.equal(over.headers.get('retry-after'), '60');
    refused(over, 429, errorBody('REQUESTS_EXCEEDED', 'Too many requests, retry after 60s.'));
  });

  test('the table has a row for every error', () => {
    assert.deepEqual(Object.keys(refusalOf).sort(), Object.keys(callErrors).sort());
  });
});
