import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type AuthenticationData,
  type AuthenticationMode,
  authentication,
  createDirectus,
  disableTwoFactor,
  enableTwoFactor,
  generateTwoFactorSecret,
  login,
  logout,
  readMe,
  refresh,
  rest,
  staticToken,
} from '@directus/sdk';
import { chromium } from 'playwright-core';
import { Authenticator, adminPassword, type Json, TestServer } from '../../../packages/curfew/test/support/server.ts';

const credentials = { email: 'admin@example.com', password: adminPassword };

/** What the SDK rejects with: Directus's errors, and their response. */
const withCode = (code: string, status: number) => (error: Json) => {
  assert.deepEqual([error.errors?.[0]?.extensions.code, error.response?.status], [code, status]);
  return true;
};

/** `fetch` as in a browser on one site: it keeps the cookies and sends them. */
function browserFetch(): { fetch: typeof fetch; cookies: Map<string, string> } {
  const cookies = new Map<string, string>();
  return {
    cookies,
    async fetch(input, init) {
      const headers = new Headers(init?.headers);
      if (cookies.size > 0) headers.set('cookie', [...cookies].map((pair) => pair.join('=')).join('; '));
      const answer = await fetch(input, { ...init, headers });
      for (const line of answer.headers.getSetCookie()) {
        const [name, value] = line.split(';')[0]!.split('=') as [string, string];
        cookies.set(name, value);
      }
      return answer;
    },
  };
}

describe('Directus’s own client', () => {
  let server: TestServer;
  /** Milliseconds by which the server's clock is ahead. */
  let ahead = 0;
  before(async () => {
    server = await TestServer.start({}, { now: () => Date.now() + ahead });
  });
  after(() => server.close());

  /** A client as an application creates it, in one of the three modes. */
  function connect(mode: AuthenticationMode, path = '') {
    const { fetch: ours, cookies } = browserFetch();
    const client = createDirectus(server.url + path, { globals: { fetch: ours } })
      .with(authentication(mode, { autoRefresh: false, credentials: 'include' }))
      .with(rest({ credentials: 'include' }));
    return { client, cookies };
  }

  const lastSession = async () => (await server.call('GET', '/v1/sessions?limit=1')).body.sessions[0];

  for (const mode of ['json', 'cookie', 'session'] as const) {
    for (const path of ['', '/directus']) {
      test(`mode ${mode} at ${path || '/'}: sign in, read, refresh, read, log out`, async () => {
        const { client, cookies } = connect(mode, path);
        await assert.rejects(Promise.resolve(client.request(readMe())), withCode('INVALID_CREDENTIALS', 401));
        const signedIn = await client.login(credentials);
        assert.equal(signedIn.expires, mode === 'session' ? 86_400_000 : 900_000);
        assert.equal(typeof signedIn.access_token, mode === 'session' ? 'undefined' : 'string');
        assert.equal(typeof signedIn.refresh_token, mode === 'json' ? 'string' : 'undefined');
        assert.equal((await client.request(readMe()))['email'], credentials.email);
        const before = new Map(cookies);
        const refreshed = await client.refresh();
        assert.notEqual(refreshed.refresh_token ?? [...cookies][0]![1], signedIn.refresh_token ?? [...before][0]?.[1]);
        assert.deepEqual(await client.request(readMe({ fields: ['email', 'role'] })), {
          email: credentials.email,
          role: 'admin',
        });
        const session = await lastSession();
        assert.equal(session.status, 'active');
        await client.logout();
        await assert.rejects(Promise.resolve(client.request(readMe())), withCode('INVALID_CREDENTIALS', 401));
        // Without anything to refresh with, the client gets an error.
        await assert.rejects(client.refresh(), withCode('INVALID_PAYLOAD', 400));
        const { body } = await server.call('GET', `/v1/sessions/${session.id}`);
        assert.deepEqual([body.session.status, body.session.endReason], ['ended', 'logout']);
      });
    }

    test(`mode ${mode}: a session that an administrator ends is refused at the client's next call`, async () => {
      const { client } = connect(mode);
      await client.login(credentials);
      await client.request(readMe());
      await server.call('DELETE', `/v1/sessions/${(await lastSession()).id}`);
      await assert.rejects(Promise.resolve(client.request(readMe())), withCode('INVALID_CREDENTIALS', 401));
      if (mode !== 'session') await assert.rejects(client.refresh(), withCode('INVALID_CREDENTIALS', 401));
    });

    test(`mode ${mode}: the second factor, from enrolment to removal`, async () => {
      const name = `tfa-${mode}`;
      await server.createAccount(name, { email: `${name}@example.com` });
      const own = { email: `${name}@example.com`, password: `${name} password` };
      const { client } = connect(mode);
      await client.login(own);
      const wrong = Promise.resolve(client.request(generateTwoFactorSecret('wrong')));
      await assert.rejects(wrong, withCode('INVALID_CREDENTIALS', 401));
      const { secret, otpauth_url } = await client.request(generateTwoFactorSecret(own.password));
      assert.equal(new URL(otpauth_url).searchParams.get('secret'), secret);
      // The first code is the one that is shown, which counts until the next step ends.
      const authenticator = new Authenticator(secret, () => Date.now() + ahead + 30_000);
      const no = Promise.resolve(client.request(enableTwoFactor(secret, authenticator.wrong())));
      await assert.rejects(no, withCode('INVALID_PAYLOAD', 400));
      await client.request(enableTwoFactor(secret, authenticator.next()));
      const again = connect(mode).client;
      await assert.rejects(again.login({ ...own }), withCode('INVALID_OTP', 401));
      await assert.rejects(again.login({ ...own }, { otp: authenticator.wrong() }), withCode('INVALID_OTP', 401));
      await again.login({ ...own }, { otp: authenticator.next() });
      assert.equal((await again.request(readMe()))['tfa_secret'], '**********');
      ahead += 30_000;
      await again.request(disableTwoFactor(authenticator.next()));
      await connect(mode).client.login({ ...own });
    });
  }

  test('its commands do the same without the composable', async () => {
    const { fetch: ours, cookies } = browserFetch();
    const client = createDirectus(server.url, { globals: { fetch: ours } }).with(rest());
    const first = await client.request(login({ ...credentials }, { mode: 'json' }));
    const next = await client.request(refresh({ mode: 'json', refresh_token: first.refresh_token! }));
    await client.request(logout({ mode: 'json', refresh_token: next.refresh_token! }));
    const gone = Promise.resolve(client.request(refresh({ mode: 'json', refresh_token: next.refresh_token! })));
    await assert.rejects(gone, withCode('INVALID_CREDENTIALS', 401));
    await client.request(login({ ...credentials }, { mode: 'session' }));
    assert.equal((await client.request(readMe()))['email'], credentials.email);
    await client.request(logout({ mode: 'session' }));
    assert.equal(cookies.get('directus_session_token'), '');
  });

  test('a session token of any surface is a static token to it', async () => {
    const { token } = await server.createSession('ada');
    const client = createDirectus(server.url).with(staticToken(token)).with(rest());
    assert.deepEqual(await client.request(readMe()), { id: 'ada' });
  });

  test('two clients that share their storage refresh at the same moment, and both still work', async () => {
    let kept: AuthenticationData | null = null;
    const shared = () => {
      // Each reads the storage as it was when it began, as two tabs do.
      const storage = {
        get: () => kept,
        set: (value: AuthenticationData | null) => {
          if (value?.refresh_token) kept = value;
        },
      };
      return createDirectus(server.url)
        .with(authentication('json', { autoRefresh: false, storage }))
        .with(rest());
    };
    const [one, two] = [shared(), shared()];
    await one.login(credentials);
    const [first, second] = await Promise.all([one.refresh(), two.refresh()]);
    assert.equal(first.refresh_token, second.refresh_token);
    for (const client of [one, two]) assert.equal((await client.request(readMe()))['email'], credentials.email);
  });

  test('it refreshes by itself before its token expires', async (t) => {
    // It does so 30 s before: with a token of 31 s, after one.
    const own = await TestServer.start({ CURFEW_DIRECTUS_ACCESS: '31s' });
    t.after(() => own.close());
    const seen: string[] = [];
    let renewed = () => {};
    const done = new Promise<void>((resolve) => {
      renewed = resolve;
    });
    let kept: AuthenticationData | null = null;
    const storage = {
      get: () => kept,
      set(value: AuthenticationData | null) {
        kept = value;
        if (value?.refresh_token) seen.push(value.refresh_token);
        if (seen.length === 2) renewed();
      },
    };
    const client = createDirectus(own.url).with(authentication('json', { storage })).with(rest());
    await client.login(credentials);
    await done;
    client.stopRefreshing();
    assert.equal(new Set(seen).size, 2);
    assert.equal((await client.request(readMe()))['email'], credentials.email);
  });

  const browser = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
  test('in a real browser: the cookies are stored, sent, hidden from scripts, renewed and emptied', {
    skip: browser ? false : 'chromium is not installed',
  }, async (t) => {
    const running = await chromium.launch({ executablePath: browser!, args: ['--no-sandbox'] });
    t.after(() => running.close());
    const sdk = fileURLToPath(new URL('../node_modules/@directus/sdk/dist/', import.meta.url));
    for (const mode of ['cookie', 'session'] as const) {
      const context = await running.newContext();
      const page = await context.newPage();
      // The application is a page of the same site, as behind a proxy; Curfew answers everything else.
      await page.route(`${server.url}/app/**`, (route) => {
        const path = new URL(route.request().url()).pathname.slice('/app/'.length);
        const script = path.endsWith('.js');
        const body = script ? readFileSync(sdk + path) : '<!doctype html><title>An application</title>';
        return route.fulfill({ contentType: script ? 'text/javascript' : 'text/html', body });
      });
      await page.goto(`${server.url}/app/`);
      const told = await page.evaluate(
        async ({ how, who, origin }) => {
          const path = '/app/index.js';
          const { createDirectus: create, authentication: auth, rest: over, readMe: me } = await import(path);
          const client = create(origin)
            .with(auth(how, { autoRefresh: false, credentials: 'include' }))
            .with(over({ credentials: 'include' }));
          await client.login(who);
          const { email } = await client.request(me());
          await client.refresh();
          const again = await client.request(me());
          const seen = (globalThis as unknown as { document: { cookie: string } }).document.cookie;
          await client.logout();
          const refused = await client.request(me()).catch((error: Json) => error.errors[0].extensions.code);
          return { email, again: again.email, seen, refused };
        },
        { how: mode, who: credentials, origin: server.url },
      );
      const { email } = credentials;
      assert.deepEqual(told, { email, again: email, seen: '', refused: 'INVALID_CREDENTIALS' });
      const kept = await context.cookies(server.url);
      assert.deepEqual(
        kept.map(({ value, httpOnly, sameSite }) => [value, httpOnly, sameSite]),
        [['', true, 'Lax']],
      );
      assert.equal((await lastSession()).endReason, 'logout');
      await context.close();
    }
  });
});
