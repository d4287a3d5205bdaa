import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type Client, createClient } from 'curfew-client';
import { tokenLength } from 'curfew-client/protocol';
import { createVerifier, type SessionOptions, type Verifier } from 'curfew-client/verifier';
import { TestServer } from '../../curfew/test/support/server.ts';
import { type Found, Sessions } from '../src/middleware/sessions.ts';

const secrets = ['the newest secret', 'the one before'];
const hmac = (text: string, secret: string) => createHmac('sha256', secret).update(text).digest('base64');

/** How each program writes a secret into its cookie. */
const programs: Record<string, { cookie: string; secrets?: string[]; cookieOf(secret: string, key?: string): string }> =
  {
    express: {
      cookie: 'connect.sid',
      secrets,
      cookieOf: (sid, key = secrets[0]!) => encodeURIComponent(`s:${sid}.${hmac(sid, key).replace(/=+$/, '')}`),
    },
    fastify: {
      cookie: 'sessionId',
      secrets,
      cookieOf: (sid, key = secrets[0]!) => encodeURIComponent(`${sid}.${hmac(sid, key).replace(/=+$/, '')}`),
    },
    'better-auth': {
      cookie: '__Secure-better-auth.session_token',
      secrets,
      cookieOf: (token, key = secrets[0]!) => encodeURIComponent(`${token}.${hmac(token, key)}`),
    },
    django: { cookie: 'sessionid', cookieOf: (key) => key },
  };

let server: TestServer;
let verifier: Verifier;
let client: Client;
before(async () => {
  server = await TestServer.start();
  verifier = createVerifier({ url: server.url, key: server.key });
  client = createClient({ url: server.url, token: server.key });
});
after(async () => {
  verifier.close();
  await server.close();
});

const sessionsWith = (kind: string, more: SessionOptions & { replace?: boolean } = {}) => {
  const { cookie, secrets: signing } = programs[kind]!;
  const { replace, ...options } = more;
  return new Sessions(verifier, {
    client,
    oldCookie: { cookie, kind, ...(signing && { secrets: signing }), replace },
    ...options,
  });
};

async function imported(kind: string, userId = 'ada') {
  const secret = randomUUID();
  const hash = createHash('sha256').update(secret).digest('base64url');
  return { secret, ...(await server.createSession(userId, { aliases: [{ kind, hash }] })) };
}

const request = (cookie: string | undefined, more: Record<string, string> = {}, method = 'GET') => ({
  method,
  headers: { ...(cookie !== undefined && { cookie }), ...more },
});
const refusalOf = (found: Found) => ('refusal' in found ? [found.refusal.status, found.refusal.body.reason] : []);
const userOf = (found: Found) => ('session' in found ? found.session.userId : refusalOf(found));

for (const [kind, { cookie, secrets: signing, cookieOf }] of Object.entries(programs)) {
  describe(`the old cookie of ${kind}`, () => {
    test('opens its session without a new sign-in, and after a logout elsewhere it does not', async () => {
      const sessions = sessionsWith(kind);
      const { secret, session } = await imported(kind);
      const asked = request(`theme=dark; ${cookie}=${cookieOf(secret)}`);
      for (let i = 0; i < 2; i++) {
        const found = await sessions.verifyRequest(asked);
        assert.equal(userOf(found), 'ada');
        assert.deepEqual(found.cookies, [], 'a cookie was set although nothing is to be replaced');
      }
      await server.call('DELETE', `/v1/sessions/${session.id}`);
      assert.deepEqual(refusalOf(await sessions.verifyRequest(asked)), [401, 'ended_by_admin']);
    });

    test('is replaced at the first visit if asked to: the browser gets Curfew’s cookies, and the old one is removed', async () => {
      const sessions = sessionsWith(kind, { replace: true });
      const { secret } = await imported(kind);
      const asked = request(`${cookie}=${cookieOf(secret)}`);
      // Several tabs at once.
      const tabs = await Promise.all([1, 2, 3].map(() => sessions.verifyRequest(asked)));
      for (const found of tabs) {
        assert.equal(userOf(found), 'ada');
        assert.deepEqual(found.cookies, tabs[0]!.cookies);
      }
      const [token, refresh, old] = tabs[0]!.cookies;
      assert.deepEqual([token!.name, refresh!.name], ['__Host-curfew', '__Host-curfew-refresh']);
      assert.deepEqual([old!.name, old!.value, old!.options.maxAge], [cookie, '', 0]);
      assert.equal(userOf(await sessions.verifyRequest(request(`__Host-curfew=${token!.value}`))), 'ada');
      // Where no cookie can be set, none is replaced.
      assert.deepEqual((await sessions.readRequest(asked)).cookies, []);
    });

    test('of several cookies of one name each is tried', async () => {
      const sessions = sessionsWith(kind);
      const { secret } = await imported(kind);
      const others = [cookieOf(randomUUID()), 'nonsense', '%E0%A4%A', ''].map((value) => `${cookie}=${value}`);
      const asked = request([...others, `${cookie}=${cookieOf(secret)}`].join('; '));
      assert.equal(userOf(await sessions.verifyRequest(asked)), 'ada');
      assert.deepEqual(refusalOf(await sessions.verifyRequest(request(others.join('; ')))), [401, 'unknown']);
    });

    test('has a secret that is not a token: as a bearer, its alias opens nothing', async () => {
      const sessions = sessionsWith(kind);
      const secret = randomBytes(64)
        .toString('hex')
        .slice(0, tokenLength - kind.length - 1);
      const hash = createHash('sha256').update(secret).digest('base64url');
      await server.createSession('ada', { aliases: [{ kind, hash }] });
      // From now on it is known.
      assert.equal(userOf(await sessions.verifyRequest(request(`${cookie}=${cookieOf(secret)}`))), 'ada');
      for (const text of [`${kind}:${secret}`, secret]) {
        const bearer = { authorization: `Bearer ${text}` };
        assert.deepEqual(refusalOf(await sessions.verifyRequest(request(undefined, bearer))), [401, 'malformed']);
        const asToken = request(`__Host-curfew=${text}`);
        assert.deepEqual(refusalOf(await sessions.verifyRequest(asToken)), [401, 'malformed']);
      }
    });

    if (!signing) return;
    test('counts only with its signature; a secret from before a change of secrets is accepted too', async () => {
      const sessions = sessionsWith(kind);
      const { secret } = await imported(kind);
      const through = async (value: string) => userOf(await sessions.verifyRequest(request(`${cookie}=${value}`)));
      assert.equal(await through(cookieOf(secret, secrets[1])), 'ada');
      const good = decodeURIComponent(cookieOf(secret));
      const { asked } = verifier.statistics();
      const flipped = good.slice(0, -3) + (good.at(-3) === 'A' ? 'B' : 'A') + good.slice(-2);
      const wrong = [
        cookieOf(secret, 'a guess'),
        encodeURIComponent(flipped),
        secret,
        `s%3A${secret}`,
        `${secret}.`,
        `.${secret}`,
      ];
      for (const value of wrong) assert.deepEqual(await through(value), [401, 'malformed'], value);
      assert.equal(verifier.statistics().asked, asked, 'a cookie with a wrong signature was looked up');
    });
  });
}

test('a cookie whose name only looks like the old one’s, because a byte 0xA0 is before it, is not looked up', async () => {
  const sessions = sessionsWith('better-auth');
  const { secret } = await imported('better-auth');
  const { cookie, cookieOf } = programs['better-auth']!;
  const found = await sessions.verifyRequest(request(`theme=dark; \xa0${cookie}=${cookieOf(secret)}`));
  assert.ok('refusal' in found && found.refusal.body.code === 'authentication_required');
});

test('a proxy’s own authorization does not hide an old cookie; a session token in it takes precedence', async () => {
  const sessions = sessionsWith('django', { replace: true });
  const { secret } = await imported('django');
  const cookie = `sessionid=${secret}`;
  for (const authorization of ['Basic eDp5', 'Bearer of-the-proxy']) {
    assert.equal(userOf(await sessions.readRequest(request(cookie, { authorization }))), 'ada');
  }
  const bob = await server.createSession('bob');
  const found = await sessions.verifyRequest(request(cookie, { authorization: `Bearer ${bob.token}` }));
  assert.deepEqual([userOf(found), found.cookies], ['bob', []]);
  await server.call('DELETE', `/v1/sessions/${bob.session.id}`);
  const ended = await sessions.verifyRequest(request(cookie, { authorization: `Bearer ${bob.token}` }));
  assert.deepEqual(refusalOf(ended), [401, 'ended_by_admin']);
});

test('a cookie of Curfew takes precedence; if its session has ended, an old cookie opens no other', async () => {
  const sessions = sessionsWith('django');
  const [{ secret }, bob] = [await imported('django'), await server.createSession('bob')];
  const asked = request(`sessionid=${secret}; __Host-curfew=${bob.token}`);
  assert.equal(userOf(await sessions.verifyRequest(asked)), 'bob');
  const torn = request(`sessionid=${secret}; __Host-curfew=nonsense`);
  assert.equal(userOf(await sessions.verifyRequest(torn)), 'ada');
  await server.call('POST', '/v1/sessions/logout', { token: bob.token });
  assert.deepEqual(refusalOf(await sessions.verifyRequest(asked)), [401, 'logout']);
});

test('a page of another site cannot write with an old cookie', async () => {
  const sessions = sessionsWith('django');
  const { secret } = await imported('django');
  const from = (site: string) => request(`sessionid=${secret}`, { 'sec-fetch-site': site }, 'POST');
  const refused = await sessions.verifyRequest(from('cross-site'));
  assert.ok('refusal' in refused && refused.refusal.body.code === 'cross_site_refused');
  assert.equal(userOf(await sessions.verifyRequest(from('same-origin'))), 'ada');
  await assert.rejects(sessions.logOut(from('cross-site')), { code: 'cross_site_refused' });
});

test('a logout and a sign-in end the session of an old cookie, and remove the cookie', async () => {
  const sessions = sessionsWith('django', { replace: true });
  const ada = await imported('django');
  const asked = request(`sessionid=${ada.secret}`, { 'sec-fetch-site': 'same-origin' }, 'POST');
  const { receipt, cookies } = await sessions.logOut(asked);
  assert.equal(receipt?.everywhere, true);
  assert.ok(cookies.some(({ name, value }) => name === 'sessionid' && value === ''));
  assert.deepEqual(refusalOf(await sessions.verifyRequest(asked)), [401, 'logout']);
  assert.equal((await sessions.logOut(asked)).receipt?.everywhere, true, 'again: the first end');

  const cyd = await imported('django', 'cyd');
  const signedIn = await sessions.signIn(request(`sessionid=${cyd.secret}`), { userId: 'dan' });
  assert.deepEqual(
    signedIn.cookies.map(({ name }) => name),
    ['__Host-curfew', '__Host-curfew-refresh', 'sessionid'],
  );
  assert.equal((await server.verify(cyd.token)).active, false);
});

test('if no tokens can be had now, the request passes with its old cookie, and the next one tries again', async () => {
  const { secret } = await imported('django');
  let away = true;
  const unsure: Client = {
    ...client,
    exchangeAlias: (input) =>
      away ? Promise.reject(Object.assign(new Error('away'), { code: 'unreachable' })) : client.exchangeAlias(input),
  };
  const sessions = sessionsWith('django', { replace: true, client: unsure });
  const asked = request(`sessionid=${secret}`);
  const first = await sessions.verifyRequest(asked);
  assert.deepEqual([userOf(first), first.cookies], ['ada', []]);
  away = false;
  assert.equal((await sessions.verifyRequest(asked)).cookies.length, 3);
});

test('settings that cannot work are refused when the application starts', () => {
  const old = { cookie: 'connect.sid', kind: 'express' };
  assert.throws(() => new Sessions(verifier, { oldCookie: { ...old, replace: true } }), /replace .* requires client/);
  // An environment variable that is not set must not switch the check of the signature off.
  for (const wrong of ['', [], ['right', ''], undefined, ['right', undefined], null, 7] as (string | undefined)[]) {
    const setting = () => new Sessions(verifier, { oldCookie: { ...old, secrets: wrong } });
    assert.throws(setting, { name: 'RangeError', message: /^the secrets of the old cookie connect\.sid/ });
  }
  new Sessions(verifier, { oldCookie: old });
  assert.throws(() => new Sessions(verifier, { oldCookie: { ...old, kind: 'Express' } }), /kind/);
  assert.throws(() => new Sessions(verifier, { oldCookie: { ...old, cookie: '' } }), /name/);
});
