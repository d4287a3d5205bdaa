import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fencePath } from 'curfew-client/protocol';
import { temporaryFolder } from '../stores/harness.ts';
import { TestServer } from '../support/server.ts';

/*
 * What HTTP allows and forbids, as the server itself answers it before any operation.
 */
describe('the edges of HTTP', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.close());

  /** Sends raw bytes and returns the whole answer. */
  async function send(bytes: string): Promise<string> {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    socket.write(bytes);
    await once(socket, 'close');
    return answer;
  }
  const get = (path: string, ...headers: string[]) =>
    send(`GET ${path} HTTP/1.1\r\n${['host: x', 'connection: close', ...headers].join('\r\n')}\r\n\r\n`);
  const statusOf = (answer: string) => Number(answer.split(' ', 2)[1]);

  test('N6.6: browsers may not guess another content type for any response', async () => {
    const { token } = await server.createSession('ada');
    const verify = (type: string) =>
      server.call('POST', '/v1/sessions/verify', { token }, { headers: { 'content-type': type } });
    const answers = [
      await server.call('GET', '/v1/me'),
      await server.call('GET', '/v1/me', undefined, { as: '' }),
      await server.call('GET', '/nowhere'),
      await server.call('GET', '/healthz'),
      await server.call('GET', '/metrics'),
      await server.call('GET', '/docs/static/index.html'),
      await server.call('GET', '/api/v1/me', undefined, { as: '' }),
      await server.call('GET', '/users/me', undefined, { as: '' }),
      await server.call('GET', '/api/sessions', undefined, { as: '' }),
      await verify('application/json'),
      await verify('application/json; charset=utf-8'),
      await server.call('POST', '/v1/sessions/verify', { wrong: token }),
    ];
    for (const { headers, status } of answers)
      assert.equal(headers.get('x-content-type-options'), 'nosniff', `${status}`);
    for (const bytes of ['nonsense\r\n\r\n', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`]) {
      assert.match(await send(bytes), /\r\nx-content-type-options: nosniff\r\n/);
    }
  });

  test('a request that offers another protocol is answered with HTTP', async () => {
    const offer = ['connection: Upgrade, HTTP2-Settings', 'upgrade: h2c', 'http2-settings: AAMAAABkAAQAoAAAAAIAAAAA'];
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1').setEncoding('utf8');
    const lines = ['host: x', `authorization: Bearer ${server.key}`];
    // And so are the later requests on that connection.
    for (const headers of [[...lines, ...offer], lines]) {
      socket.write(`GET /v1/me HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
      const [answer] = await once(socket, 'data');
      assert.equal(statusOf(answer), 200);
    }
    socket.destroy();
  });

  test('Deep JSON, N6.7: a body that is nested too deep is a 400 on every surface, and one just within the bound is accepted', async () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const calls: [path: string, body: (depth: number) => string][] = [
      ['/v1/named-sessions', (depth) => `{"name":"deep","config":{"a":${nested(depth)}}}`],
      ['/v1/sessions', (depth) => `{"userId":"ada","metadata":{"a":${nested(depth)}}}`],
      ['/v1/sessions/verify', (depth) => `{"token":${nested(depth)}}`],
      ['/api/sessions', (depth) => `{"name":"deep","config":{"a":${nested(depth)}}}`],
      ['/auth/login', (depth) => `{"email":"a@example.com","password":"x","more":${nested(depth)}}`],
      ['/api/v1/login', (depth) => `{"user":"a","password":"x","more":${nested(depth)}}`],
      ['/_api/rest/v1/auth/signin-email', (depth) => `{"email":"a","password":"x","more":${nested(depth)}}`],
    ];
    for (const [path, body] of calls) {
      const as = path.startsWith('/v1') ? server.key : '';
      const headers = { 'x-api-key': server.key, 'x-client-key': server.key };
      for (const depth of [100, 5000, 30_000]) {
        assert.equal((await server.call('POST', path, undefined, { as, headers, raw: body(depth) })).status, 400, path);
      }
    }
    const within = { name: 'not-so-deep', config: { text: '[[[['.repeat(50), list: JSON.parse(nested(60)) } };
    assert.equal((await server.call('POST', '/v1/named-sessions', within)).status, 201);
  });

  // Parsing took seconds if each quotation mark was a new place to start; ten such bodies exceed the time.
  test('a body that is one unterminated string is refused at once', { timeout: 30_000 }, async () => {
    const endless = `"${'\\"'.repeat(32_000)}`;
    for (let i = 0; i < 10; i++) {
      assert.equal((await server.call('POST', '/v1/sessions', undefined, { raw: endless })).status, 400);
      assert.equal((await server.call('POST', '/auth/login', undefined, { as: '', raw: endless })).status, 400);
    }
  });

  test('N6.15: an empty body counts as none, whatever its headers claim', async () => {
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
      const { token } = await server.createSession('ada');
      const answer = await server.call('POST', '/v1/logout', undefined, {
        as: token,
        raw: '',
        headers: { 'content-type': type },
      });
      assert.equal(answer.status, 200, type);
    }
    const { session } = await server.createSession('ada');
    assert.equal((await server.call('DELETE', `/v1/sessions/${session.id}`, undefined, { raw: '' })).status, 200);
    assert.equal((await server.call('POST', '/v1/sessions', undefined, { raw: '' })).body.code, 'body_not_json');
  });

  test('N6.8: a path outside the folder of the documentation is a 404, and an unsatisfiable range a 400', async () => {
    for (const path of ['../../package.json', '%2e%2e/%2e%2e/x', '..%2f..%2fx', 'a%5c..%5cb', '%00', '.env']) {
      assert.equal(statusOf(await get(`/docs/static/${path}`)), 404, path);
    }
    assert.equal(statusOf(await get('/docs/static/swagger-ui.css')), 200);
    assert.equal(statusOf(await get('/docs/static/swagger-ui.css', 'range: bytes=999999999-')), 400);
  });

  test('Slow bodies, N3.4: a request whose body arrives too slowly is ended, even on the fast path', {
    timeout: 30_000,
  }, async (t) => {
    const { server: http } = server.running.app;
    const { requestTimeout, headersTimeout } = http;
    assert.deepEqual([requestTimeout, headersTimeout], [30_000, 30_000]);
    Object.assign(http, { requestTimeout: 300, headersTimeout: 300 });
    t.after(() => Object.assign(http, { requestTimeout, headersTimeout }));
    for (const type of ['application/json', 'application/json; charset=utf-8']) {
      // The client continues after the answer, and never closes by itself.
      const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', allowHalfOpen: true });
      let answer = '';
      socket.setEncoding('utf8').on('data', (text) => {
        answer += text;
      });
      socket.on('error', () => {});
      const lines = [
        'POST /v1/sessions/verify HTTP/1.1',
        'host: x',
        `authorization: Bearer ${server.key}`,
        `content-type: ${type}`,
        'content-length: 60000',
      ];
      socket.write(`${lines.join('\r\n')}\r\n\r\n{"token":"`);
      const trickle = setInterval(() => socket.write('x'), 20);
      await new Promise((resolve) => socket.on('close', resolve));
      clearInterval(trickle);
      assert.equal(statusOf(answer), 408, type);
    }
  });

  test('a client that does not read its answer is disconnected, and so is one whose offer of a WebSocket was refused', {
    timeout: 30_000,
  }, async (t) => {
    const { server: http } = server.running.app;
    const { timeout } = http;
    assert.equal(timeout, 120_000);
    http.timeout = 300;
    t.after(() => {
      http.timeout = timeout;
    });
    const offer = 'connection: upgrade\r\nupgrade: websocket\r\n';
    const pages = 'GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(20);
    for (const bytes of [pages, `GET ${fencePath} HTTP/1.1\r\nhost: x\r\n${offer}\r\n`]) {
      const accepted = once(http, 'connection');
      const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => {}).pause();
      socket.write(bytes);
      const [connection] = await accepted;
      await new Promise((resolve) => connection.once('close', resolve));
      socket.destroy();
    }
  });

  test('Header smuggling, N6.9: a request with two hosts is a 400, even on the fast path', async () => {
    assert.equal(statusOf(await get('/healthz', 'Host: y')), 400);
    assert.equal(statusOf(await get('/nowhere', 'HOST: x')), 400);
    assert.equal(statusOf(await get('/users/me', 'Host: y')), 400);
    const { token } = await server.createSession('ada');
    const body = JSON.stringify({ token });
    const verify = (...headers: string[]) =>
      send(
        [
          'POST /v1/sessions/verify HTTP/1.1',
          'host: x',
          `authorization: Bearer ${server.key}`,
          'content-type: application/json',
          `content-length: ${body.length}`,
          'connection: close',
          ...headers,
          '',
          body,
        ].join('\r\n'),
      );
    assert.equal(statusOf(await verify()), 200);
    assert.equal(statusOf(await verify('host: y')), 400);
  });
});

describe('the log', () => {
  async function linesOf(
    t: { after(done: () => void): void },
    env: object,
    act: (server: TestServer) => Promise<void>,
  ) {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const file = join(folder.path, 'curfew.log');
    const server = await TestServer.start({ CURFEW_LOG_LEVEL: 'info', CURFEW_LOG_FILE: file, ...env });
    await act(server);
    await server.close();
    return readFileSync(file, 'utf8').trim().split('\n');
  }

  test('N6.10: the log keeps the words of an unknown path, and nothing that could be a token', async (t) => {
    let secrets: string[] = [];
    const lines = await linesOf(t, {}, async (server) => {
      const { token, refreshToken } = await server.createSession('ada');
      secrets = [
        token,
        refreshToken,
        server.key,
        'eyJhbGciOiJIUzI1NiJ9.e30.c2ln',
        'hunter2hunter2',
        'JBSWY3DPEHPK3PXP',
      ];
      for (const secret of secrets) {
        for (const path of [`/v2/session/${secret}`, `/${secret}?token=${secret}`, `/v1/nothing/%20${secret}/end`]) {
          assert.equal((await server.call('GET', path)).status, 404);
        }
      }
    });
    for (const secret of secrets)
      assert.equal(
        lines.find((line) => line.includes(secret.slice(-10))),
        undefined,
      );
    assert.ok(lines.some((line) => JSON.parse(line).path === '/v2/session/…'));
  });

  test('N6.12: the log never controls the terminal that shows it, whatever a user’s id is', async (t) => {
    const userId = 'eve\u202enimda\u2028';
    const lines = await linesOf(t, {}, async (server) => {
      const { token } = await server.createSession(userId);
      assert.equal((await server.call('GET', '/v1/me', undefined, { as: token })).status, 200);
    });
    assert.ok(lines.some((line) => JSON.parse(line).by === `user:${userId}`));
    assert.equal(
      lines.find((line) => /[^\x20-\x7e]/.test(line)),
      undefined,
    );
  });
});
