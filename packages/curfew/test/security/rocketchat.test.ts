import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hour, minute } from '../../src/domain/limits.ts';
import { CurfewError } from '../../src/errors.ts';
import { manualClock } from '../support/ports.ts';
import { type Answer, type Authenticator, adminPassword, type Json, TestServer } from '../support/server.ts';

type Signed = { userId: string; authToken: string };

describe('what the Rocket.Chat surface withstands', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let server: TestServer;
  let authenticator: Authenticator;
  before(async () => {
    server = await TestServer.start({}, clock);
    authenticator = await server.enrol((await server.login()).body.account.id);
    await server.createAccount('ada');
  });
  after(() => server.close());

  const headersOf = ({ userId, authToken }: Signed) => ({ 'x-user-id': userId, 'x-auth-token': authToken });
  const call = (method: string, path: string, as?: Signed, body?: unknown, more: Record<string, string> = {}) =>
    server.call(method, `/api/v1/${path}`, body, { as: '', headers: { ...(as && headersOf(as)), ...more } });
  const login = (body: object, more?: Record<string, string>): Promise<Answer> =>
    call('POST', 'login', undefined, body, more);
  const ada = async (): Promise<Signed> => (await login({ user: 'ada', password: 'ada password' })).body.data;
  /** An administrator whose second factor is no longer remembered. */
  const admin = async (): Promise<Signed> => {
    clock.advance(minute);
    const { body } = await login({ user: 'admin', password: adminPassword, code: authenticator.next() });
    clock.advance(6 * minute);
    return body.data;
  };
  const listed = async (as: Signed): Promise<Json[]> => (await call('GET', 'sessions/list', as)).body.sessions;

  test('7.2.1: an identity that a client claims is ignored: the id must be the token’s own', async () => {
    const [one, other] = [await ada(), await admin()];
    for (const userId of [other.userId, 'admin', '', '*', `${one.userId}, ${other.userId}`]) {
      const { status } = await call('GET', 'sessions/list.all', { ...one, userId });
      assert.equal(status, 401, userId);
    }
  });

  test('7.2.4: each sign-in gives a new token; no earlier token affects it', async () => {
    const before = await ada();
    const { body } = await login(
      { user: 'ada', password: 'ada password', resume: before.authToken },
      headersOf(before),
    );
    assert.notEqual(body.data.authToken, before.authToken);
    assert.notEqual(
      (await server.verify(body.data.authToken)).session.id,
      (await server.verify(before.authToken)).session.id,
    );
  });

  test('7.3.1, 7.3.2: a token ends at the idle limit and at the absolute limit, to the second', async (t) => {
    const own = manualClock(Date.UTC(2026, 5, 1));
    const short = await TestServer.start({ CURFEW_IDLE: '1h', CURFEW_ABSOLUTE: '2h' }, own);
    t.after(() => short.close());
    const signIn = async (): Promise<Signed> => {
      const body = { user: 'admin', password: adminPassword };
      return (await short.call('POST', '/api/v1/login', body, { as: '' })).body.data;
    };
    const statusOf = async (as: Signed) =>
      (await short.call('GET', '/api/v1/me', undefined, { as: '', headers: headersOf(as) })).status;
    const idle = await signIn();
    own.advance(hour - 1000);
    assert.equal(await statusOf(idle), 200);
    own.advance(hour - 1000);
    assert.equal(await statusOf(idle), 200);
    own.advance(2000);
    assert.equal(await statusOf(idle), 401, 'it outlived the absolute limit');
    const left = await signIn();
    own.advance(hour);
    assert.equal(await statusOf(left), 401, 'it outlived the idle limit');
  });

  test('7.4.1: after a logout the token is invalid, on this surface and every other', async () => {
    const credentials = await ada();
    assert.equal((await call('POST', 'logout', credentials)).status, 200);
    for (const path of ['me', 'sessions/list', 'sessions/info?sessionId=x', 'sessions/list.all']) {
      assert.equal((await call('GET', path, credentials)).status, 401, path);
    }
    const native = await server.call('GET', '/v1/me', undefined, { as: credentials.authToken });
    assert.deepEqual([native.status, native.body.code], [401, 'session_ended']);
  });

  test('7.4.2: disabling an account ends its sessions, and nobody can sign in to it', async () => {
    const { id } = await server.createAccount('leaver');
    const body = { user: 'leaver', password: 'leaver password' };
    const credentials = (await login(body)).body.data as Signed;
    await server.call('PATCH', `/v1/accounts/${id}`, { disabled: true });
    assert.equal((await call('GET', 'me', credentials)).status, 401);
    const again = await login(body);
    const nobody = await login({ user: 'nobody', password: 'x' });
    assert.deepEqual([again.status, again.body], [nobody.status, nobody.body]);
  });

  test('7.5.2: people can see all their sessions, on whatever surface they were opened, and end any of them', async () => {
    const { userId, ...rest } = await ada();
    const self = { userId, ...rest };
    const native = (await server.login('ada', 'ada password')).body.token as string;
    const { token } = await server.createSession(userId);
    const tokens = new Set([native, token, self.authToken]);
    const ids = (await listed(self)).map(({ sessionId }) => sessionId);
    for (const one of tokens) {
      const { session } = await server.verify(one);
      assert.ok(ids.includes(session.id), 'a session is not shown');
      assert.equal((await call('POST', 'sessions/logout.me', self, { sessionId: session.id })).status, 200);
      assert.equal((await server.verify(one)).active, false);
    }
  });

  test('7.5.3: seeing and ending others’ sessions requires a second factor, each code once', async () => {
    const { session, token } = await server.createSession('bob');
    const [one, two] = [await admin(), await admin()];
    clock.advance(minute);
    const code = authenticator.next();
    const tries: [method: string, path: string, body?: object][] = [
      ['GET', 'sessions/list.all'],
      ['GET', `sessions/info.admin?sessionId=${session.id}`],
      ['POST', 'sessions/logout', { sessionId: session.id }],
    ];
    for (const [method, path, body] of tries) {
      const { body: said } = await call(method, path, one, body);
      assert.equal(said.errorType, 'totp-required', path);
    }
    assert.equal((await call('GET', 'sessions/list.all', one, undefined, { 'x-2fa-code': code })).status, 200);
    for (const [method, path, body] of tries) {
      const { body: said } = await call(method, path, two, body, { 'x-2fa-code': code });
      assert.equal(said.errorType, 'totp-invalid', path);
    }
    assert.equal((await server.verify(token)).active, true);
  });

  test('GHSA-xg6x-h9c9-2m83: no session is created without the second factor, not even a partial one', async () => {
    const before = await server.state();
    const answer = await login({ user: 'admin', password: adminPassword });
    assert.equal(answer.body.error, 'totp-required');
    assert.doesNotMatch(JSON.stringify(answer.body), /authToken|cf[sr]_/);
    assert.deepEqual(((await server.state()) as Json).active, (before as Json).active);
  });

  test('CVE-2026-27840: a token that is truncated, extended or changed by one character is refused', async () => {
    const credentials = await ada();
    const { authToken } = credentials;
    const changed = Array.from(
      authToken,
      (sign, i) => authToken.slice(0, i) + (sign === 'a' ? 'b' : 'a') + authToken.slice(i + 1),
    );
    const cut = Array.from(authToken, (_, i) => authToken.slice(0, i));
    for (const token of [...changed, ...cut, `${authToken}a`, `${authToken} `.repeat(2).trim()]) {
      if (token === authToken || token === '') continue;
      assert.equal((await call('GET', 'me', { ...credentials, authToken: token })).status, 401, token);
    }
  });

  test('CVE-2020-15223: if the store cannot end a session, the logout fails and the session remains', async (t) => {
    const credentials = await ada();
    const [{ sessionId }] = (await listed(credentials)) as [Json];
    const { store } = server.context;
    const { endSession } = store;
    t.after(() => {
      store.endSession = endSession;
    });
    for (const code of ['store_unavailable', 'store_full', 'outcome_unknown'] as const) {
      store.endSession = async () => {
        throw new CurfewError(code);
      };
      for (const [path, body] of [
        ['logout', undefined],
        ['sessions/logout.me', { sessionId }],
      ] as const) {
        const answer = await call('POST', path, credentials, body);
        assert.deepEqual([answer.status, answer.body.success], [503, false], `${code} ${path}`);
      }
    }
    store.endSession = endSession;
    assert.equal((await server.verify(credentials.authToken)).active, true);
  });

  test('CVE-2025-48947, CVE-2025-64762: no response may be cached, not even a refusal', async () => {
    const credentials = await ada();
    const answers = [
      await login({ user: 'ada', password: 'ada password' }),
      await login({ user: 'ada', password: 'wrong' }),
      await call('GET', 'me', credentials),
      await call('GET', 'sessions/list', credentials),
      await call('GET', 'sessions/list.all', credentials),
      await call('GET', 'me'),
      await call('POST', 'logout', credentials),
    ];
    for (const { headers } of answers) assert.equal(headers.get('cache-control'), 'no-store');
  });

  test('Secrets: no list, read or error contains a secret: token, hash, password, authenticator', async () => {
    const credentials = await ada();
    const manager = await admin();
    clock.advance(minute);
    const code = authenticator.next();
    const answers = [
      await call('GET', 'me', credentials),
      await call('GET', 'sessions/list', credentials),
      await call('GET', 'sessions/list.all', manager, undefined, { 'x-2fa-code': code }),
      await call('GET', 'me', manager),
      await call('POST', 'sessions/logout', manager, { sessionId: credentials.authToken }),
      await call('GET', `sessions/info?sessionId=${credentials.authToken}x`, credentials),
      await call('GET', `sessions/list?sort=${credentials.authToken}`, credentials),
    ];
    const secrets = [
      credentials.authToken,
      manager.authToken,
      authenticator.secret,
      adminPassword,
      code,
      'ada password',
    ];
    for (const { body } of answers) {
      const text = JSON.stringify(body);
      for (const secret of [...secrets, ...authenticator.backupCodes]) assert.ok(!text.includes(secret), text);
      assert.doesNotMatch(text, /argon2|hash|loginToken|cf[srk]_/i);
    }
  });
});
