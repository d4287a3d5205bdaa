import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { library } from '../../src/authority/caller.ts';
import { createAuthority } from '../../src/authority/index.ts';
import { limits, minute, second } from '../../src/domain/limits.ts';
import { manualClock } from '../support/ports.ts';
import { type Answer, type Authenticator, adminPassword, type Json, TestServer } from '../support/server.ts';

type Credentials = { userId: string; authToken: string };

const devices = {
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  edge: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0',
  safari:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15',
  curl: 'curl/8.5.0',
};

describe('Rocket.Chat: the lists of sessions', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let server: TestServer;
  let authenticator: Authenticator;
  let admin: Credentials;
  before(async () => {
    server = await TestServer.start({}, clock);
    authenticator = await server.enrol((await server.login()).body.account.id);
    admin = await signIn('admin', adminPassword, authenticator.next());
  });
  after(() => server.close());

  const headersOf = ({ userId, authToken }: Credentials) => ({ 'x-user-id': userId, 'x-auth-token': authToken });
  const get = (path: string, as: Credentials, params: object = {}): Promise<Answer> => {
    const query = new URLSearchParams(params as Record<string, string>);
    return server.call('GET', `/api/v1/${path}?${query}`, undefined, { as: '', headers: headersOf(as) });
  };

  async function signIn(user: string, password: string, code?: string, userAgent = devices.firefox) {
    clock.advance(second);
    const { status, body } = await server.call(
      'POST',
      '/api/v1/login',
      { user, password, ...(code && { code }) },
      { as: '', headers: { 'user-agent': userAgent } },
    );
    assert.equal(status, 200, JSON.stringify(body));
    return body.data as Credentials;
  }

  /** Signs an account in on some devices, in this order, and returns the last one's credentials. */
  async function person(name: string, userAgents: string[], displayName?: string): Promise<Credentials> {
    await server.createAccount(name, { ...(displayName && { name: displayName }) });
    let last: Credentials | undefined;
    for (const userAgent of userAgents) last = await signIn(name, `${name} password`, undefined, userAgent);
    return last!;
  }

  const deviceNames = ({ body }: Answer) => body.sessions.map((session: Json) => session.device.name);

  test('newest first without a sort, every field in its place, and the caller’s own marked', async () => {
    const credentials = await person('one', [devices.safari, devices.curl]);
    const { status, body } = await get('sessions/list', credentials);
    assert.equal(status, 200);
    const [current, other] = body.sessions as [Json, Json];
    assert.deepEqual(body, { sessions: [current, other], total: 2, count: 50, offset: 0, success: true });
    const { session } = (await server.verify(credentials.authToken)) as Json;
    assert.deepEqual(current, {
      _id: session.id,
      sessionId: session.id,
      userId: credentials.userId,
      device: { type: 'program', name: 'curl', longVersion: '8.5.0', version: '8', os: { name: '' } },
      host: new URL(server.url).host,
      ip: '127.0.0.1',
      loginAt: session.createdAt,
      current: true,
    });
    assert.deepEqual(other.device, {
      type: 'browser',
      name: 'Safari',
      longVersion: '17.4',
      version: '17',
      os: { name: 'Mac OS', version: '10.15.7' },
    });
    assert.equal('current' in other, false);
  });

  test('count is the requested number, at most 100; 0 means the maximum; offset skips', async () => {
    const credentials = await person('pager', [devices.safari]);
    for (let i = 0; i < 120; i++) {
      clock.advance(second);
      await server.createSession(credentials.userId);
    }
    const counts: [asked: object, count: number, shown: number][] = [
      [{}, 50, 50],
      [{ count: 7 }, 7, 7],
      [{ count: 0 }, 100, 100],
      [{ count: 5000 }, 100, 100],
      [{ count: 30, offset: 100 }, 30, 21],
      [{ offset: 500 }, 50, 0],
    ];
    for (const [asked, count, shown] of counts) {
      const { body } = await get('sessions/list', credentials, asked);
      assert.deepEqual([body.count, body.sessions.length, body.total], [count, shown, 121], JSON.stringify(asked));
    }
    const pages = await Promise.all(
      [0, 50, 100].map(async (offset) => (await get('sessions/list', credentials, { offset })).body.sessions),
    );
    const times = pages.flat().map((session: Json) => session.loginAt);
    assert.equal(new Set(pages.flat().map((session: Json) => session._id)).size, 121);
    assert.deepEqual(times, [...times].sort().reverse());
  });

  test('N6.17: when sessions end between two pages, the next page skips as many; the first page shows all in the end', async () => {
    clock.advance(6 * minute);
    admin = await signIn('admin', adminPassword, authenticator.next());
    const one = await person('shrinking', [devices.safari]);
    for (let i = 0; i < 13; i++) {
      clock.advance(second);
      await server.createSession(one.userId);
    }
    const page = async (as: Credentials, offset: number, sort: object = {}, count = 3): Promise<string[]> => {
      const params = { offset, count, sort: JSON.stringify(sort) };
      const all = { ...params, filter: one.userId };
      const answer = as === admin ? await get('sessions/list.all', as, all) : await get('sessions/list', as, params);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return answer.body.sessions.map(({ sessionId }: Json) => sessionId);
    };
    const end = async (as: Credentials, sessionIds: readonly string[]) => {
      for (const sessionId of sessionIds) {
        const path = `/api/v1/sessions/${as === admin ? 'logout' : 'logout.me'}`;
        const answer = await server.call('POST', path, { sessionId }, { as: '', headers: headersOf(as) });
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
      }
    };
    for (const as of [admin, one]) {
      for (const sort of [{}, { loginAt: 1 }]) {
        const all = await page(as, 0, sort, 100);
        const first = await page(as, 0, sort);
        assert.deepEqual(first, all.slice(0, 3));
        // Not the first of all, which is the session of the caller.
        await end(as, first.slice(1));
        assert.deepEqual(await page(as, 3, sort), all.slice(5, 8));
      }
    }
    const ended: string[] = [];
    for (let shown = await page(admin, 0); shown.length > 0; shown = await page(admin, 0)) {
      await end(admin, shown);
      ended.push(...shown);
    }
    assert.deepEqual([ended.length, new Set(ended).size], [6, 6]);
    assert.equal((await get('sessions/list', one)).status, 401, 'all have ended');
  });

  test('one order spans all pages, for each key in both directions, and for several keys in turn', async () => {
    const { curl, edge, firefox, safari } = devices;
    const credentials = await person('sorter', [safari, curl, firefox, edge, safari]);
    const list = async (sort: object) => {
      const pages = [0, 2, 4].map((offset) =>
        get('sessions/list', credentials, { sort: JSON.stringify(sort), count: 2, offset }),
      );
      return (await Promise.all(pages)).flatMap(deviceNames);
    };
    assert.deepEqual(await list({ 'device.name': 1 }), ['Edge', 'Firefox', 'Safari', 'Safari', 'curl']);
    assert.deepEqual(await list({ 'device.name': -1 }), ['curl', 'Safari', 'Safari', 'Firefox', 'Edge']);
    assert.deepEqual(await list({ loginAt: 1 }), ['Safari', 'curl', 'Firefox', 'Edge', 'Safari']);
    assert.deepEqual(await list({ 'device.os.name': 1 }), ['curl', 'Firefox', 'Safari', 'Safari', 'Edge']);
    assert.deepEqual(await list({ 'device.os.version': -1, loginAt: 1 }), [
      'Safari',
      'Safari',
      'Edge',
      'curl',
      'Firefox',
    ]);
    const { body } = await get('sessions/list', credentials, {
      sort: JSON.stringify({ 'device.name': -1, loginAt: 1 }),
    });
    const [, first, second_] = body.sessions as [Json, Json, Json];
    assert.ok(first.loginAt < second_.loginAt, 'the second key decides between equals');
  });

  test('an unknown or invalid sort is refused in Rocket.Chat’s words', async () => {
    const keys = { status: 400, body: { success: false, error: 'error-invalid-sort-keys' } };
    const none = {
      status: 400,
      body: {
        success: false,
        error: 'Invalid sort parameter provided [error-invalid-sort]',
        errorType: 'error-invalid-sort',
      },
    };
    const cases: [sort: string, expected: object][] = [
      ['{"$where": 1}', keys],
      ['{"loginToken": 1}', keys],
      ['{"loginAt": 1, "ip": 1}', keys],
      ['{"toString": 1}', keys],
      ['{"loginAt": 2}', none],
      ['{"loginAt": {"$gt": 1}}', none],
      ['loginAt', none],
      ['["loginAt"]', none],
      ['null', none],
    ];
    for (const [sort, expected] of cases) {
      for (const path of ['sessions/list', 'sessions/list.all']) {
        const { status, body } = await get(path, admin, { sort });
        assert.deepEqual({ status, body }, expected, `${path} ${sort}`);
      }
    }
  });

  test('filter finds device, system, type and ids, regardless of case; it is never a pattern', async () => {
    const credentials = await person('finder', [devices.safari, devices.firefox, devices.curl]);
    const { body } = await get('sessions/list', credentials);
    const [{ sessionId }] = body.sessions as [Json];
    const found: [filter: string, names: string[]][] = [
      ['fireFOX', ['Firefox']],
      ['mac os', ['Safari']],
      ['PROGRAM', ['curl']],
      [sessionId, ['curl']],
      [credentials.userId, ['curl', 'Firefox', 'Safari']],
      ['', ['curl', 'Firefox', 'Safari']],
      ['.*', []],
      ['^', []],
      ['Firefox|Safari', []],
      ['(', []],
      [`${'(a+'.repeat(40)}$`, []],
    ];
    for (const [filter, names] of found) {
      const answer = await get('sessions/list', credentials, { filter });
      assert.equal(answer.status, 200, filter);
      assert.deepEqual([deviceNames(answer), answer.body.total], [names, names.length], filter);
    }
  });

  test('a malicious pattern takes no longer than a word', async () => {
    const text = 'a'.repeat(150);
    await server.createSession('evil', { accessGroups: ['a'.repeat(120)], userAgent: text });
    const began = performance.now();
    await get('sessions/list.all', admin, { filter: '^(a+)+$' });
    await get('sessions/list.all', admin, { filter: `${text}!` });
    assert.ok(performance.now() - began < 5000);
  });

  test('list.all finds and sorts by the user’s names, whole or in part; an address is not a name', async () => {
    clock.advance(6 * minute);
    admin = await signIn('admin', adminPassword, authenticator.next());
    await person('zoe', [devices.edge], 'Anna Zimmer');
    await person('abel', [devices.curl, devices.firefox], 'Zacharias');
    await server.call('POST', '/v1/accounts', {
      username: 'hidden',
      email: 'zimmer@example.com',
      password: 'hidden password',
    });
    await signIn('hidden', 'hidden password');
    await server.createSession('an-app-user');
    const users = async (params: object) => {
      const { status, body } = await get('sessions/list.all', admin, { count: 100, ...params });
      assert.equal(status, 200, JSON.stringify(body));
      return body.sessions.map((session: Json) => session._user) as { name: string; username: string }[];
    };
    // Ids are searched too: with four letters, a random one is found now and then.
    assert.deepEqual(await users({ filter: 'ZIMMER' }), [{ name: 'Anna Zimmer', username: 'zoe' }]);
    assert.deepEqual(await users({ filter: 'an-app' }), [{ name: 'an-app-user', username: 'an-app-user' }]);
    assert.deepEqual(
      (await users({ filter: 'zacharia', sort: '{"device.name":1}' })).map(({ username }) => username),
      ['abel', 'abel'],
    );
    for (const [key, part] of [
      ['_user.username', 'username'],
      ['_user.name', 'name'],
    ] as const) {
      const up = (await users({ sort: JSON.stringify({ [key]: 1 }) })).map((user) => user[part]);
      assert.deepEqual(up, [...up].sort(), key);
      const down = (await users({ sort: JSON.stringify({ [key]: -1 }) })).map((user) => user[part]);
      assert.deepEqual(down, [...down].sort().reverse(), key);
    }
  });

  test('info and logout.me find only one’s own sessions; others’ look nonexistent', async () => {
    const credentials = await person('mine', [devices.curl]);
    const { session, token } = await server.createSession('somebody-else');
    const post = (sessionId: string, as: Credentials) =>
      server.call('POST', '/api/v1/sessions/logout.me', { sessionId }, { as: '', headers: headersOf(as) });
    const none = { success: false, error: 'Session not found' };
    for (const sessionId of [session.id, 'nobody', '.*', '']) {
      const info = await get('sessions/info', credentials, { sessionId });
      assert.deepEqual([info.status, info.body], [404, none], sessionId);
      const ended = await post(sessionId, credentials);
      assert.deepEqual([ended.status, ended.body], [404, none], sessionId);
    }
    assert.equal((await server.verify(token)).active, true);
  });

  test('info.admin shows anybody’s session with its user, and an ended one to nobody', async () => {
    const { session } = await server.createSession('somebody');
    const info = () => get('sessions/info.admin', admin, { sessionId: session.id });
    const { status, body } = await info();
    assert.deepEqual([status, body._user], [200, { name: 'somebody', username: 'somebody' }]);
    await server.call('DELETE', `/v1/sessions/${session.id}`);
    assert.deepEqual((await info()).body, { success: false, error: 'Session not found' });
  });

  test('me of a user without an account is the id', async () => {
    const { token } = await server.createSession('ada');
    const { status, body } = await get('me', { userId: 'ada', authToken: token });
    assert.deepEqual([status, body._id, body.username, body.roles], [200, 'ada', 'ada', []]);
  });

  test('every route counts its calls and reports the limit, whether it answers or refuses', async (t) => {
    const own = await TestServer.start({ CURFEW_ROCKETCHAT_CALLS: '2/1m' }, clock);
    t.after(() => own.close());
    const { token } = await own.createSession('ada');
    const headers = { 'x-user-id': 'ada', 'x-auth-token': token };
    const routes: [method: string, path: string, status: number][] = [
      ['GET', 'me', 200],
      ['GET', 'sessions/list', 200],
      ['GET', 'sessions/info', 400],
      ['POST', 'sessions/logout.me', 400],
      ['GET', 'sessions/list.all', 403],
      ['GET', 'sessions/info.admin', 400],
      ['POST', 'sessions/logout', 400],
    ];
    for (const [method, path, status] of routes) {
      const call = () => own.call(method, `/api/v1/${path}`, undefined, { as: '', headers });
      for (const left of ['1', '0']) {
        const answer = await call();
        assert.equal(answer.status, status, path);
        assert.deepEqual(
          ['limit', 'remaining', 'reset'].map((name) => answer.headers.get(`x-ratelimit-${name}`)),
          ['2', left, String(clock.now() + minute)],
          path,
        );
      }
      const over = await call();
      assert.deepEqual([over.status, over.body.errorType], [429, 'error-too-many-requests'], path);
      assert.equal(over.headers.get('retry-after'), '60');
    }
  });

  test('an unauthenticated caller gets no other error: authentication comes first', async () => {
    for (const path of ['me', 'sessions/list', 'sessions/info', 'sessions/list.all', 'sessions/info.admin']) {
      for (const as of [
        { userId: '', authToken: '' },
        { userId: 'somebody', authToken: admin.authToken },
        { userId: admin.userId, authToken: server.key },
        { userId: admin.userId, authToken: `${admin.authToken}x` },
      ]) {
        const { status, body } = await get(path, as, { unknown: 1 });
        assert.deepEqual([status, body.error], [401, 'You must be logged in to do this.'], path);
      }
    }
  });

  test('N6.16: users.logoutOtherClients ends all of the caller’s sessions but the current one', async () => {
    const elsewhere = await person('many', [devices.safari, devices.curl]);
    const here = await signIn('many', 'many password');
    const post = (path: string, as: Credentials, body?: object) =>
      server.call('POST', `/api/v1/${path}`, body, { as: '', headers: headersOf(as) });
    const answer = await post('users.logoutOtherClients', here);
    const { session } = (await server.verify(here.authToken)) as Json;
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { token: here.authToken, tokenExpires: session.expiresAt, success: true });
    assert.equal((await get('sessions/list', here)).body.total, 1);
    assert.equal((await get('me', elsewhere)).status, 401);
    assert.equal((await post('users.logoutOtherClients', elsewhere)).status, 401);
    assert.equal((await post('users.logoutOtherClients', here)).status, 200, 'with none left as well');
  });

  test('N6.16: users.logout ends all of the caller’s sessions; those of another user require the permission and a second factor', async () => {
    const post = (as: Credentials, body?: object, headers = {}) =>
      server.call('POST', '/api/v1/users.logout', body, { as: '', headers: { ...headersOf(as), ...headers } });
    const [one, other] = [
      await person('leaver', [devices.safari, devices.curl]),
      await person('stayer', [devices.curl]),
    ];
    const refused = await post(one, { userId: other.userId });
    assert.deepEqual([refused.status, refused.body.error], [403, forbidden]);
    const message = `User ${one.userId} has been logged out!`;
    assert.deepEqual((await post(one)).body, { message, success: true });
    assert.equal((await get('me', one)).status, 401);

    const manager = await signIn('admin', adminPassword, authenticator.next());
    clock.advance(10 * minute);
    assert.equal((await post(manager, { userId: other.userId })).body.errorType, 'totp-required');
    assert.equal((await get('me', other)).status, 200);
    const code = { 'x-2fa-code': authenticator.next() };
    assert.equal((await post(manager, { userId: other.userId }, code)).status, 200);
    assert.equal((await get('me', other)).status, 401);
    for (const userId of [other.userId, 'nobody', 'x'.repeat(300)]) {
      const { status, body } = await post(manager, { userId });
      assert.deepEqual([status, body.errorType], [400, 'error-invalid-user-id'], userId);
    }
    assert.equal((await post(manager, { userId: '' })).status, 200, 'an empty one means the caller');
    assert.equal((await get('me', manager)).status, 401);
    admin = await signIn('admin', adminPassword, authenticator.next());
    assert.equal((await post(admin, { userId: 7 })).body.errorType, 'invalid-params');
    assert.equal((await post(admin, { userid: 'a' })).body.errorType, 'invalid-params');
  });
});

describe('Rocket.Chat: many sessions', () => {
  test('an order across users sorts ten thousand matches, and says if there are more', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const authenticator = await server.enrol((await server.login()).body.account.id);
    const { body } = await server.call(
      'POST',
      '/api/v1/login',
      { user: 'admin', password: adminPassword, code: authenticator.next() },
      { as: '' },
    );
    const { userId, authToken } = body.data;
    const list = async (params: Record<string, string>) =>
      server.call('GET', `/api/v1/sessions/list.all?${new URLSearchParams(params)}`, undefined, {
        as: '',
        headers: { 'x-user-id': userId, 'x-auth-token': authToken },
      });
    const authority = createAuthority(server.context);
    const wanted = limits.sortedMatches + 50;
    for (let made = 0; made < wanted; made += 500) {
      await Promise.all(
        Array.from({ length: Math.min(500, wanted - made) }, (_, i) =>
          authority.createSession(library, { userId: `user-${(made + i) % 97}` }),
        ),
      );
    }
    const active = await server.context.store.countActive(server.context.clock.nowForEnd());
    const newest = (await list({})).body;
    assert.deepEqual([newest.total, newest.partial, newest.sessions.length], [active, undefined, 50]);
    const last = (await list({ offset: String(active - 1) })).body;
    assert.ok(last.sessions.length === 1 || last.partial, 'a page at the end exists, or is reported as partial');
    const sorted = (await list({ sort: '{"_user.username":1}' })).body;
    assert.deepEqual([sorted.total, sorted.partial, sorted.sessions.length], [active, true, 50]);
    const few = (await list({ sort: '{"_user.username":1}', filter: 'user-13' })).body;
    assert.ok(few.partial || few.total > 90, 'all sessions of a user, or reported as partial');
    assert.ok(few.sessions.every((session: Json) => session.userId === 'user-13'));
  });
});

const forbidden = 'User does not have the permissions required for this action [error-unauthorized]';
