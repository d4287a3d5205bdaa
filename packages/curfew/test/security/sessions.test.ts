import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeNumber } from '../../src/domain/base62.ts';
import { day, minute } from '../../src/domain/limits.ts';
import { newSecret } from '../../src/domain/tokens.ts';
import { pooledRandom } from '../../src/start/compose.ts';
import { options } from '../../src/start/config.ts';
import { readPage, section } from '../support/pages.ts';
import { manualClock } from '../support/ports.ts';
import { type Authenticator, adminPassword, TestServer } from '../support/server.ts';

test('7.1.1: the documented limits are those in effect', async (t) => {
  const lifetimes = section(readPage('docs/sessions.md'), 'Lifetimes');
  const stated = (limit: string) =>
    Number(new RegExp(`\\| ${limit}: [^|]*\\| (\\d+) days \\|`).exec(lifetimes)?.[1]) * day;
  const clock = manualClock(Date.UTC(2026, 5, 1));
  const server = await TestServer.start({}, clock);
  t.after(() => server.close());
  for (const { session } of [(await server.login()).body, await server.createSession('ada')]) {
    assert.equal(Date.parse(session.expiresAt) - clock.now(), stated('absolute'));
    assert.equal(Date.parse(session.idleExpiresAt) - clock.now(), stated('idle'));
  }
  for (const { env } of [options.absolute, options.idle]) assert.ok(lifetimes.includes(`\`${env}\``), env);
});

test('7.2.3: no two of ten million secrets are alike', { timeout: 300_000 }, () => {
  const count = 10_000_000;
  const seen = new Float64Array(count);
  const drawn = pooledRandom();
  for (let i = 0; i < count; i++) seen[i] = decodeNumber(newSecret(drawn).slice(0, 8));
  seen.sort();
  let alike = 0;
  for (let i = 1; i < count; i++) if (seen[i] === seen[i - 1]) alike += 1;
  // In their first eight digits, 48 bits, a quarter of a pair is alike by chance; six pairs are, once in ten million
  // runs.
  assert.ok(alike < 6, `${alike} pairs begin alike`);
});

describe('sessions, as an attacker sees them', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let server: TestServer;
  let admin: { id: string; authenticator: Authenticator };
  before(async () => {
    server = await TestServer.start({}, clock);
    const { body } = await server.login();
    admin = { id: body.account.id, authenticator: await server.enrol(body.account.id) };
  });
  after(() => server.close());

  const withFactor = async () => {
    clock.advance(minute);
    return (await server.login('admin', adminPassword, admin.authenticator.next())).body.token;
  };

  test('7.2.1: no id, token, status or time that a client makes up is accepted', async () => {
    const before = await server.state();
    const made = { id: '0'.repeat(22), token: 'cfs_x', status: 'active', createdAt: 0, tokenHash: '', version: 9 };
    for (const [field, value] of Object.entries(made)) {
      const answer = await server.call('POST', '/v1/sessions', { userId: 'ada', [field]: value });
      assert.deepEqual([answer.status, answer.body.code], [400, 'unknown_field'], field);
    }
    assert.deepEqual(await server.state(), before);
  });

  test('CVE-2026-7507: a session from before a sign-in never survives it, and its id is not reused', async () => {
    const { session, token } = await server.createSession('mallory');
    const headers = { cookie: `__Host-curfew=${token}`, 'sec-fetch-site': 'same-origin' };
    const password = `fix password`;
    await server.createAccount('fix', { password });
    const signedIn = await server.call('POST', '/v1/login', { username: 'fix', password }, { as: '', headers });
    assert.equal(signedIn.status, 200, JSON.stringify(signedIn.body));
    assert.notEqual(signedIn.body.session.id, session.id);
    assert.notEqual(signedIn.body.token, token);
    assert.equal((await server.verify(signedIn.body.token)).session.userId, signedIn.body.account.id);
  });

  test('GHSA-xg6x-h9c9-2m83: no session is created without the second factor of an account', async () => {
    const before = await server.state();
    const answer = await server.login();
    assert.equal(answer.body.code, 'second_factor_required');
    assert.equal(answer.headers.get('set-cookie'), null);
    assert.deepEqual(
      Object.keys(answer.body).filter((key) => /token|session/i.test(key)),
      [],
    );
    assert.deepEqual(await server.state(), before);
  });

  test('CVE-2025-48947, CVE-2025-64762: no response that sets a cookie may be cached', async () => {
    clock.advance(minute);
    const code = admin.authenticator.next();
    const body = { username: 'admin', password: adminPassword, totp: code, cookie: true };
    const login = await server.call('POST', '/v1/login', body, { as: '' });
    const cookie = login.headers.get('set-cookie')!.split(';')[0]!;
    const headers = { cookie, 'sec-fetch-site': 'same-origin' };
    const logout = await server.call('POST', '/v1/logout', undefined, { as: '', headers });
    for (const answer of [login, logout]) {
      assert.match(answer.headers.get('set-cookie') ?? '', /^__Host-curfew=/);
      assert.equal(answer.headers.get('cache-control'), 'no-store');
    }
    assert.match(login.headers.get('set-cookie')!, /HttpOnly/);
    assert.match(login.headers.get('set-cookie')!, /Secure/);
    assert.match(login.headers.get('set-cookie')!, /SameSite=Lax/);
  });

  test('7.4.5: an administrator can end all sessions of one user, or everyone’s', async () => {
    const [ada, bob] = [await server.createSession('ada'), await server.createSession('bob')];
    const as = await withFactor();
    assert.equal((await server.call('DELETE', '/v1/users/ada/sessions', undefined, { as })).status, 200);
    assert.deepEqual(await server.verify(ada.token), { active: false, reason: 'all_of_user' });
    assert.equal((await server.verify(bob.token)).active, true);
    const everyone = await server.call('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' }, { as });
    assert.equal(everyone.status, 200);
    assert.deepEqual(await server.verify(bob.token), { active: false, reason: 'everyone' });
    assert.deepEqual(await server.verify(as), { active: false, reason: 'everyone' });
  });

  test('7.5.1: changing one’s own factor or password requires a fresh sign-in', async () => {
    await server.createAccount('old');
    const { token } = (await server.login('old', 'old password')).body;
    const { id } = (await server.call('GET', '/v1/me', undefined, { as: token })).body.account;
    clock.advance(16 * minute);
    const changes: [string, string, object?][] = [
      ['POST', `/v1/accounts/${id}/totp`],
      ['PATCH', `/v1/accounts/${id}`, { password: 'another password' }],
    ];
    for (const [method, path, body] of changes) {
      const answer = await server.call(method, path, body, { as: token });
      assert.deepEqual([answer.status, answer.body.code], [403, 'fresh_sign_in_required'], path);
    }
    assert.equal((await server.login('old', 'old password')).status, 200);
  });
});

test('CVE-2020-15223: if the store fails, every end fails with an error', async () => {
  const server = await TestServer.start();
  const { session, token, refreshToken } = await server.createSession('ada');
  await server.context.store.close();
  const ends: [string, string, object?][] = [
    ['DELETE', `/v1/sessions/${session.id}`],
    ['POST', '/v1/sessions/logout', { token }],
    ['POST', '/v1/sessions/logout', { refreshToken }],
    ['POST', '/v1/users/ada/sessions/end', { token }],
    ['DELETE', '/v1/users/ada/sessions'],
    ['POST', '/v1/sessions/end-everyone', { confirm: 'everyone' }],
  ];
  for (const [method, path, body] of ends) {
    const answer = await server.call(method, path, body);
    assert.deepEqual([answer.status, answer.body.code], [503, 'store_unavailable'], `${method} ${path}`);
    assert.equal(answer.body.success, undefined);
  }
  await server.close();
});
