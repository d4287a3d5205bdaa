import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { limits } from '../../src/domain/limits.ts';
import { type Route, startRecorded } from '../support/routes.ts';
import type { TestServer } from '../support/server.ts';

/** Requests that try to break the parsers, at every route with a body, in each supported system. */
describe('hostile requests', () => {
  let server: TestServer;
  let routes: Route[];
  before(async () => {
    const recorded = await startRecorded({});
    server = recorded.server;
    routes = recorded.routes.filter(({ method }) => ['POST', 'PUT', 'PATCH'].includes(method));
  });
  after(() => server.close());

  const send = ({ method, url }: Route, raw: string) =>
    server.call(method, url.replace(/:\w+/g, 'x'), undefined, {
      as: url.startsWith('/v1') ? server.key : '',
      headers: { 'x-api-key': server.key, 'x-client-key': server.key },
      raw,
    });

  test('Large bodies: every route refuses more than 64 KiB, and nothing is written', async () => {
    assert.ok(routes.length > 60, `only ${routes.length} routes`);
    const before = await server.state();
    for (const route of routes) {
      // That with an application's data takes as much more as it may be.
      const most = route.url === '/v1/sessions/data' ? 4 * limits.dataBytes : limits.bodyBytes;
      const raw = JSON.stringify({ x: 'x'.repeat(most) });
      const { status, body } = await send(route, raw);
      // Rocket.Chat answers 401 to an unknown caller before it reads a body, and so does Altogic.
      assert.ok(
        [401, 413].includes(status) || (status === 400 && !route.url.startsWith('/v1')),
        `${route.url}: ${status}`,
      );
      // Neither the widget nor what proxies ask reads a body of somebody without a token of its kind.
      const unread = ['/v1/widget/', '/v1/forward-auth'].some((path) => route.url.startsWith(path));
      if (unread) assert.equal(body.code, 'token_malformed', route.url);
      else if (route.url.startsWith('/v1')) assert.equal(body.code, 'body_too_large', route.url);
    }
    assert.deepEqual(await server.state(), before);
  });

  test('Prototype pollution: no body reaches an object’s prototype, at any route and depth', async () => {
    const before = await server.state();
    const payload = '{"polluted":"yes"}';
    const bodies = [
      `{"__proto__":${payload}}`,
      `{"constructor":{"prototype":${payload}}}`,
      `{"metadata":{"__proto__":${payload}},"config":{"a":{"constructor":{"prototype":${payload}}}}}`,
      `{"\\u005f_proto__":${payload}}`,
    ];
    for (const route of routes) {
      for (const raw of bodies) {
        const { status } = await send(route, raw);
        assert.ok(status >= 400 && status < 500, `${route.method} ${route.url} ${raw}: ${status}`);
        assert.equal(({} as Record<string, unknown>)['polluted'], undefined, route.url);
      }
    }
    assert.deepEqual(await server.state(), before);
  });

  test('Header smuggling: a request that could be read in two ways is a 400, and a request hidden behind it is not answered', async () => {
    const { token } = await server.createSession('ada');
    const hidden = `GET /v1/me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`;
    const framings: Record<string, [headers: string[], body: string]> = {
      'a length beside chunks': [['content-length: 4', 'transfer-encoding: chunked'], `0\r\n\r\n${hidden}`],
      'chunks beside a length': [['transfer-encoding: chunked', 'content-length: 400'], `0\r\n\r\n${hidden}`],
      'two lengths': [['content-length: 0', `content-length: ${hidden.length}`], hidden],
      'a length that is a list': [[`content-length: 0, ${hidden.length}`], hidden],
      'a length with a sign': [['content-length: +0'], hidden],
      'another encoding': [['transfer-encoding: xchunked'], `0\r\n\r\n${hidden}`],
      'chunks that are not last': [['transfer-encoding: chunked, identity'], `0\r\n\r\n${hidden}`],
      'a space before the colon': [['transfer-encoding : chunked', 'content-length: 0'], `0\r\n\r\n${hidden}`],
      'a folded header': [['x: y\r\n transfer-encoding: chunked', 'content-length: 0'], `0\r\n\r\n${hidden}`],
      'a bare line break': [['x: y\ntransfer-encoding: chunked', 'content-length: 0'], `0\r\n\r\n${hidden}`],
      'a chunk longer than it says': [['transfer-encoding: chunked'], `1\r\nab\r\n0\r\n\r\n${hidden}`],
      'a chunk that overflows': [['transfer-encoding: chunked'], `10000000000000000\r\n0\r\n\r\n${hidden}`],
    };
    for (const [what, [headers, body]] of Object.entries(framings)) {
      for (const path of ['/v1/logout', '/v1/sessions/verify', '/auth/logout']) {
        const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
        let answer = '';
        socket.setEncoding('utf8').on('data', (text) => {
          answer += text;
        });
        socket.write(
          [`POST ${path} HTTP/1.1`, 'host: x', 'content-type: application/json', ...headers, '', body].join('\r\n'),
        );
        await once(socket, 'close');
        // A call without a body may have been answered before the invalid body could be read.
        const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status);
        assert.equal(statuses.at(-1), '400', `${what} at ${path}: ${answer}`);
        assert.ok(statuses.length <= (/chunk (longer|that)/.test(what) ? 2 : 1), `${what} at ${path}: ${answer}`);
        assert.ok(!answer.includes('"userId":"ada"'), `${what} at ${path}`);
      }
    }
  });
});
