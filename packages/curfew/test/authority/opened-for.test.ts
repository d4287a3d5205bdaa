import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Caller, library } from '../../src/authority/caller.ts';
import { createAuthority } from '../../src/authority/index.ts';
import { type Permission, permissions } from '../../src/domain/permissions.ts';
import { oldSecret } from '../support/alias-tests.ts';
import { type Authenticator, adminPassword, TestServer } from '../support/server.ts';

type Test = { after(done: () => Promise<void>): void };

/** A server, its administrator's id, and a key with the given scopes. */
async function start(t: Test, ...scopes: Permission[]) {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { id } = (await server.login()).body.account as { id: string };
  const { body } = await server.call('POST', '/v1/keys', { name: 'application', scopes });
  const key: string = body.token;
  const open = async (userId: string, as = key, more: object = {}) => {
    const answer = await server.call('POST', '/v1/sessions', { userId, ...more }, { as });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body as { token: string; refreshToken: string; session: { id: string } };
  };
  const permissionsOf = async (as: string): Promise<string[]> =>
    (await server.call('GET', '/v1/me', undefined, { as })).body.permissions;
  return { server, id, key, open, permissionsOf };
}

describe('a session that somebody else opened for an account', () => {
  test('N1.1: opened by somebody else, it has none of the account’s permissions: no key, no password, no factor, no end of others', async (t) => {
    const { server, id, open, permissionsOf } = await start(t, 'sessions.create');
    const { token: as, session } = await open(id);
    assert.deepEqual(await permissionsOf(as), []);
    const tries: [method: string, path: string, body?: object][] = [
      ['POST', '/v1/keys', { name: 'root', scopes: permissions }],
      ['POST', '/v1/accounts', { username: 'eve', password: 'long enough', roles: ['admin'] }],
      ['PATCH', `/v1/accounts/${id}`, { password: 'taken over' }],
      ['PATCH', `/v1/accounts/${id}`, { email: 'eve@example.com' }],
      ['POST', `/v1/accounts/${id}/totp`],
      ['DELETE', `/v1/accounts/${id}`],
      ['POST', '/v1/sessions', { userId: id }],
      ['GET', '/v1/accounts'],
      ['POST', '/v1/sessions/end-everyone', { confirm: 'everyone' }],
      ['DELETE', `/v1/users/${id}/sessions?except=${session.id}`],
    ];
    for (const [method, path, body] of tries) {
      const { status, body: problem } = await server.call(method, path, body, { as });
      assert.equal(status, 403, `${method} ${path}: ${JSON.stringify(problem)}`);
    }
    assert.equal((await server.login('admin', adminPassword)).status, 200);
    // Its purpose is unaffected: it is verified, and its user can see and end it.
    assert.equal((await server.verify(as)).active, true);
    assert.equal((await server.call('GET', `/v1/users/${id}/sessions`, undefined, { as })).status, 200);
    assert.equal((await server.call('POST', '/v1/logout', undefined, { as })).status, 200);
  });

  test('N1.1: opened by somebody else, it has none of them after a refresh, in a named session or on any dialect’s surface either', async (t) => {
    const { server, id, open, permissionsOf } = await start(t, 'sessions.create');
    const opened = await open(id, undefined, { name: 'desk' });
    const refreshed = await server.call(
      'POST',
      '/v1/sessions/refresh',
      { refreshToken: opened.refreshToken },
      { as: '' },
    );
    const { token, refreshToken } = refreshed.body;
    assert.deepEqual(await permissionsOf(token), []);
    const rocket = { 'x-user-id': id, 'x-auth-token': token };
    const me = await server.call('GET', '/api/v1/me', undefined, { as: '', headers: rocket });
    assert.deepEqual([me.status, me.body.roles], [200, []]);
    const all = await server.call('GET', '/api/v1/sessions/list.all', undefined, { as: '', headers: rocket });
    assert.equal(all.status, 403);
    const body = { refresh_token: refreshToken, mode: 'json' };
    const { data } = (await server.call('POST', '/auth/refresh', body, { as: '' })).body;
    const claims = JSON.parse(Buffer.from(data.access_token.split('.')[1], 'base64url').toString());
    assert.deepEqual([claims.role, claims.admin_access], [null, false]);
    const shown = await server.call('GET', '/users/me?fields=id,role', undefined, { as: data.access_token });
    assert.deepEqual(shown.body.data, { id, role: null });
    const generate = await server.call(
      'POST',
      '/users/me/tfa/generate',
      { password: adminPassword },
      { as: data.access_token },
    );
    assert.equal(generate.status, 403, JSON.stringify(generate.body));
  });

  test('of an account without any permission cannot write to it and is not fresh', async (t) => {
    const { server, open } = await start(t, 'sessions.create');
    const account = await server.createAccount('ada');
    const { token: as } = await open(account.id);
    const authenticator: Authenticator = await server.enrol(account.id);
    const patch = (code?: string) =>
      server.call('PATCH', `/v1/accounts/${account.id}`, { password: 'taken over' }, { as, ...(code && { code }) });
    assert.equal((await patch()).body.code, 'fresh_sign_in_required');
    // Even with a code: the caller that opened the session has it too.
    assert.equal((await patch(authenticator.next())).body.code, 'permission_missing');
    assert.equal((await patch()).body.code, 'fresh_sign_in_required', 'and no code is remembered');
    assert.equal((await server.login('ada', 'ada password', authenticator.next())).status, 200);
  });

  test('N1.1: opened by somebody else, it cannot guess the password or a code, nor use up the owner’s attempts', async (t) => {
    const { server, id, open } = await start(t, 'sessions.create', 'sessions.end');
    const member = await server.createAccount('ada');
    for (const [owner, username, password] of [
      [id, 'admin', adminPassword],
      [member.id, 'ada', 'ada password'],
    ] as const) {
      const { token: as, session } = await open(owner);
      const authenticator = await server.enrol(owner);
      const post = (path: string, body: object) => server.call('POST', `/users/me/tfa/${path}`, body, { as });
      const code = authenticator.wrong();
      for (let i = 0; i < 11; i++) {
        // The right password and a wrong one get the same answer, and so do codes.
        const answers = [
          await post('generate', { password }),
          await post('generate', { password: 'wrong' }),
          await post('disable', { otp: code }),
          await server.call('DELETE', `/v1/users/${owner}/sessions?except=${session.id}`, undefined, { as, code }),
          await server.call('DELETE', `/v1/accounts/${owner}/totp`, undefined, { as, code }),
        ];
        assert.deepEqual(
          answers.map(({ status }) => status),
          [403, 403, 403, 403, 403],
          username,
        );
      }
      const own = await server.login(username, password, authenticator.next());
      assert.equal(own.status, 200, JSON.stringify(own.body));
      // A right code is not used up either.
      const right = authenticator.next();
      assert.equal((await post('disable', { otp: right })).status, 403);
      assert.equal((await server.login(username, password, right)).status, 200);
    }
  });

  test('has the account’s permissions only if the caller that opened it has all of them', async (t) => {
    const { server, id, open, permissionsOf } = await start(t, ...permissions.filter((one) => one !== 'events.read'));
    const helper = await server.createAccount('helper', { roles: ['support'] });
    assert.deepEqual((await permissionsOf((await open(helper.id)).token)).sort(), ['sessions.end', 'sessions.read']);
    assert.deepEqual(await permissionsOf((await open(id)).token), []);
    assert.deepEqual((await permissionsOf((await open(id, server.key)).token)).length, permissions.length);
    const { authenticateSession, createSession } = createAuthority(server.context);
    const { token } = await createSession(library, { userId: id });
    assert.equal((await authenticateSession(token)).granted.size, permissions.length);
  });

  test('gains nothing if the account gets permissions that the caller that opened it lacks', async (t) => {
    const { server, open, permissionsOf } = await start(t, 'sessions.create', 'sessions.read', 'sessions.end');
    const account = await server.createAccount('ada', { roles: ['support'] });
    const { token } = await open(account.id);
    assert.equal((await permissionsOf(token)).length, 2);
    await server.call('PATCH', `/v1/accounts/${account.id}`, { roles: ['admin'] });
    assert.deepEqual(await permissionsOf(token), []);
  });

  test('N1.1: that acts for the account gives its tokens only to a caller with all permissions of the account', async (t) => {
    const { server, id, key, open, permissionsOf } = await start(t, 'sessions.create');
    const exchange = (old: ReturnType<typeof oldSecret>, as: string) =>
      server.call('POST', '/v1/sessions/exchange-alias', { alias: old.alias }, { as });
    const [strong, plain, own] = [oldSecret(), oldSecret(), oldSecret()];
    await open(id, server.key, { aliases: [strong.hashed] });
    const refused = await exchange(strong, key);
    assert.deepEqual([refused.status, refused.body.code], [403, 'permission_missing']);
    assert.deepEqual([refused.body.token, refused.body.refreshToken], [undefined, undefined]);
    const given = await exchange(strong, server.key);
    assert.equal((await permissionsOf(given.body.token)).length, permissions.length);
    // Its alias is spent now; it would give the same tokens for a while.
    const late = await exchange(strong, key);
    assert.deepEqual([late.status, late.body.token, late.body.refreshToken], [403, undefined, undefined]);
    // A session that does not act for the account, such as an imported one, and one of a user without an account.
    await open(id, key, { aliases: [plain.hashed] });
    await open('ada', server.key, { aliases: [own.hashed] });
    for (const old of [plain, own]) {
      const exchanged = await exchange(old, key);
      assert.equal(exchanged.status, 200, JSON.stringify(exchanged.body));
      assert.deepEqual(await permissionsOf(exchanged.body.token), []);
    }
  });

  test('by a person makes no sign-in of theirs fresh, and bypasses no second factor', async (t) => {
    const { server, id, open, permissionsOf } = await start(t, 'sessions.create');
    const authenticator = await server.enrol(id);
    const own = (await server.login('admin', adminPassword, authenticator.next())).body.token;
    const second = await server.createAccount('second', { roles: ['admin'] });
    for (const userId of [id, second.id]) {
      const { token: as } = await open(userId, own);
      assert.equal((await permissionsOf(as)).length, permissions.length);
      for (const [method, path, body, code] of [
        ['POST', '/v1/keys', { name: 'root', scopes: permissions }, 'second_factor_required'],
        ['PATCH', `/v1/accounts/${userId}`, { password: 'taken over' }, 'fresh_sign_in_required'],
        ['POST', `/v1/accounts/${userId}/totp`, undefined, 'fresh_sign_in_required'],
      ] as const) {
        const { status, body: problem } = await server.call(method, path, body, { as });
        assert.deepEqual([status, problem.code], [403, code], `${method} ${path}`);
      }
    }
  });

  test('a session that the account itself opened by signing in has all permissions, on each surface', async (t) => {
    const { server, id, permissionsOf } = await start(t, 'sessions.create');
    const native = (await server.login()).body.token;
    const rocket = await server.call('POST', '/api/v1/login', { user: 'admin', password: adminPassword }, { as: '' });
    const credentials = { email: 'admin@example.com', password: adminPassword };
    const directus = await server.call('POST', '/auth/login', credentials, { as: '' });
    const refreshToken = directus.body.data.refresh_token;
    const ofDirectus = await server.call('POST', '/v1/sessions/refresh', { refreshToken }, { as: '' });
    const altogic = await server.call('POST', '/_api/rest/v1/auth/signin-email', credentials, {
      as: '',
      headers: { 'x-client-key': server.key },
    });
    const tokens = [native, rocket.body.data.authToken, ofDirectus.body.token, altogic.body.session.token];
    for (const token of tokens) assert.equal((await permissionsOf(token)).length, permissions.length);
    const claims = JSON.parse(Buffer.from(directus.body.data.access_token.split('.')[1], 'base64url').toString());
    assert.deepEqual([claims.id, claims.admin_access], [id, true]);
  });
});

test('a user without an account is fresh when the application opens the session', async (t) => {
  const { server, open } = await start(t, 'sessions.create');
  const [one, other] = [await open('ada'), await open('ada')];
  const ended = await server.call('DELETE', `/v1/sessions/${other.session.id}`, undefined, { as: one.token });
  assert.equal(ended.status, 200);
  const caller: Caller = await createAuthority(server.context).authenticateSession(one.token);
  assert.equal(caller.granted.size, 0);
});
