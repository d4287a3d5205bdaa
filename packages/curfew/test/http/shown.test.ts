import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Permission, permissions } from '../../src/domain/permissions.ts';
import { operations } from '../../src/http/routes/index.ts';
import { oldSecret } from '../support/alias-tests.ts';
import { type Answer, type Json, TestServer } from '../support/server.ts';

/** What only `sessions.read` shows; each part has this word, so that no answer can contain it unnoticed. */
const secret = 'hidden';
const hidden = {
  accessGroups: [`${secret}-group`],
  metadata: { note: `${secret}-note` },
  userAgent: `${secret}-agent`,
};

/** Operations without `sessions.read` that answer with all of a session, and why that shows a caller nothing new. */
const complete: Record<string, string> = {
  login: 'it is the caller’s own',
  logout: 'it is the caller’s own',
  me: 'it is the caller’s own',
  createSession: 'the caller has sent all of it',
  createNamedSession: 'the caller has sent all of it',
  verifySession: 'the caller has its token or alias, and asks for it',
  refreshSession: 'the caller has its refresh token',
  exchangeAlias: 'the caller has its alias, and gets its tokens',
};

describe('an answer shows no more of a session than the caller may see', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.close());

  const keyWith = async (...scopes: Permission[]): Promise<string> =>
    (await server.call('POST', '/v1/keys', { name: 'k', scopes })).body.token;

  let made = 0;
  /** A named session in which somebody is signed in, and whatever it can be called by. */
  async function subject() {
    const [name, userId, old] = [`desk-${++made}`, `${secret}-user-${made}`, oldSecret('express')];
    await server.call('POST', '/v1/named-sessions', { name, config: { note: `${secret}-config` } });
    const { session, token, refreshToken } = await server.createSession(userId, {
      name,
      ...hidden,
      aliases: [old.hashed],
    });
    return { name, userId, id: session.id as string, token, refreshToken, ...old };
  }
  type Subject = Awaited<ReturnType<typeof subject>>;

  const logout = (body: (subject: Subject) => object) => (one: Subject) =>
    ['POST', '/v1/sessions/logout', body(one)] as const;
  /** Calls that name a session by what is not its secret. */
  const calls: Record<string, (subject: Subject) => readonly [string, string, object?]> = {
    endSession: ({ id }) => ['DELETE', `/v1/sessions/${id}`],
    logoutSession: logout(({ id }) => ({ id })),
    endUserSession: ({ userId, id }) => ['POST', `/v1/users/${userId}/sessions/end`, { token: id }],
    endSessionOfUser: ({ userId, id }) => ['POST', '/v1/sessions/end', { userId, token: id }],
    keepSessionData: ({ userId, hashed }) => ['PUT', '/v1/sessions/data', { alias: hashed, userId, data: '{}' }],
    updateNamedSession: ({ name }) => ['PUT', `/v1/named-sessions/${name}`, { config: {} }],
    startNamedSession: ({ name }) => ['POST', `/v1/named-sessions/${name}/start`],
    stopNamedSession: ({ name }) => ['POST', `/v1/named-sessions/${name}/stop`],
    restartNamedSession: ({ name }) => ['POST', `/v1/named-sessions/${name}/restart`],
    logoutNamedSession: ({ name }) => ['POST', `/v1/named-sessions/${name}/logout`],
  };

  test('N1.10: every operation that answers with a session shows it by one rule, or has a reason to show all of it', () => {
    const answered = operations.filter(({ answer }) =>
      /"(Shown)?(Named)?Session#"/.test(JSON.stringify(answer.schema)),
    );
    const reads = ({ access }: (typeof operations)[number]) =>
      typeof access === 'object' && access.permission === 'sessions.read';
    const shown = answered.filter(({ answer }) => /"Shown/.test(JSON.stringify(answer.schema))).map(({ id }) => id);
    const others = answered.filter((one) => !reads(one) && !shown.includes(one.id)).map(({ id }) => id);
    assert.deepEqual(others.sort(), Object.keys(complete).sort());
    assert.deepEqual(shown.sort(), Object.keys(calls).sort());
  });

  test('N1.10: a key without sessions.read gets the id or name and the status of what it has changed, and nothing else', async () => {
    for (const [id, callOf] of Object.entries(calls)) {
      const { access } = operations.find((one) => one.id === id)!;
      const wanted = (access as { permission: Permission }).permission;
      const one = await subject();
      const [method, path, body] = callOf(one);
      const { status, body: answer } = await server.call(method, path, body, { as: await keyWith(wanted) });
      assert.equal(status, 200, id);
      assert.doesNotMatch(JSON.stringify(answer), new RegExp(secret), id);
      const { session = answer.named, named } = answer;
      assert.equal(session.id ?? session.name, named ? one.name : one.id, id);
      assert.ok(session.status, id);
      const seeing = await subject();
      const [, again, sent] = callOf(seeing);
      const all = await server.call(method, again, sent, { as: await keyWith(wanted, 'sessions.read') });
      const { session: seen = all.body.named } = all.body;
      assert.match(JSON.stringify(seen), new RegExp(`${secret}-${named ? '(user|config)' : 'note'}|"config":{}`), id);
    }
  });

  test('N1.10: who ends a session by one of its secrets sees it, because with these they could anyway', async () => {
    const as = await keyWith('sessions.end');
    const ends: Record<string, (subject: Subject) => readonly [string, string, object?]> = {
      token: logout(({ token }) => ({ token })),
      'refresh token': logout(({ refreshToken }) => ({ refreshToken })),
      alias: logout(({ alias }) => ({ alias })),
      'token, of a user': ({ userId, token }) => ['POST', '/v1/sessions/end', { userId, token }],
    };
    for (const [what, callOf] of Object.entries(ends)) {
      const one = await subject();
      const [method, path, body] = callOf(one);
      const { body: answer } = await server.call(method, path, body, { as });
      assert.equal(answer.session.userId, one.userId, what);
    }
  });

  test('N1.10: people see their own sessions in every answer, and those of others only with sessions.read', async () => {
    const granted = permissions.filter((permission) => permission !== 'sessions.read' && permission !== 'keys.manage');
    await server.createAccount('grace', { permissions: granted });
    const account = (await server.login('grace', 'grace password')).body;
    const authenticator = await server.enrol(account.account.id);
    const signIn = async () =>
      (await server.login('grace', 'grace password', authenticator.next())).body as { token: string; session: Json };
    const [{ token: as }, other] = [await signIn(), await signIn()];
    const own = await server.call('DELETE', `/v1/sessions/${other.session.id}`, undefined, { as });
    assert.equal(own.body.session.userId, account.account.id);
    const { id } = await subject();
    const end = () => server.call('DELETE', `/v1/sessions/${id}`, undefined, { as, code: authenticator.next() });
    const { status, body } = await end();
    assert.deepEqual([status, body.session], [200, { id, name: body.session.name, status: 'ended', ...endOf(body) }]);
  });

  test('N1.10: in WAHA’s API, a key without sessions.read gets the name and the status of what it has changed', async () => {
    const waha = (key: string, method: string, path: string, body?: object): Promise<Answer> =>
      server.call(method, `/api/sessions${path}`, body, { as: '', headers: { 'x-api-key': key } });
    const changes: Record<string, [Permission, string, (name: string) => string, ((name: string) => object)?]> = {
      update: ['sessions.create', 'PUT', (name) => `/${name}`, () => ({ config: { a: 1 } })],
      start: ['sessions.create', 'POST', (name) => `/${name}/start`],
      stop: ['sessions.end', 'POST', (name) => `/${name}/stop`],
      restart: ['sessions.end', 'POST', (name) => `/${name}/restart`],
      logout: ['sessions.end', 'POST', (name) => `/${name}/logout`],
      'start, as it was called before': ['sessions.create', 'POST', () => '/start', (name) => ({ name })],
    };
    for (const [what, [wanted, method, path, body]] of Object.entries(changes)) {
      for (const isSeen of [false, true]) {
        const { name } = await subject();
        if (what.startsWith('start')) await server.call('POST', `/v1/named-sessions/${name}/stop`);
        const key = await keyWith(wanted, ...(isSeen ? (['sessions.read'] as const) : []));
        const { status, body: answer } = await waha(key, method, path(name), body?.(name));
        assert.ok(status < 300, `${what}: ${status}`);
        assert.deepEqual([answer.name, answer.engine], [name, { engine: 'CURFEW' }], what);
        assert.match(answer.status, /^(WORKING|STOPPED|SCAN_QR_CODE)$/, what);
        assert.deepEqual(Object.hasOwn(answer, 'me'), isSeen, what);
        if (!isSeen) assert.deepEqual(Object.keys(answer).sort(), ['engine', 'name', 'status'], what);
      }
    }
  });
});

const endOf = ({ session: { endedAt, endReason } }: Json) => ({ endedAt, endReason });
