import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Store } from '../../src/stores/contract.ts';
import { effectsIn, newKey, noObjects, rawCall, strangeTexts, whileFailing } from '../support/hostile.ts';
import { type Answer, TestServer } from '../support/server.ts';

const base = '/api/sessions';
const json = { 'content-type': 'application/json' };

/** Every route, for a session with the given name. */
const routes: [method: string, path: (name: string) => string, body?: (name: unknown) => object][] = [
  ['GET', () => base],
  ['POST', () => base, (name) => ({ name })],
  ['GET', (name) => `${base}/${name}`],
  ['PUT', (name) => `${base}/${name}`, () => ({ config: {} })],
  ['DELETE', (name) => `${base}/${name}`],
  ['GET', (name) => `${base}/${name}/me`],
  ...['start', 'stop', 'restart', 'logout'].map((act): (typeof routes)[number] => [
    'POST',
    (name) => `${base}/${name}/${act}`,
  ]),
  ...['start', 'stop', 'logout'].map((act): (typeof routes)[number] => [
    'POST',
    () => `${base}/${act}`,
    (name) => ({ name }),
  ]),
];
const withBody = routes.filter(([, , body]) => body);
const byPath = routes.filter(([, path]) => path('x') !== path('y'));

describe('WAHA: bad input', () => {
  let server: TestServer;
  let token: string;
  before(async () => {
    server = await TestServer.start();
    await server.call('POST', '/v1/named-sessions', { name: 'desk' });
    ({ token } = await server.createSession('ada', { name: 'desk' }));
  });
  after(() => server.close());

  const call = (method: string, path: string, body?: string, headers: Record<string, string | string[]> = {}) =>
    rawCall(server, method, path, { 'x-api-key': server.key, ...json, ...headers }, body);

  const snapshot = async () => [await effectsIn(server), (await server.call('GET', '/v1/named-sessions')).body];

  /** Refused in WAHA's shape, without private data, and with nothing changed. */
  async function refused(status: number, send: () => Promise<Answer>, what: string): Promise<void> {
    const before = await snapshot();
    const answer = await send();
    assert.equal(answer.status, status, `${what}: ${JSON.stringify(answer.body)}`);
    inItsShape(answer, what);
    assert.deepEqual(await snapshot(), before, what);
    assert.equal((await server.verify(token)).active, true, what);
  }

  function inItsShape({ status, body, headers }: Answer, what: string): void {
    const keys = Object.keys(body).sort().join();
    assert.ok(
      keys === 'error,message,statusCode' || (status < 404 && keys === 'message,statusCode'),
      `${what}: ${keys}`,
    );
    assert.equal(body.statusCode, status);
    assert.equal(headers.get('cache-control'), 'no-store');
    const text = JSON.stringify(body);
    for (const secret of [server.key, token, 'at file:', 'node_modules', 'secret-detail', 'argon2']) {
      assert.ok(!text.includes(secret), `${what}: ${text}`);
    }
  }

  test('an invalid key is a 401 on every route', async () => {
    const session = await server.createSession('eve');
    const { body } = await server.call('POST', '/v1/keys', { name: 'old', scopes: ['sessions.read'] });
    await server.call('DELETE', `/v1/keys/${body.key.id}`);
    const keys: Record<string, string | string[]> = {
      empty: '',
      wrong: 'cfk_wrong',
      'cut off': server.key.slice(0, -1),
      'of another server': server.key.replace(/.$/, server.key.endsWith('0') ? '1' : '0'),
      'a session token': session.token,
      'a refresh token': session.refreshToken,
      revoked: body.token,
      'sent twice': [server.key, server.key],
      'with a scheme': `Bearer ${server.key}`,
      'very long': 'k'.repeat(8000),
    };
    for (const [method, path, bodyOf] of routes) {
      const content = bodyOf && JSON.stringify(bodyOf('fresh'));
      for (const [what, key] of Object.entries(keys)) {
        await refused(
          401,
          () => call(method, path('desk'), content, { 'x-api-key': key }),
          `${method} ${path('desk')} ${what}`,
        );
      }
      await refused(401, () => rawCall(server, method, path('desk'), json, content), 'none');
    }
  });

  test('a body that is not a JSON object is a 400', async () => {
    for (const [method, path] of withBody) {
      for (const [what, body] of Object.entries(noObjects)) {
        await refused(400, () => call(method, path('desk'), body), `${method} ${path('desk')} ${what}`);
      }
    }
  });

  test('another content type is 415, and a body over 64 KiB 413', async () => {
    for (const [method, path] of withBody) {
      for (const type of [
        'application/x-www-form-urlencoded',
        'text/plain',
        'application/xml',
        'multipart/form-data',
      ]) {
        await refused(415, () => call(method, path('desk'), 'name=fresh', { 'content-type': type }), type);
      }
      await refused(413, () => call(method, path('desk'), JSON.stringify({ name: 'x'.repeat(70_000) })), 'too large');
    }
  });

  test('a value of another type is a 400 that names it', async () => {
    const wrong: [route: string, body: object, field: string][] = [
      ['POST ', { name: 5 }, 'name'],
      ['POST ', { name: ['desk'] }, 'name'],
      ['POST ', { name: { $ne: null } }, 'name'],
      ['POST ', { name: 'fresh', config: 'none' }, 'config'],
      ['POST ', { name: 'fresh', config: [] }, 'config'],
      ['POST ', { name: 'fresh', start: 'yes' }, 'start'],
      ['PUT /desk', { config: 1 }, 'config'],
      ['POST /start', { name: true }, 'name'],
      ['POST /start', { name: 'desk', config: 'x' }, 'config'],
      ['POST /stop', { name: 1 }, 'name'],
      ['POST /stop', { name: 'desk', logout: 'no' }, 'logout'],
      ['POST /logout', { name: {} }, 'name'],
    ];
    for (const [route, body, field] of wrong) {
      const [method, path] = route.split(' ');
      await refused(
        400,
        async () => {
          const answer = await call(method!, base + path, JSON.stringify(body));
          assert.equal(answer.body.message.length, 1);
          assert.match(answer.body.message[0], new RegExp(`^${field} `), route);
          return answer;
        },
        `${route} ${JSON.stringify(body)}`,
      );
    }
    for (const all of ['maybe', '', '2', 'true&all=false']) {
      await refused(400, () => call('GET', `${base}?all=${all}`), all);
    }
  });

  test('a configuration that is too large is a 400', async () => {
    const config = { text: 'x'.repeat(17_000) };
    await refused(400, () => call('POST', base, JSON.stringify({ name: 'fresh', config })), 'create');
    await refused(400, () => call('PUT', `${base}/desk`, JSON.stringify({ config })), 'update');
  });

  test('an invalid name is a 404, Delete and Stop do nothing, and Create is a 400', async () => {
    for (const [what, name] of Object.entries(strangeTexts)) {
      for (const [method, path, bodyOf] of byPath) {
        const content = bodyOf && JSON.stringify(bodyOf(name));
        const send = () => call(method, path(encodeURIComponent(name)), content);
        const lenient = method === 'DELETE' ? 200 : path('x').endsWith('/stop') ? 201 : undefined;
        // A name longer than any part of a path may be matches no route at all.
        if (lenient === undefined || name.length > 2048) await refused(404, send, `${method} ${what}`);
        else {
          const before = await snapshot();
          assert.deepEqual([(await send()).status, await snapshot()], [lenient, before], what);
        }
      }
      for (const path of [base, `${base}/start`]) {
        await refused(400, () => call('POST', path, JSON.stringify({ name })), `${path} ${what}`);
      }
      const before = await snapshot();
      for (const act of ['stop', 'logout']) {
        assert.equal((await call('POST', `${base}/${act}`, JSON.stringify({ name }))).status, 201, `${act} ${what}`);
      }
      assert.deepEqual(await snapshot(), before, what);
    }
    for (const name of ['.', '..']) {
      await refused(400, () => call('POST', base, JSON.stringify({ name })), name);
    }
  });

  test('an unsupported path is a 404 in WAHA’s words', async () => {
    for (const path of ['/desk/auth', '/desk/me/more', '/desk/../desk/x', '//', '/desk/qr']) {
      await refused(404, () => call('GET', base + path), path);
      await refused(404, () => call('PATCH', base + path), path);
    }
  });

  test('any failure of the store is a 503 on every route, and nothing has changed', async () => {
    await server.call('POST', '/v1/named-sessions', { name: 'off', start: false });
    const faults: [operation: keyof Store, calls: [method: string, path: string, body?: object | undefined][]][] = [
      ['readKey', routes.map(([method, path, bodyOf]) => [method, path('desk').slice(base.length), bodyOf?.('fresh')])],
      [
        'readNamed',
        [
          ...byPath.map(([method, path]): [string, string] => [method, path('desk').slice(base.length)]),
          ['POST', '/start', { name: 'desk' }],
          ['POST', '/stop', { name: 'desk' }],
          ['POST', '/stop', { name: 'desk', logout: true }],
          ['POST', '/logout', { name: 'desk' }],
        ],
      ],
      ['listNamed', [['GET', '?all=true']]],
      ['createNamed', [['POST', '', { name: 'fresh' }]]],
      [
        'changeNamed',
        [
          ['PUT', '/desk', { config: {} }],
          ['POST', '/desk/stop'],
          ['POST', '/off/start'],
          ['DELETE', '/desk'],
        ],
      ],
      ['endSession', [['POST', '/desk/logout']]],
      [
        'readSession',
        [
          ['GET', '/desk'],
          ['GET', '/desk/me'],
          ['GET', ''],
          ['POST', '/desk/logout'],
        ],
      ],
      [
        'readUser',
        [
          ['GET', '/desk'],
          ['GET', '/desk/me'],
          ['GET', ''],
        ],
      ],
    ];
    for (const [operation, calls] of faults) {
      for (const [method, path, body] of calls) {
        const headers: Record<string, string> = operation === 'readKey' ? { 'x-api-key': await newKey(server) } : {};
        const before = await snapshot();
        const answer = await whileFailing(server.context.store, operation, () =>
          call(method, base + path, body && JSON.stringify(body), headers),
        );
        assert.equal(answer.status, 503, `${operation} ${method} ${path}`);
        inItsShape(answer, operation);
        assert.deepEqual(await snapshot(), before, `${operation} ${method} ${path}`);
      }
    }
    assert.equal((await server.verify(token)).active, true);
  });

  test('a removal that fails halfway is not a success; repeated, it completes', async () => {
    await server.call('POST', '/v1/named-sessions', { name: 'half' });
    const { token: other } = await server.createSession('ada', { name: 'half' });
    const first = await whileFailing(server.context.store, 'removeNamed', () => call('DELETE', `${base}/half`));
    assert.equal(first.status, 503);
    assert.equal((await server.verify(other)).active, false);
    assert.equal((await call('DELETE', `${base}/half`)).status, 200);
    assert.equal((await call('GET', `${base}/half`)).status, 404);
  });

  test('a stop that fails halfway is not a success and not shown as STOPPED; repeated, it completes', async () => {
    await server.call('POST', '/v1/named-sessions', { name: 'half' });
    const { token: other } = await server.createSession('ada', { name: 'half' });
    const first = await whileFailing(server.context.store, 'changeSession', () => call('POST', `${base}/half/stop`));
    assert.equal(first.status, 503);
    assert.equal((await server.verify(other)).active, true);
    assert.equal((await call('GET', `${base}/half`)).body.status, 'WORKING');
    assert.equal((await call('POST', `${base}/half/stop`)).body.status, 'STOPPED');
    assert.deepEqual(await server.verify(other), { active: false, reason: 'suspended' });
  });

  test('Fuzz: whatever is sent, the answer has WAHA’s shape and is never a 500', async () => {
    const value = fc.oneof(fc.string(), fc.constantFrom('desk', 'fresh', '', null), fc.jsonValue());
    const field = fc.constantFrom('name', 'config', 'start', 'logout', 'x-api-key', '__proto__', 'constructor');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        fc.oneof(fc.constant('desk'), fc.string({ unit: 'binary', maxLength: 60 })),
        fc.array(fc.tuple(field, value), { maxLength: 4 }),
        fc.boolean(),
        async ([method, path], name, fields, keyed) => {
          const answer = await server.running.app.inject({
            method: method as 'GET',
            url: path(encodeURIComponent(name.toWellFormed())),
            headers: { ...json, ...(keyed && { 'x-api-key': server.key }) },
            ...(method !== 'GET' && { payload: JSON.stringify(Object.fromEntries(fields)) }),
          });
          assert.ok(answer.statusCode < 500, `${answer.statusCode} ${answer.body}`);
          assert.ok(!answer.body.includes(server.key));
          if (answer.statusCode < 400) return;
          assert.equal(answer.json().statusCode, answer.statusCode, answer.body);
        },
      ),
      { numRuns: 400 },
    );
  });
});
