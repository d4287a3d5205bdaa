import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Type from 'typebox';
import Value from 'typebox/value';
import { callsOf } from '../../src/dialects/calls.ts';
import { permissionsOf, refusalOf } from '../../src/dialects/waha/error-map.ts';
import { callErrors } from '../../src/errors.ts';
import { effectsIn } from '../support/hostile.ts';
import { type Answer, type Json, TestServer } from '../support/server.ts';

/** The fields of a session in WAHA's OpenAPI document, as its n8n node and other clients read them. */
const Me = Type.Object({ id: Type.String(), pushName: Type.String() });
const SessionInfo = Type.Object(
  {
    name: Type.String(),
    status: Type.Union(['STOPPED', 'STARTING', 'SCAN_QR_CODE', 'WORKING', 'FAILED'].map((text) => Type.Literal(text))),
    config: Type.Object({
      metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      debug: Type.Optional(Type.Boolean()),
      webhooks: Type.Optional(Type.Array(Type.Object({ url: Type.String(), events: Type.Array(Type.String()) }))),
    }),
    me: Type.Union([Me, Type.Null()]),
    engine: Type.Object({ engine: Type.String() }),
    timestamps: Type.Object({ activity: Type.Union([Type.Integer(), Type.Null()]) }),
  },
  { additionalProperties: false },
);

/** The initial configuration in the node's form, which most people send unchanged. */
const formConfig = {
  metadata: {},
  proxy: { server: 'localhost:3128', username: null, password: null },
  debug: false,
  noweb: { store: { enabled: true, fullSync: false } },
  webhooks: [
    {
      url: 'https://webhook.site/11111111-1111-1111-1111-11111111',
      events: ['message', 'session.status'],
      hmac: { key: 'your-secret-key' },
      retries: { delaySeconds: 2, attempts: 15 },
      customHeaders: null,
    },
  ],
};

type Send = { query?: string; body?: unknown; key?: string | undefined; at?: string };

describe('WAHA: named sessions, as its n8n node requests them', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.close());

  /** As the node does: it always accepts JSON and declares a JSON body, even if it sends none. */
  function send(method: string, path: string, { query = '', body, key = server.key, at = '' }: Send = {}) {
    const headers = {
      accept: 'application/json',
      'content-type': 'application/json',
      ...(key && { 'x-api-key': key }),
    };
    return server.call(method, `${at}/api/sessions${path}${query}`, body, { as: '', headers });
  }

  /** The node's operations on sessions, by their names in its form. */
  const node = {
    list: (all = false) => send('GET', '', { query: `?all=${all}` }),
    create: (body: object = { name: 'default', start: true, config: formConfig }) => send('POST', '', { body }),
    get: (session: string) => send('GET', `/${session}`),
    update: (session: string, config: unknown) => send('PUT', `/${session}`, { body: { config } }),
    delete: (session: string) => send('DELETE', `/${session}`),
    getMe: (session: string) => send('GET', `/${session}/me`),
    start: (session: string) => send('POST', `/${session}/start`),
    stop: (session: string) => send('POST', `/${session}/stop`),
    logout: (session: string) => send('POST', `/${session}/logout`),
    restart: (session: string) => send('POST', `/${session}/restart`),
  };
  const deprecated = {
    start: (body?: unknown) => send('POST', '/start', { body }),
    stop: (body?: unknown) => send('POST', '/stop', { body }),
    logout: (body?: unknown) => send('POST', '/logout', { body }),
  };

  function sessionOf(answer: Answer, status: number): Json {
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.deepEqual([...Value.Errors(SessionInfo, answer.body)], []);
    return answer.body;
  }
  const stateOf = async (name: string) => sessionOf(await node.get(name), 200).status;
  const refused = (answer: Answer, status: number, error: string, message: unknown) => {
    assert.equal(answer.status, status);
    assert.deepEqual(answer.body, { message, error, statusCode: status });
  };
  const notFound = (answer: Answer) => refused(answer, 404, 'Not Found', 'Session not found');
  const named = async (name: string, more: object = {}) => sessionOf(await node.create({ name, ...more }), 201);

  test('the test of the credential gets a list with a valid key, and the same 401 with a wrong one or none', async () => {
    assert.equal((await send('GET', '')).status, 200);
    const session = await server.createSession('ada');
    for (const key of ['', 'wrong', `${server.key.slice(0, -1)}!`, session.token]) {
      const answer = await send('GET', '', { key });
      assert.equal(answer.status, 401);
      assert.deepEqual(answer.body, { message: 'Unauthorized', statusCode: 401 });
    }
  });

  test('Create waits for a sign-in, with the configuration of the form', async () => {
    const made = sessionOf(await node.create(), 201);
    assert.deepEqual(made, {
      name: 'default',
      status: 'SCAN_QR_CODE',
      config: formConfig,
      me: null,
      engine: { engine: 'CURFEW' },
      timestamps: { activity: null },
    });
    assert.deepEqual(sessionOf(await node.get('default'), 200), made);
    refused(
      await node.create(),
      422,
      'Unprocessable Entity',
      "Session 'default' already exists. Use PUT to update it.",
    );
    await node.delete('default');
  });

  test('Create without a name makes a new one each time and starts it; `start: false` leaves it stopped', async () => {
    const names = [];
    for (const body of [undefined, {}, { name: '' }, { name: null }]) {
      const { name, status } = sessionOf(await send('POST', '', { body }), 201);
      assert.match(name, /^session_[0-9a-f]{32}$/);
      assert.deepEqual([status, await stateOf(name)], ['SCAN_QR_CODE', 'SCAN_QR_CODE']);
      names.push(name);
    }
    assert.equal(new Set(names).size, 4);
    for (const name of names) await node.delete(name);
    const made = sessionOf(await node.create({ name: 'idle', start: false, config: null, more: 1 }), 201);
    assert.deepEqual([made.status, made.config], ['STOPPED', {}]);
  });

  test('WORKING means that somebody is signed in; Get Me returns who, by the name of their account', async () => {
    await named('desk');
    assert.deepEqual([(await node.getMe('desk')).status, (await node.getMe('desk')).body], [200, null]);
    const account = await server.createAccount('grace', { name: 'Grace Hopper' });
    const { session } = await server.createSession(account.id, { name: 'desk' });
    const working = sessionOf(await node.get('desk'), 200);
    assert.equal(working.status, 'WORKING');
    assert.deepEqual(working.me, { id: account.id, pushName: 'Grace Hopper' });
    assert.equal(working.timestamps.activity, Date.parse(session.lastSeenAt));
    assert.deepEqual((await node.getMe('desk')).body, working.me);
    await named('robot');
    await server.createSession('r2d2', { name: 'robot' });
    assert.deepEqual((await node.getMe('robot')).body, { id: 'r2d2', pushName: 'r2d2' });
  });

  test('Stop keeps the session but nobody can use it; Start resumes it; repeating either changes nothing', async () => {
    await named('on-off');
    const { token, session } = await server.createSession('ada', { name: 'on-off' });
    for (let i = 0; i < 2; i++) {
      const stopped = sessionOf(await node.stop('on-off'), 201);
      assert.deepEqual([stopped.status, stopped.me.id], ['STOPPED', 'ada']);
      assert.deepEqual(await server.verify(token), { active: false, reason: 'suspended' });
    }
    for (let i = 0; i < 2; i++) {
      assert.equal(sessionOf(await node.start('on-off'), 201).status, 'WORKING');
      assert.equal((await server.verify(token)).session.id, session.id);
    }
  });

  test('Get Me of a stopped session is a 404 that says to start it, although the session keeps its user', async () => {
    await named('asleep');
    await server.createSession('ada', { name: 'asleep' });
    await node.stop('asleep');
    refused(
      await node.getMe('asleep'),
      404,
      'Not Found',
      "We didn't find a session with name 'asleep'.\nPlease start it first by using POST /api/sessions/asleep/start request",
    );
    await node.start('asleep');
    assert.deepEqual((await node.getMe('asleep')).body, { id: 'ada', pushName: 'ada' });
  });

  test('Restart leaves a session working, and starts a stopped one', async () => {
    await named('again');
    const { token } = await server.createSession('ada', { name: 'again' });
    assert.equal(sessionOf(await node.restart('again'), 201).status, 'WORKING');
    await node.stop('again');
    assert.equal(sessionOf(await node.restart('again'), 201).status, 'WORKING');
    assert.equal((await server.verify(token)).active, true);
  });

  test('Logout of a running session ends it, and the name waits with its configuration', async () => {
    await named('out', { config: { metadata: { color: 'blue' } } });
    const { token, session } = await server.createSession('ada', { name: 'out' });
    const out = sessionOf(await node.logout('out'), 201);
    assert.deepEqual([out.status, out.me, out.config], ['SCAN_QR_CODE', null, { metadata: { color: 'blue' } }]);
    assert.deepEqual(await server.verify(token), { active: false, reason: 'logout' });
    const { body } = await server.call('GET', `/v1/sessions/${session.id}`);
    assert.match(body.session.endedBy, /^key:/);
    const next = await server.createSession('eve', { name: 'out' });
    assert.equal(await stateOf('out'), 'WORKING');
    assert.equal((await server.verify(next.token)).active, true);
  });

  test('Logout of a stopped session ends it, and the name stays stopped', async () => {
    await named('out-stopped');
    const { token } = await server.createSession('ada', { name: 'out-stopped' });
    await node.stop('out-stopped');
    assert.equal(sessionOf(await node.logout('out-stopped'), 201).status, 'STOPPED');
    assert.deepEqual(await server.verify(token), { active: false, reason: 'logout' });
    assert.equal(sessionOf(await node.start('out-stopped'), 201).status, 'SCAN_QR_CODE', 'a start revives nothing');
  });

  test('Update replaces the whole configuration, and affects no session', async () => {
    await named('config', { config: { debug: true } });
    const { token } = await server.createSession('ada', { name: 'config' });
    const updated = sessionOf(await node.update('config', formConfig), 200);
    assert.deepEqual([updated.config, updated.status], [formConfig, 'WORKING']);
    assert.equal((await server.verify(token)).active, true);
    assert.deepEqual(sessionOf(await node.update('config', null), 200).config, {});
  });

  test('Delete ends the session and removes the name; without one it also succeeds', async () => {
    await named('gone');
    const { token } = await server.createSession('ada', { name: 'gone' });
    for (let i = 0; i < 2; i++) {
      const answer = await node.delete('gone');
      assert.deepEqual([answer.status, answer.body], [200, '']);
    }
    assert.equal((await server.verify(token)).active, false);
    notFound(await node.get('gone'));
  });

  test('List shows stopped sessions only with `all`', async (t) => {
    const own = await TestServer.start();
    t.after(() => own.close());
    const list = async (query: string) => {
      const { status, body } = await own.call('GET', `/api/sessions${query}`, undefined, {
        as: '',
        headers: { 'x-api-key': own.key },
      });
      assert.equal(status, 200);
      for (const one of body) assert.deepEqual([...Value.Errors(SessionInfo, one)], []);
      return body.map(({ name }: Json) => name).sort();
    };
    assert.deepEqual(await list('?all=true'), []);
    for (let i = 0; i < 120; i++) await own.call('POST', '/v1/named-sessions', { name: `n${i}`, start: i !== 7 });
    const all = await list('?all=true');
    assert.equal(all.length, 120, 'only one page');
    assert.deepEqual(await list('?all=1'), all);
    const running = all.filter((name: string) => name !== 'n7');
    for (const query of ['', '?all=false', '?all=0']) assert.deepEqual(await list(query), running);
  });

  test('every call is also available with a slash at the end, as WAHA documents many of them', async () => {
    for (const call of Object.keys(callsOf.waha)) {
      const [method = '', path = ''] = call.replace('/api/sessions', '').replace(':name', 'slash').split(' ');
      const bodies: Record<string, object> = { 'POST ': { name: 'slash-new' }, 'PUT /slash': { config: {} } };
      const body = bodies[`${method} ${path}`] ?? (method === 'POST' ? { name: 'slash' } : undefined);
      const answered = async (end: string) => {
        await named('slash');
        const answer = await send(method, path + end, { body });
        for (const name of ['slash', 'slash-new']) await node.delete(name);
        return [answer.status, answer.body];
      };
      const expected = await answered('');
      assert.notEqual(expected[0], 404, call);
      assert.deepEqual(await answered('/'), expected, call);
    }
  });

  test('an unknown name is a 404 from every call but Delete and Stop, which succeed with an empty answer', async () => {
    for (const act of ['get', 'getMe', 'start', 'logout', 'restart'] as const) notFound(await node[act]('none'));
    notFound(await node.update('none', {}));
    for (const [act, status] of [
      ['stop', 201],
      ['delete', 200],
    ] as const) {
      const answer = await node[act]('none');
      assert.deepEqual([answer.status, answer.body], [status, ''], act);
    }
    notFound(await node.get('none'));
  });

  test('deprecated start makes the session, or configures a stopped one; a started one is a 422', async () => {
    const made = sessionOf(await deprecated.start({ name: 'old', config: { debug: true } }), 201);
    assert.deepEqual([made.status, made.config], ['SCAN_QR_CODE', { debug: true }]);
    const { token } = await server.createSession('ada', { name: 'old' });
    refused(await deprecated.start({ name: 'old' }), 422, 'Unprocessable Entity', "Session 'old' is already started.");
    await node.stop('old');
    const again = sessionOf(await deprecated.start({ name: 'old', config: { debug: false } }), 201);
    assert.deepEqual([again.status, again.config], ['WORKING', { debug: false }]);
    assert.equal((await server.verify(token)).active, true);
  });

  test('deprecated stop keeps the session; with `logout`, and deprecated logout, it ends and the name is removed', async () => {
    const done = (answer: Answer) => assert.deepEqual([answer.status, answer.body], [201, '']);
    await deprecated.start({ name: 'older' });
    const one = await server.createSession('ada', { name: 'older' });
    done(await deprecated.stop({ name: 'older' }));
    assert.deepEqual(await server.verify(one.token), { active: false, reason: 'suspended' });
    assert.equal(await stateOf('older'), 'STOPPED');
    done(await deprecated.stop({ name: 'older', logout: true }));
    assert.deepEqual(await server.verify(one.token), { active: false, reason: 'logout' });
    notFound(await node.get('older'));
    await deprecated.start({ name: 'older' });
    const two = await server.createSession('ada', { name: 'older' });
    done(await deprecated.logout({ name: 'older' }));
    assert.equal((await server.verify(two.token)).active, false);
    notFound(await node.get('older'));
    // Without a session it also succeeds.
    done(await deprecated.logout({ name: 'older' }));
    done(await deprecated.stop({ name: 'older' }));
  });

  test('the deprecated forms require a name; without one they are a 422', async () => {
    for (const call of Object.values(deprecated)) {
      for (const body of [undefined, {}, { name: '' }, { name: null }]) {
        refused(await call(body), 422, 'Unprocessable Entity', 'Session name is required');
      }
    }
  });

  test('calls on one name are executed in order of arrival', async () => {
    await named('busy');
    const { token } = await server.createSession('ada', { name: 'busy' });
    const calls = Array.from({ length: 8 }, (_, i) => [
      node.stop('busy'),
      node.update('busy', { n: i }),
      node.start('busy'),
    ]);
    const answers = await Promise.all(calls.flat());
    for (const answer of answers) assert.ok(answer.status < 300, JSON.stringify(answer.body));
    const last = sessionOf(await node.get('busy'), 200);
    const { active } = await server.verify(token);
    assert.equal(active, last.status === 'WORKING');
  });

  test('a key may do what its scopes allow; anything else is a 403', async () => {
    await named('scoped');
    const keyWith = async (...scopes: string[]) =>
      (await server.call('POST', '/v1/keys', { name: scopes.join(' '), scopes })).body.token;
    const keys = {
      'sessions.read': await keyWith('sessions.read'),
      'sessions.create': await keyWith('sessions.create'),
      'sessions.end': await keyWith('sessions.end'),
    };
    const calls: Record<keyof typeof permissionsOf, [method: string, path: string][]> = {
      read: [
        ['GET', ''],
        ['GET', '/scoped'],
        ['GET', '/scoped/me'],
      ],
      create: [['POST', '']],
      update: [['PUT', '/scoped']],
      start: [
        ['POST', '/scoped/start'],
        ['POST', '/start'],
      ],
      stop: [
        ['POST', '/scoped/stop'],
        ['POST', '/stop'],
      ],
      restart: [['POST', '/scoped/restart']],
      logout: [
        ['POST', '/scoped/logout'],
        ['POST', '/logout'],
      ],
      delete: [['DELETE', '/scoped']],
    };
    const before = await effectsIn(server);
    for (const [act, routes] of Object.entries(calls) as [keyof typeof calls, [string, string][]][]) {
      for (const [method, path] of routes) {
        for (const [scope, key] of Object.entries(keys)) {
          if (scope === permissionsOf[act]) continue;
          const answer = await send(method, path, { key });
          assert.deepEqual(
            [answer.status, answer.body],
            [403, { message: 'Forbidden', statusCode: 403 }],
            method + path,
          );
        }
      }
    }
    assert.deepEqual(await effectsIn(server), before);
    assert.equal((await send('GET', '/scoped', { key: keys['sessions.read'] })).status, 200);
    assert.equal((await send('POST', '/scoped/start', { key: keys['sessions.create'] })).status, 201);
    assert.equal((await send('POST', '/scoped/logout', { key: keys['sessions.end'] })).status, 201);
  });

  test('Restart with a key that may only end sessions leaves a stopped one stopped; the key of the node starts it', async () => {
    const keyWith = async (...scopes: string[]) =>
      (await server.call('POST', '/v1/keys', { name: scopes.join(), scopes })).body.token as string;
    await named('on-duty');
    const key = await keyWith('sessions.end');
    assert.equal((await send('POST', '/on-duty/restart', { key })).status, 201);
    assert.equal((await send('POST', '/on-duty/stop', { key })).status, 201);
    const answer = await send('POST', '/on-duty/restart', { key });
    assert.deepEqual([answer.status, answer.body], [403, { message: 'Forbidden', statusCode: 403 }]);
    assert.equal(await stateOf('on-duty'), 'STOPPED');
    const ofNode = await keyWith('sessions.read', 'sessions.create', 'sessions.end');
    assert.equal(sessionOf(await send('POST', '/on-duty/restart', { key: ofNode }), 201).status, 'SCAN_QR_CODE');
  });

  test('the key goes in the header or the query, and the header takes precedence', async () => {
    const query = `?x-api-key=${server.key}`;
    assert.equal((await send('GET', '', { query, key: '' })).status, 200);
    assert.equal((await send('GET', '', { query: '?x-api-key=wrong' })).status, 200);
    assert.equal((await send('GET', '', { query, key: 'wrong' })).status, 401);
    assert.equal((await send('GET', '', { query: `${query}&${query.slice(1)}`, key: '' })).status, 401);
  });

  test('the same routes work under /waha', async () => {
    await send('POST', '', { body: { name: 'under' }, at: '/waha' });
    assert.equal(sessionOf(await send('GET', '/under', { at: '/waha' }), 200).status, 'SCAN_QR_CODE');
    notFound(await send('GET', '/none', { at: '/waha' }));
  });

  test('the native API and this one share the same sessions', async () => {
    await server.call('POST', '/v1/named-sessions', { name: 'both' });
    const { session } = await server.createSession('ada', { name: 'both' });
    assert.equal(await stateOf('both'), 'WORKING');
    const { body } = await server.call('GET', '/v1/sessions?name=both');
    assert.deepEqual(
      body.sessions.map(({ id }: Json) => id),
      [session.id],
    );
    await server.call('DELETE', `/v1/sessions/${session.id}`);
    assert.equal(await stateOf('both'), 'SCAN_QR_CODE');
  });

  test('a failure of the store is a 503 in WAHA’s words', async (t) => {
    const own = await TestServer.start();
    t.after(() => own.close());
    await own.context.store.close();
    const answer = await own.call('GET', '/api/sessions', undefined, { as: '', headers: { 'x-api-key': own.key } });
    refused(answer, 503, 'Service Unavailable', 'The server cannot answer now');
  });

  test('the table has a row for every error', () => {
    assert.deepEqual(Object.keys(refusalOf).sort(), Object.keys(callErrors).sort());
  });
});
