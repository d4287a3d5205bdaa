import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { CurfewError } from '../../src/errors.ts';
import { type Answer, adminPassword, type Json, TestServer } from '../support/server.ts';

/*
 * Whatever is sent to a route of this dialect, the refusal has its shape, is never a 500, and the store is unchanged.
 */
const routes = [
  { method: 'POST', path: 'login', takes: 'body' },
  { method: 'POST', path: 'logout', takes: 'nothing' },
  { method: 'GET', path: 'me', takes: 'nothing' },
  { method: 'GET', path: 'sessions/list', takes: 'page' },
  { method: 'GET', path: 'sessions/info', takes: 'query' },
  { method: 'POST', path: 'sessions/logout.me', takes: 'body' },
  { method: 'GET', path: 'sessions/list.all', takes: 'page' },
  { method: 'GET', path: 'sessions/info.admin', takes: 'query' },
  { method: 'POST', path: 'sessions/logout', takes: 'body' },
] as const;
const withBody = routes.filter(({ takes }) => takes === 'body');
const signedIn = routes.filter(({ path }) => path !== 'login');

type Signed = { userId: string; authToken: string };

describe('Rocket.Chat: bad input', () => {
  let server: TestServer;
  let admin: Signed;
  let ended: Signed;
  let target: Json;
  before(async () => {
    server = await TestServer.start();
    const authenticator = await server.enrol((await server.login()).body.account.id);
    const signIn = async (body: object) =>
      (await server.call('POST', '/api/v1/login', body, { as: '' })).body.data as Signed;
    // The sign-in counts as a second factor for five minutes, so permission and factor are both given.
    admin = await signIn({ user: 'admin', password: adminPassword, code: authenticator.next() });
    await server.createAccount('gone');
    ended = await signIn({ user: 'gone', password: 'gone password' });
    await server.call('DELETE', `/v1/users/${ended.userId}/sessions`);
    target = await server.createSession('ada');
  });
  after(() => server.close());

  const headersOf = ({ userId, authToken }: Signed) => ({ 'x-user-id': userId, 'x-auth-token': authToken });
  const call = (
    { method, path }: { method: string; path: string },
    { headers = headersOf(admin), ...more }: { headers?: Record<string, string>; raw?: string; query?: string } = {},
  ) => {
    const options = { as: '', headers, ...(more.raw !== undefined && { raw: more.raw }) };
    return server.call(method, `/api/v1/${path}${more.query ?? ''}`, undefined, options);
  };

  /** Refused in this dialect's shape, with nothing revealed that was not sent, and nothing changed. */
  async function refused(send: () => Promise<Answer>, status: number, errorType?: string): Promise<Answer> {
    const { active: activeBefore, head: headBefore } = (await server.state()) as Json;
    const answer = await send();
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.equal(answer.body.success, false);
    assert.equal(typeof answer.body.error, 'string');
    if (errorType !== undefined) assert.equal(answer.body.errorType, errorType, JSON.stringify(answer.body));
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    const text = JSON.stringify(answer.body);
    for (const secret of [admin.authToken, target.token, adminPassword, server.key]) {
      assert.ok(!text.includes(secret), 'a secret is revealed');
    }
    assert.doesNotMatch(text, /at file:|node_modules|SyntaxError|argon2/);
    const { active, head } = (await server.state()) as Json;
    assert.deepEqual([active, head], [activeBefore, headBefore], 'something changed');
    return answer;
  }

  const json = { 'content-type': 'application/json' };

  for (const route of withBody) {
    test(`${route.path}: no body, an empty one, or one that is not a JSON object`, async () => {
      const property = route.path === 'login' ? 'password' : 'sessionId';
      const missing = `must have required property '${property}' [invalid-params]`;
      for (const headers of [headersOf(admin), { ...headersOf(admin), ...json }]) {
        const { body } = await refused(() => call(route, { headers }), 400, 'invalid-params');
        assert.equal(body.error, missing);
      }
      for (const raw of ['', '{}']) {
        const { body } = await refused(() => call(route, { raw }), 400, 'invalid-params');
        assert.equal(body.error, missing, raw);
      }
      for (const raw of ['{"sessionId":', 'sessionId', '[]', 'null', '7', '"x"', '{"__proto__":{"x":1}}', '\u0000']) {
        await refused(() => call(route, { raw }), 400, 'invalid-params');
      }
    });

    test(`${route.path}: another content type, a compressed body, a body that is too large`, async () => {
      for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/xml', 'nonsense']) {
        const headers = { ...headersOf(admin), 'content-type': type };
        await refused(() => call(route, { headers, raw: 'x' }), 400, 'invalid-params');
      }
      await refused(() => call(route, { raw: JSON.stringify({ sessionId: 'x'.repeat(70_000) }) }), 400);
    });

    test(`${route.path}: wrong types and very long values`, async () => {
      const name = route.path === 'login' ? 'password' : 'sessionId';
      for (const value of [1, true, null, [], {}, ['x'], { $ne: null }, { $regex: '.*' }, 'x'.repeat(5000)]) {
        const raw = JSON.stringify({ user: 'admin', [name]: value });
        await refused(() => call(route, { raw }), 400, 'invalid-params');
      }
    });
  }

  test('login: a user of the wrong type, none, or an unknown one is refused', async () => {
    const login = routes[0];
    for (const user of [1, null, [], { username: 1 }, { email: ['a@b'] }, { username: 'x'.repeat(5000) }]) {
      await refused(() => call(login, { raw: JSON.stringify({ user, password: 'x' }) }), 400, 'invalid-params');
    }
    for (const user of [undefined, {}, { $gt: '' }, '', 'аdmin', 'admin\u0000', 'a'.repeat(4000)]) {
      const answer = await call(login, { raw: JSON.stringify({ user, password: adminPassword }) });
      assert.deepEqual([answer.status, answer.body.error], [401, 'Unauthorized'], String(user));
    }
  });

  for (const { path } of [routes[5], routes[8]]) {
    test(`${path}: unknown keys, and a session id in the query, are ignored`, async () => {
      const route = { method: 'POST', path };
      const raw = JSON.stringify({ sessionId: target.session.id, all: true });
      await refused(() => call(route, { raw }), 400, 'invalid-params');
      await refused(() => call(route, { query: `?sessionId=${target.session.id}` }), 400, 'invalid-params');
    });
  }

  for (const route of routes.filter(({ takes }) => takes === 'query')) {
    test(`${route.path}: a session id must be a single string`, async () => {
      for (const query of [
        '',
        '?sessionId=a&sessionId=b',
        '?sessionId[]=a',
        '?sessionId[$ne]=a',
        `?sessionId=${target.session.id}&x=1`,
        `?sessionId=${'x'.repeat(5000)}`,
        '?__proto__=1&sessionId=a',
      ]) {
        await refused(() => call(route, { query }), 400, 'invalid-params');
      }
      for (const id of ['nobody', '%00', '..%2F..', '%24where', '.*', '^', 'x'.repeat(4000), '%ff', 'сессия']) {
        const { body } = await refused(() => call(route, { query: `?sessionId=${id}` }), 404);
        assert.deepEqual(body, { success: false, error: 'Session not found' });
      }
    });
  }

  for (const route of routes.filter(({ takes }) => takes === 'page')) {
    test(`${route.path}: invalid numbers, unknown keys, texts that are too long`, async () => {
      for (const query of [
        '?count=ten',
        '?count=',
        '?count=-1',
        '?count=1.5',
        '?count=1e400',
        '?count=1&count=2',
        '?offset=-1',
        '?offset=9007199254740993',
        '?offset=x',
        '?filter=a&filter=b',
        '?filter[$regex]=.*',
        `?filter=${'x'.repeat(500)}`,
        `?sort=${'x'.repeat(2000)}`,
        '?query={}',
        '?fields={}',
      ]) {
        await refused(() => call(route, { query }), 400, 'invalid-params');
      }
      await refused(() => call(route, { query: '?sort={"$where":1}' }), 400);
    });
  }

  for (const route of signedIn) {
    test(`${route.path}: a caller without valid credentials in both headers is refused`, async () => {
      const { userId, authToken } = admin;
      const mistyped = `${authToken.slice(0, 40)}${authToken[40] === 'x' ? 'y' : 'x'}${authToken.slice(41)}`;
      const others: Record<string, string>[] = [
        {},
        { 'x-user-id': userId },
        { 'x-auth-token': authToken },
        { authorization: `Bearer ${authToken}` },
        { cookie: `__Host-curfew=${authToken}` },
        headersOf({ userId, authToken: mistyped }),
        headersOf({ userId, authToken: authToken.slice(0, -1) }),
        // Tokens of other kinds and other surfaces.
        headersOf({ userId, authToken: target.refreshToken }),
        headersOf({ userId, authToken: server.key }),
        headersOf({ userId, authToken: 'eyJhbGciOiJub25lIn0.eyJpZCI6ImFkbWluIn0.' }),
        headersOf({ userId, authToken: target.session.id }),
        headersOf({ userId, authToken: 'x'.repeat(10_000) }),
        // A token of somebody else, and one whose session has ended.
        headersOf({ userId, authToken: target.token }),
        headersOf({ userId: 'ada', authToken }),
        headersOf(ended),
      ];
      for (const headers of others) {
        const { body } = await refused(() => call(route, { headers }), 401);
        assert.equal(body.error, 'You must be logged in to do this.');
      }
      // In the query they are ignored.
      await refused(() => call(route, { headers: {}, query: `?x-user-id=${userId}&x-auth-token=${authToken}` }), 401);
    });

    test(`${route.path}: neither value of a repeated header is accepted`, async () => {
      for (const twice of ['x-user-id', 'x-auth-token']) {
        const headers: Record<string, string | string[]> = headersOf(admin);
        headers[twice] = [headers[twice] as string, headers[twice] as string];
        const { status, body } = await raw(server, route, headers);
        assert.deepEqual([status, body.error], [401, 'You must be logged in to do this.'], twice);
      }
    });
  }

  test('a code in a repeated header is wrong', async (t) => {
    const own = await TestServer.start();
    t.after(() => own.close());
    const { body } = await own.login();
    const authenticator = await own.enrol(body.account.id);
    // Signed in before the factor was enrolled, so a code is required.
    const headers = headersOf({ userId: body.account.id, authToken: body.token });
    const [code] = authenticator.backupCodes as [string];
    const answer = await raw(own, routes[6], { ...headers, 'x-2fa-code': [code, code] });
    assert.deepEqual([answer.status, answer.body.errorType], [400, 'totp-invalid']);
    assert.equal((await raw(own, routes[6], { ...headers, 'x-2fa-code': code })).status, 200);
  });

  test('a failure of the store is a 503 in its shape at every route, whichever read or write fails', async (t) => {
    const own = await TestServer.start();
    t.after(() => own.close());
    const authenticator = await own.enrol((await own.login()).body.account.id);
    const login = { user: 'admin', password: adminPassword };
    const { data } = (await own.call('POST', '/api/v1/login', { ...login, code: authenticator.next() }, { as: '' }))
      .body;
    const headers = headersOf(data);
    await own.createAccount('plain');
    const queries = { page: '?sort={"_user.name":1}&filter=a', query: '?sessionId=', body: '', nothing: '' };
    const { store } = own.context as unknown as { store: Record<string, (...all: unknown[]) => Promise<unknown>> };
    const methods = [
      'takeAttempt',
      'findAccount',
      'createSession',
      'appendEvent',
      'readSession',
      'readUser',
      'endSession',
      'listSessions',
      'listAccounts',
    ];
    const failed = new Set<string>();
    for (const name of methods) {
      const original = store[name]!;
      for (const { method, path, takes } of routes.filter((route) => route.path !== 'logout')) {
        const { session } = await own.createSession(data.userId);
        const password = name === 'appendEvent' ? 'wrong' : 'plain password';
        const body = path === 'login' ? { user: 'plain', password } : { sessionId: session.id };
        let met = 0;
        store[name] = async () => {
          met += 1;
          throw new CurfewError('store_unavailable');
        };
        const target = `/api/v1/${path}${queries[takes]}${takes === 'query' ? session.id : ''}`;
        const answer = await own.call(method, target, method === 'POST' ? body : undefined, { as: '', headers });
        store[name] = original;
        if (met === 0) continue;
        failed.add(name);
        assert.deepEqual(
          [answer.status, answer.body],
          [503, { success: false, error: 'The server cannot answer now' }],
          `${name} at ${path}`,
        );
      }
    }
    assert.deepEqual([...failed].sort(), [...methods].sort(), 'a method was never called');
  });
});

/** A request with a header more than once, which `fetch` cannot send. */
async function raw(
  server: TestServer,
  { method, path }: { method: string; path: string },
  headers: Record<string, string | string[]>,
): Promise<{ status: number; body: Json }> {
  const sent = httpRequest(`${server.url}/api/v1/${path}`, { method, headers }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { status: answer.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString()) };
}
