import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { minute } from '../../src/domain/limits.ts';
import { manualClock } from '../support/ports.ts';
import { type Authenticator, TestServer } from '../support/server.ts';

describe('who may do what', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let server: TestServer;
  let admin: { id: string; authenticator: Authenticator };
  before(async () => {
    server = await TestServer.start({}, clock);
    const { body } = await server.login();
    admin = { id: body.account.id, authenticator: await server.enrol(body.account.id) };
  });
  after(() => server.close());

  /**
   * Signs in anew as the administrator, and waits for five minutes, so that the sign-in no longer counts as a factor.
   */
  async function adminWithoutFactor(): Promise<string> {
    clock.advance(minute);
    const { body } = await server.login('admin', undefined, admin.authenticator.next());
    clock.advance(6 * minute);
    return body.token;
  }

  test('7.5.3: ending another user’s session passes each of the five refusals before it succeeds', async () => {
    const { session, token } = await server.createSession('ada');
    const end = (as: string, code?: string, id = session.id) =>
      server.call('DELETE', `/v1/sessions/${id}`, undefined, { as, ...(code && { code }) });
    const as = await adminWithoutFactor();
    await server.createAccount('plain');
    const plain = (await server.login('plain', 'plain password')).body.token;

    const anonymous = await end('');
    assert.deepEqual([anonymous.status, anonymous.body.code], [401, 'authentication_required']);
    assert.equal(anonymous.headers.get('www-authenticate'), 'Bearer');
    const unauthorised = await end(plain);
    assert.deepEqual([unauthorised.status, unauthorised.body.code], [403, 'permission_missing']);
    assert.match(unauthorised.body.detail, /sessions\.end/);
    const missing = await end(as);
    assert.deepEqual([missing.status, missing.body.code], [403, 'second_factor_required']);
    assert.deepEqual(missing.body.methods, ['totp', 'backup_code']);
    const wrong = await end(as, admin.authenticator.wrong());
    assert.deepEqual([wrong.status, wrong.body.code], [403, 'second_factor_invalid']);
    const unknown = await end(as, admin.authenticator.next(), '0'.repeat(22));
    assert.deepEqual([unknown.status, unknown.body.code], [404, 'session_not_found']);
    assert.equal((await server.verify(token)).active, true);

    // The code was correct, and is remembered for five minutes.
    assert.equal((await end(as)).status, 200);
    assert.deepEqual(await server.verify(token), { active: false, reason: 'ended_by_admin' });
    clock.advance(5 * minute);
    assert.equal((await end(as)).body.code, 'second_factor_required');
  });

  test('7.5.3: a code counts once, and so does a backup code', async () => {
    const { session } = await server.createSession('ada');
    const first = await adminWithoutFactor();
    const second = await adminWithoutFactor();
    clock.advance(minute);
    const code = admin.authenticator.next();
    const end = (as: string, shown: string) =>
      server.call('DELETE', `/v1/sessions/${session.id}`, undefined, { as, code: shown });
    assert.equal((await end(first, code)).status, 200);
    assert.equal((await end(second, code)).body.code, 'second_factor_invalid');
    const backup = admin.authenticator.backupCodes.pop()!;
    assert.equal((await end(second, backup)).status, 200);
    const third = await adminWithoutFactor();
    assert.equal((await end(third, backup)).body.code, 'second_factor_invalid');
    const account = await server.call('GET', `/v1/accounts/${admin.id}`);
    assert.equal(account.body.account.backupCodesLeft, 11);
  });

  test('7.5.3: one code used twice at the same moment counts once', async () => {
    const { session } = await server.createSession('ada');
    const callers = [await adminWithoutFactor(), await adminWithoutFactor(), await adminWithoutFactor()];
    clock.advance(minute);
    const code = admin.authenticator.next();
    const answers = await Promise.all(
      callers.map((as) => server.call('DELETE', `/v1/sessions/${session.id}`, undefined, { as, code })),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 403, 403]);
    clock.advance(6 * minute);
  });

  test('codes cannot be guessed: after five wrong ones none is checked', async () => {
    const as = await adminWithoutFactor();
    const { session, token } = await server.createSession('ada');
    const end = (code: string) => server.call('DELETE', `/v1/sessions/${session.id}`, undefined, { as, code });
    for (let i = 0; i < 5; i++)
      assert.equal((await end(admin.authenticator.wrong())).body.code, 'second_factor_invalid');
    const locked = await end(admin.authenticator.next());
    assert.deepEqual([locked.status, locked.body.code], [429, 'too_many_attempts']);
    assert.ok(Number(locked.headers.get('retry-after')) > 200);
    assert.equal((await server.verify(token)).active, true);
    clock.advance(6 * minute);
    assert.equal((await end(admin.authenticator.next())).status, 200);
  });

  test('an account without a factor is told to enrol one', async () => {
    await server.createAccount('boss', { roles: ['support'] });
    const { body } = await server.login('boss', 'boss password');
    const { session } = await server.createSession('ada');
    const answer = await server.call('DELETE', `/v1/sessions/${session.id}`, undefined, { as: body.token });
    assert.deepEqual([answer.body.code, answer.body.methods], ['second_factor_required', []]);
    assert.match(answer.body.detail, /enrol/);
    await server.enrol(body.account.id);
  });

  test('a sign-in with a code counts as the factor, for that token', async () => {
    clock.advance(6 * minute);
    const { body } = await server.login('admin', undefined, admin.authenticator.next());
    const { session } = await server.createSession('ada');
    const end = (as: string) => server.call('DELETE', `/v1/sessions/${session.id}`, undefined, { as });
    const refreshed = await server.call(
      'POST',
      '/v1/sessions/refresh',
      { refreshToken: body.refreshToken },
      { as: '' },
    );
    assert.equal(
      (await end(refreshed.body.token)).body.code,
      'second_factor_required',
      'the refreshed token kept the factor',
    );
    clock.advance(minute);
    const again = await server.login('admin', undefined, admin.authenticator.next());
    assert.equal((await end(again.body.token)).status, 200);
  });

  test('7.5.2: a user sees their own sessions and no others, and ends them after a fresh sign-in', async () => {
    await server.createAccount('user');
    const one = (await server.login('user', 'user password')).body;
    const two = (await server.login('user', 'user password')).body;
    const other = await server.createSession('ada');
    const as = one.token;
    const own = await server.call('GET', `/v1/users/${one.account.id}/sessions`, undefined, { as });
    assert.equal(own.body.sessions.length, 2);
    for (const path of [
      '/v1/sessions',
      '/v1/users/ada/sessions',
      `/v1/sessions/${other.session.id}`,
      '/v1/accounts',
      '/v1/keys',
      '/v1/events',
    ]) {
      assert.equal((await server.call('GET', path, undefined, { as })).body.code, 'permission_missing', path);
    }
    assert.equal((await server.call('GET', `/v1/sessions/${two.session.id}`, undefined, { as })).status, 200);
    const end = () => server.call('DELETE', `/v1/sessions/${two.session.id}`, undefined, { as });
    clock.advance(15 * minute);
    assert.equal((await end()).body.code, 'fresh_sign_in_required');
    assert.equal((await server.verify(two.token)).active, true);
    const fresh = (await server.login('user', 'user password')).body;
    const ended = await server.call('DELETE', `/v1/sessions/${two.session.id}`, undefined, { as: fresh.token });
    assert.equal(ended.body.session.endReason, 'logout');
    const rest = await server.call(
      'DELETE',
      `/v1/users/${one.account.id}/sessions?except=${fresh.session.id}`,
      undefined,
      { as: fresh.token },
    );
    assert.deepEqual([rest.status, rest.body.ended], [200, 1]);
    // Logging out oneself never requires more.
    clock.advance(20 * minute);
    const out = await server.call('POST', '/v1/logout', undefined, { as: fresh.token });
    assert.deepEqual([out.status, out.body.session.endReason], [200, 'logout']);
    assert.equal((await server.call('GET', '/v1/me', undefined, { as: fresh.token })).body.code, 'session_ended');
  });

  test('a key may do what its scopes allow, and nothing once revoked', async () => {
    const { body } = await server.call('POST', '/v1/keys', { name: 'reader', scopes: ['sessions.read'] });
    const as = body.token;
    assert.equal((await server.call('GET', '/v1/sessions', undefined, { as })).status, 200);
    const refused = await server.call('POST', '/v1/sessions', { userId: 'x' }, { as });
    assert.equal(refused.body.code, 'permission_missing');
    assert.match(refused.body.detail, /sessions\.create.*reader/);
    assert.equal((await server.call('POST', '/v1/logout', undefined, { as })).body.code, 'session_not_found');
    const revoked = await server.call('DELETE', `/v1/keys/${body.key.id}`);
    assert.ok(revoked.body.key.revokedAt);
    assert.equal((await server.call('GET', '/v1/sessions', undefined, { as })).body.code, 'key_revoked');
    assert.equal(
      (await server.call('DELETE', `/v1/keys/${body.key.id}`)).body.key.revokedAt,
      revoked.body.key.revokedAt,
    );
    const listed = await server.call('GET', '/v1/keys');
    assert.equal(JSON.stringify(listed.body).includes('hash'), false);
  });

  test('nobody can grant a permission that they lack, or change an account that has more', async () => {
    const { body } = await server.call('POST', '/v1/keys', {
      name: 'manager',
      scopes: ['accounts.manage', 'keys.manage', 'sessions.read'],
    });
    const as = body.token;
    const make = (path: string, more: object) => server.call('POST', path, more, { as });
    assert.equal((await make('/v1/keys', { name: 'x', scopes: ['sessions.end'] })).body.code, 'permission_missing');
    assert.equal((await make('/v1/keys', { name: 'x', scopes: ['sessions.read'] })).status, 201);
    const account = { username: 'sly', password: 'long enough' };
    assert.equal((await make('/v1/accounts', { ...account, roles: ['admin'] })).body.code, 'permission_missing');
    const patch = await server.call('PATCH', `/v1/accounts/${admin.id}`, { password: 'taken over' }, { as });
    assert.equal(patch.body.code, 'permission_missing');
    assert.equal((await server.login('admin', 'taken over')).status, 401);
    assert.equal((await make('/v1/accounts', account)).status, 201);
    clock.advance(20 * minute);
  });

  test('CSRF, N6.1: a cookie signs in a browser, is never in the body, and is refused across sites', async () => {
    await server.createAccount('browser');
    const login = await server.call(
      'POST',
      '/v1/login',
      { username: 'browser', password: 'browser password', cookie: true },
      { as: '' },
    );
    assert.equal(login.body.token, undefined);
    const set = login.headers.get('set-cookie')!;
    assert.match(set, /^__Host-curfew=cfs_[0-9A-Za-z]+; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    assert.equal(login.headers.get('cache-control'), 'no-store');
    const cookie = set.split(';')[0]!;
    const as = '';
    assert.equal((await server.call('GET', '/v1/me', undefined, { as, headers: { cookie } })).status, 200);
    const post = (headers: Record<string, string>) =>
      server.call('POST', '/v1/logout', undefined, { as, headers: { cookie, ...headers } });
    const { host } = new URL(server.url);
    const foreign = [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `http://${host}.evil.example` },
      { 'sec-fetch-site': 'cross-site', origin: server.url },
    ];
    for (const headers of foreign) {
      assert.equal(
        (await post(headers as Record<string, string>)).body.code,
        'cross_site_refused',
        JSON.stringify(headers),
      );
    }
    // A proxy's own authorization is not meant for this server, so the cookie is used, and checked.
    const authorization = 'Basic eDp5';
    assert.equal((await post({ authorization, 'sec-fetch-site': 'cross-site' })).body.code, 'cross_site_refused');
    const asProxied = { headers: { cookie, authorization }, as };
    assert.equal((await server.call('GET', '/v1/me', undefined, asProxied)).status, 200);
    const twice = { headers: { cookie: `__Host-curfew=cfs_old; ${cookie}` }, as };
    assert.equal((await server.call('GET', '/v1/me', undefined, twice)).status, 200);
    const out = await post({ origin: server.url });
    assert.equal(out.status, 200);
    assert.match(out.headers.get('set-cookie')!, /^__Host-curfew=; Max-Age=0; Path=\/;/);
    assert.equal(
      (await server.call('GET', '/v1/me', undefined, { as, headers: { cookie } })).body.code,
      'session_ended',
    );
  });

  test('N6.14: a logout with the cookie of an ended session succeeds, and clears it', async () => {
    const { session, token } = await server.createSession('gone');
    await server.call('DELETE', `/v1/sessions/${session.id}`);
    for (const value of [token, `${token.slice(0, -1)}!`, 'nonsense']) {
      const cookie = `__Host-curfew=${value}`;
      const out = (headers: Record<string, string>) =>
        server.call('POST', '/v1/logout', undefined, { as: '', headers: { cookie, ...headers } });
      const answer = await out({ origin: server.url });
      assert.deepEqual([answer.status, answer.body.success, answer.body.receipt], [200, true, undefined]);
      assert.match(answer.headers.get('set-cookie')!, /^__Host-curfew=; Max-Age=0; Path=\/;/);
      assert.equal((await out({ 'sec-fetch-site': 'cross-site' })).status, 403);
    }
    // A program that sends an ended token expects another answer, and no credential means no caller.
    assert.equal((await server.call('POST', '/v1/logout', undefined, { as: token })).status, 401);
    assert.equal((await server.call('POST', '/v1/logout', undefined, { as: '' })).status, 401);
  });

  test('a person ends the session that was found to authorise them, and not another one that has its name by now', async () => {
    const { userId } = (await server.createSession('name-giver', { name: 'desk' })).session;
    const { token } = await server.createSession(userId);
    const { store } = server.context;
    const { readNamedSession, readSession } = store;
    let other: { token: string } | undefined;
    store.readNamedSession = async (name) => {
      const found = await readNamedSession.call(store, name);
      if (other) return found;
      await server.call('DELETE', `/v1/sessions/${found!.stored.id}`);
      other = await server.createSession('other', { name: 'desk' });
      return found;
    };
    try {
      const answer = await server.call('POST', '/v1/sessions/logout', { name: 'desk' }, { as: token });
      assert.deepEqual([answer.status, answer.body.session?.userId ?? userId], [200, userId]);
      assert.equal((await server.verify(other!.token)).active, true);
    } finally {
      store.readNamedSession = readNamedSession;
    }
    const { session } = await server.createSession(userId);
    let reads = 0;
    store.readSession = (id) => {
      if (id === session.id) reads += 1;
      return readSession.call(store, id);
    };
    try {
      assert.equal((await server.call('DELETE', `/v1/sessions/${session.id}`, undefined, { as: token })).status, 200);
      assert.equal(reads, 1, 'its target was read again');
    } finally {
      store.readSession = readSession;
    }
  });

  test('CVE-2025-71402: a forged cookie has no effect', async () => {
    const victim = await server.createSession('victim');
    const forged = { cookie: `__Host-curfew=${victim.session.id}`, origin: server.url };
    assert.equal((await server.call('GET', '/v1/me', undefined, { as: '', headers: forged })).status, 401);
    await server.call('POST', '/v1/logout', undefined, { as: '', headers: forged });
    assert.equal((await server.verify(victim.token)).active, true);
  });
});
