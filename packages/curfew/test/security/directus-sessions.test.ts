import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { makeKey } from '../../src/authority/keys.ts';
import { minute, second } from '../../src/domain/limits.ts';
import { formatToken, newSecret, parseToken } from '../../src/domain/tokens.ts';
import {
  credentials,
  DirectusServer,
  errorBody,
  invalidCredentials,
  refreshCookie,
  type Sending,
  sessionCookie,
} from '../dialects/directus/support.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { countCalls } from '../support/count-calls.ts';
import { manualClock, random } from '../support/ports.ts';
import { startProcess } from '../support/process.ts';
import { adminPassword, type Json } from '../support/server.ts';

type After = { after(done: () => Promise<void>): void };

async function start(t: After, env: Record<string, string> = {}) {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  const directus = await DirectusServer.start(env, clock);
  t.after(() => directus.close());
  return { clock, directus };
}

const sessionsOf = async (directus: DirectusServer): Promise<Json[]> =>
  (await directus.server.call('GET', '/v1/sessions?limit=100')).body.sessions;

describe('sessions: Directus', () => {
  test('7.2.1: nothing that a client makes up is accepted: claims, cookies, ids, a secret of its own', async (t) => {
    const { directus } = await start(t);
    await directus.server.createAccount('eve', { email: 'eve@example.com' });
    const eve = { email: 'eve@example.com', password: 'eve password' };
    const { data } = (await directus.login({ ...eve, id: 'admin', role: 'admin', admin_access: true, session: 'x' }))
      .body;
    assert.deepEqual(decodeJwt(data.access_token)['admin_access'], false);
    const me = await directus.me({ bearer: data.access_token }, '?fields=email,role&id=admin&role=admin');
    assert.deepEqual(me.body, { data: { email: 'eve@example.com', role: 'member' } });
    const as = { bearer: data.access_token };
    await directus.post('/users/me/tfa/generate', { password: 'eve password' }, as);
    const own = await directus.post('/users/me/tfa/enable', { secret: 'JBSWY3DPEHPK3PXP', otp: '123456' }, as);
    assert.equal(own.status, 400);
  });

  test('7.2.4: signing in again, in any mode, ends the session that the client presented', async (t) => {
    const { directus } = await start(t);
    const json = (await directus.login()).body.data;
    const cookie = await directus.loginForCookie('cookie');
    const session = await directus.loginForCookie('session');
    const shown: Sending[] = [
      { bearer: json.access_token },
      { cookies: { [refreshCookie]: cookie } },
      { cookies: { [sessionCookie]: session } },
    ];
    for (const sending of shown) {
      const before = await sessionsOf(directus);
      // A failed sign-in ends nothing.
      await directus.post('/auth/login', { ...credentials, password: 'wrong' }, sending);
      assert.deepEqual(
        (await sessionsOf(directus)).map(({ status }) => status),
        before.map(({ status }) => status),
      );
      await directus.login({ mode: 'session' }, sending);
    }
    const ended = (await sessionsOf(directus)).filter(({ status }) => status === 'ended');
    assert.deepEqual(
      ended.map(({ endReason }) => endReason),
      ['replaced', 'replaced', 'replaced'],
    );
    assert.deepEqual((await directus.me({ bearer: json.access_token })).body, invalidCredentials);
    for (const [mode, cookies] of [
      ['cookie', shown[1]!.cookies],
      ['session', shown[2]!.cookies],
    ] as const) {
      assert.equal((await directus.post('/auth/refresh', { mode }, { cookies })).status, 401);
    }
  });

  test('CVE-2026-7507: no id or cookie from before the sign-in survives it', async (t) => {
    const { directus } = await start(t);
    await directus.server.createAccount('eve', { email: 'eve@example.com' });
    const eve = { email: 'eve@example.com', password: 'eve password' };
    // Eve plants her own cookies in the browser of somebody who then signs in.
    const planted = {
      [refreshCookie]: (await directus.login({ ...eve, mode: 'cookie' })).cookies[0]!.value,
      [sessionCookie]: (await directus.login({ ...eve, mode: 'session' })).cookies[0]!.value,
    };
    const signedIn = await directus.login({ mode: 'session' }, { cookies: planted });
    assert.ok(!Object.values(planted).includes(signedIn.cookies[0]!.value));
    for (const mode of ['cookie', 'session']) {
      assert.equal((await directus.post('/auth/refresh', { mode }, { cookies: planted })).status, 401);
    }
    const made = { [refreshCookie]: 'made-up', [sessionCookie]: 'made-up' };
    assert.notEqual((await directus.login({ mode: 'cookie' }, { cookies: made })).cookies[0]!.value, 'made-up');
  });

  test('7.4.1, CVE-2026-9802: an ended session and its access token stay invalid, even after a kill and a restart', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const env = {
      CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`,
      CURFEW_API_KEY: makeKey(Date.now(), random),
      CURFEW_ADMIN_PASSWORD: adminPassword,
      CURFEW_ADMIN_EMAIL: credentials.email,
    };
    let server = await startProcess(env);
    t.after(() => server.child.kill('SIGKILL'));
    const post = async (path: string, body: object) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: answer.status, body: (answer.status === 204 ? undefined : await answer.json()) as Json };
    };
    const me = async (token: string) =>
      (await fetch(`${server.url}/users/me`, { headers: { authorization: `Bearer ${token}` } })).status;
    const ended = (await post('/auth/login', credentials)).body.data;
    const kept = (await post('/auth/login', credentials)).body.data;
    assert.equal((await post('/auth/logout', { refresh_token: ended.refresh_token })).status, 204);
    await server.stop('SIGKILL');
    server = await startProcess(env);
    assert.deepEqual([await me(ended.access_token), await me(kept.access_token)], [401, 200]);
    assert.equal((await post('/auth/refresh', { refresh_token: ended.refresh_token })).status, 401);
    assert.equal((await post('/auth/refresh', { refresh_token: kept.refresh_token })).status, 200);
  });

  test('CVE-2026-1035: 64 concurrent refreshes, by body or by cookie, get the same successor', async (t) => {
    const { directus } = await start(t);
    const { refresh_token } = (await directus.login()).body.data;
    const cookies = { [refreshCookie]: await directus.loginForCookie('cookie') };
    const race = <T>(refresh: () => Promise<T>) => Promise.all(Array.from({ length: 64 }, refresh));
    const json = await race(() => directus.post('/auth/refresh', { refresh_token }));
    assert.deepEqual([...new Set(json.map(({ status }) => status))], [200]);
    assert.equal(new Set(json.map(({ body }) => body.data.refresh_token)).size, 1);
    const cookie = await race(() => directus.post('/auth/refresh', { mode: 'cookie' }, { cookies }));
    assert.equal(new Set(cookie.map((answer) => answer.cookies[0]!.value)).size, 1);
    const session = { [sessionCookie]: await directus.loginForCookie('session') };
    const sealed = await race(() => directus.post('/auth/refresh', { mode: 'session' }, { cookies: session }));
    // Each cookie is sealed anew; all contain the same successor, so all are valid.
    for (const {
      status,
      cookies: [one],
    } of sealed) {
      assert.equal(status, 200);
      assert.equal((await directus.me({ cookies: { [sessionCookie]: one!.value } })).status, 200);
    }
    assert.equal((await sessionsOf(directus)).filter(({ status }) => status === 'active').length, 3);
  });

  test('RFC 9700 4.14.2: a stolen refresh token, used after its owner, ends the session for both', async (t) => {
    const { clock, directus } = await start(t);
    const stolen = (await directus.login()).body.data.refresh_token;
    const owner = (await directus.post('/auth/refresh', { refresh_token: stolen })).body.data;
    clock.advance(31 * second);
    assert.deepEqual((await directus.post('/auth/refresh', { refresh_token: stolen })).body, invalidCredentials);
    assert.deepEqual((await directus.me({ bearer: owner.access_token })).body, invalidCredentials);
    const [session] = await sessionsOf(directus);
    assert.deepEqual([session.status, session.endReason], ['ended', 'refresh_reuse']);
  });

  test('CVE-2025-71402: a forged cookie ends no session', async (t) => {
    const { directus } = await start(t);
    const { data } = (await directus.login()).body;
    const { sid } = decodeJwt(data.access_token);
    const [header, body] = data.access_token.split('.');
    const forged = [
      String(sid),
      `cfr_${sid}`,
      `${header}.${body}.`,
      `${data.refresh_token.slice(0, 26)}${'0'.repeat(49)}`,
    ];
    for (const value of forged) {
      const cookies = { [refreshCookie]: value, [sessionCookie]: value };
      for (const mode of ['cookie', 'session']) {
        assert.equal((await directus.post('/auth/logout', { mode }, { cookies })).status, 204);
      }
      assert.equal((await directus.post('/auth/logout', { refresh_token: value })).status, 204);
    }
    assert.equal((await directus.me({ bearer: data.access_token })).status, 200);
  });

  test('of several forged cookies, none makes the server derive tokens', async (t) => {
    const { directus } = await start(t);
    const { data } = (await directus.login()).body;
    await directus.post('/auth/refresh', { refresh_token: data.refresh_token });
    const { id } = parseToken('refresh', data.refresh_token)!;
    const forged = Array.from({ length: 8 }, () => formatToken('refresh', id, newSecret(random)));
    const derivations = countCalls(t, 'createHmac');
    const headers = { cookie: forged.map((token) => `${refreshCookie}=${token}`).join('; ') };
    assert.equal((await directus.post('/auth/refresh', { mode: 'cookie' }, { headers })).status, 401);
    assert.equal(derivations(), 0);
  });

  test('CVE-2025-48947, CVE-2025-64762: no-store is sent with every cookie and with every response of these routes', async (t) => {
    const { directus } = await start(t);
    const answers = [await directus.login()];
    for (const mode of ['cookie', 'session'] as const) {
      const login = await directus.login({ mode });
      const cookies = { [login.cookies[0]!.name]: login.cookies[0]!.value };
      const refresh = await directus.post('/auth/refresh', { mode }, { cookies });
      const next = { cookies: { [refresh.cookies[0]!.name]: refresh.cookies[0]!.value } };
      answers.push(login, refresh, await directus.me(next), await directus.post('/auth/logout', { mode }, next));
    }
    answers.push(await directus.me(), await directus.me({ cookies: { [sessionCookie]: 'x' } }));
    assert.equal(answers.filter(({ cookies }) => cookies.length > 0).length, 7);
    for (const { headers } of answers) assert.equal(headers.get('cache-control'), 'no-store');
  });

  test('CSRF, N6.1: a page of another site cannot change anything with the cookies of this one', async (t) => {
    const { directus } = await start(t);
    const refresh = { [refreshCookie]: await directus.loginForCookie('cookie') };
    const session = { [sessionCookie]: await directus.loginForCookie('session') };
    const forbidden = errorBody('FORBIDDEN', "You don't have permission to access this.");
    const elsewhere = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ];
    const calls: [path: string, body: object | undefined, cookies: Record<string, string>][] = [
      ['/auth/refresh', undefined, refresh],
      ['/auth/refresh', { mode: 'session' }, session],
      ['/auth/logout', undefined, refresh],
      ['/auth/logout', { mode: 'session' }, session],
      ['/auth/login', credentials, session],
      ['/users/me/tfa/generate', { password: adminPassword }, session],
      ['/users/me/tfa/disable', { otp: '123456' }, session],
    ];
    const { sequence } = await directus.server.context.store.logHead();
    for (const headers of elsewhere) {
      for (const [path, body, cookies] of calls) {
        const answer = await directus.post(path, body, { cookies, headers });
        assert.deepEqual([answer.status, answer.body], [403, forbidden], path);
      }
    }
    assert.equal((await directus.server.context.store.logHead()).sequence, sequence);
    // Other credentials in the request do not disable the check: a proxy's own authorization, or a token in the query.
    const { data } = (await directus.login()).body;
    for (const [path, body, cookies] of calls.slice(0, 5)) {
      for (const authorization of ['Basic eDp5', `Bearer ${data.access_token}`]) {
        const headers = { 'sec-fetch-site': 'cross-site', authorization };
        assert.equal((await directus.post(path, body, { cookies, headers })).status, 403, `${path} ${authorization}`);
      }
      const query = `${path}?access_token=${data.access_token}`;
      assert.equal((await directus.post(query, body, { cookies, headers: elsewhere[0]! })).status, 403, query);
    }
    for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { origin: directus.server.url }, {}]) {
      assert.equal(
        (await directus.post('/users/me/tfa/generate', { password: adminPassword }, { cookies: session, headers }))
          .status,
        200,
      );
    }
  });

  test('N6.2: of two cookies with the same name the valid one is used, and a logout ends all of them', async (t) => {
    const { directus } = await start(t);
    const sent = (name: string, ...values: string[]) => ({
      headers: { cookie: values.map((value) => `${name}=${value}`).join('; ') },
    });
    for (const [mode, name] of [
      ['cookie', refreshCookie],
      ['session', sessionCookie],
    ] as const) {
      const old = await directus.loginForCookie(mode);
      await directus.post('/auth/logout', { mode }, { cookies: { [name]: old } });
      const live = await directus.loginForCookie(mode);
      if (mode === 'session') assert.equal((await directus.me(sent(name, old, live))).status, 200);
      const next = await directus.post('/auth/refresh', { mode }, sent(name, old, 'made up', live));
      assert.equal(next.status, 200, mode);
      const other = await directus.loginForCookie(mode);
      const out = await directus.post('/auth/logout', { mode }, sent(name, old, next.cookies[0]!.value, other));
      assert.equal(out.status, 204);
    }
    assert.deepEqual(
      [...new Set((await sessionsOf(directus)).map(({ status, endReason }) => `${status} ${endReason}`))],
      ['ended logout'],
    );
  });

  test('N6.4: cookies are Secure when the browser uses TLS, even behind an untrusted proxy', async (t) => {
    const { directus } = await start(t);
    const secure = async (headers: Record<string, string>) => {
      const { cookies } = await directus.login({ mode: 'session' }, { headers });
      return cookies[0]!.attributes.includes('secure');
    };
    const { host } = new URL(directus.server.url);
    assert.equal(await secure({ 'x-forwarded-proto': 'https' }), true);
    assert.equal(await secure({ 'x-forwarded-proto': 'https, http' }), true);
    assert.equal(await secure({ forwarded: 'for=192.0.2.1;proto=https;by=10.0.0.1' }), true);
    assert.equal(await secure({ origin: `https://${host}` }), true);
    assert.equal(await secure({ origin: directus.server.url }), false);
    assert.equal(await secure({ 'x-forwarded-proto': 'http' }), false);
    assert.equal(await secure({}), false);
  });

  test('N6.3: a trusted proxy that replaces Host gives the browser’s host in X-Forwarded-Host', async (t) => {
    const page = { origin: 'https://app.example', 'x-forwarded-host': 'app.example:443' };
    for (const [trusted, status] of [
      ['127.0.0.1', 204],
      ['false', 403],
    ] as const) {
      const { directus } = await start(t, { CURFEW_TRUST_PROXY: trusted });
      const cookies = { [refreshCookie]: await directus.loginForCookie('cookie') };
      const proxied = { ...page, 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' };
      const other = { ...proxied, origin: 'https://evil.example' };
      assert.equal((await directus.post('/auth/logout', undefined, { cookies, headers: other })).status, 403);
      assert.equal((await directus.post('/auth/logout', undefined, { cookies, headers: proxied })).status, status);
    }
  });

  test('No enumeration, GHSA-xg6x-h9c9-2m83: a pending second factor is not a session, and unknown, wrong, disabled and missing get the same answer', async (t) => {
    const { clock, directus } = await start(t);
    const account = await directus.server.createAccount('ada', { email: 'ada@example.com' });
    await directus.server.enrol(account.id);
    const off = await directus.server.createAccount('bob', { email: 'bob@example.com' });
    await directus.server.call('PATCH', `/v1/accounts/${off.id}`, { disabled: true });
    clock.advance(minute);
    const post = (email: string, password: string, more: object = {}) =>
      directus.post('/auth/login', { email, password, ...more });
    const alike = [
      await post('nobody@example.com', 'x'),
      await post('ada@example.com', 'wrong'),
      await post('ada@example.com', 'wrong', { otp: '123456' }),
      await post('bob@example.com', 'bob password'),
    ];
    for (const { status, body, cookies } of alike)
      assert.deepEqual([status, body, cookies], [401, invalidCredentials, []]);
    const missing = await post('ada@example.com', 'ada password', { mode: 'session' });
    assert.deepEqual(
      [missing.status, missing.body, missing.cookies],
      [401, errorBody('INVALID_OTP', 'Invalid user OTP.'), []],
    );
    assert.deepEqual(await sessionsOf(directus), []);
  });

  test('Secrets: no log contains secrets: access tokens, session cookies, refresh tokens, or those in a query', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const server = await startProcess({
      CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`,
      CURFEW_ADMIN_PASSWORD: adminPassword,
      CURFEW_ADMIN_EMAIL: credentials.email,
      CURFEW_LOG_LEVEL: 'debug',
    });
    t.after(() => server.child.kill('SIGKILL'));
    const post = (path: string, body: object, cookie = '') =>
      fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie },
        body: JSON.stringify(body),
      });
    const { data } = (await (await post('/auth/login', credentials)).json()) as Json;
    const cookie = (await post('/auth/login', { ...credentials, mode: 'session' })).headers
      .getSetCookie()[0]!
      .split(';')[0]!;
    await post('/auth/refresh', { mode: 'session' }, cookie);
    await post('/auth/login', { ...credentials, password: 'a wrong guess' });
    await fetch(`${server.url}/users/me?access_token=${data.access_token}`);
    await fetch(`${server.url}/directus/nothing?access_token=${data.access_token}`);
    await post('/auth/logout', { refresh_token: data.refresh_token });
    await server.stop('SIGTERM');
    const logged = [...server.log, ...server.told].join('\n');
    assert.ok(
      logged.includes('"path":"/users/me"') && logged.includes('"path":"/auth/refresh"'),
      'requests are logged',
    );
    for (const secret of [
      data.access_token,
      data.refresh_token,
      cookie.split('=')[1]!,
      adminPassword,
      'a wrong guess',
    ]) {
      assert.ok(!logged.includes(secret));
    }
  });
});
