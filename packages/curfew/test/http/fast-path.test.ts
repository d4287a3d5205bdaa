import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { rfc3339 } from '../../src/http/present.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { handledByFramework } from '../support/routes.ts';
import { type Answer, TestServer } from '../support/server.ts';

/*
 * A well-formed and allowed verification is answered without the framework, with no visible difference. With a charset
 * in its content type the same request goes through the framework, and the two answers are compared.
 */
describe('the fast path', () => {
  let server: TestServer;
  let live: Awaited<ReturnType<TestServer['createSession']>>;
  let ended: typeof live;
  let reader: string;
  before(async () => {
    server = await TestServer.start();
    const metadata = { plan: 'pro', nested: { list: [1, 'ü', null] } };
    live = await server.createSession('ada', { name: 'desk', metadata, userAgent: 'curl/8.5.0', accessGroups: ['x'] });
    ended = await server.createSession('ada');
    await server.call('DELETE', `/v1/sessions/${ended.session.id}`);
    reader = (await server.call('POST', '/v1/keys', { name: 'reader', scopes: ['sessions.read'] })).body.token;
  });
  after(() => server.close());

  const ask = (raw: string, as: string, headers: Record<string, string>) =>
    server.call('POST', '/v1/sessions/verify', undefined, { raw, as, headers });

  const seen = ({ status, headers, body }: Answer) => ({
    status,
    body: { ...body, instance: undefined },
    headers: ['content-type', 'cache-control', 'www-authenticate', 'connection'].map((name) => headers.get(name)),
  });

  async function bothWays(raw: string, as = server.key): Promise<Answer> {
    const short = await ask(raw, as, { 'content-type': 'application/json' });
    const long = await ask(raw, as, { 'content-type': 'application/json; charset=utf-8' });
    assert.deepEqual(seen(short), seen(long), raw.slice(0, 80));
    return short;
  }

  test('answers like the framework: live, ended, unknown and mistyped tokens', async () => {
    const answer = await bothWays(JSON.stringify({ token: live.token }));
    assert.equal(answer.body.active, true);
    assert.deepEqual(answer.body.session.metadata, live.session.metadata);
    assert.equal((await bothWays(JSON.stringify({ token: ended.token }))).body.reason, 'ended_by_admin');
    assert.equal((await bothWays(JSON.stringify({ token: live.refreshToken }))).body.reason, 'malformed');
    assert.equal((await bothWays(JSON.stringify({ token: 'cfs_' }))).body.reason, 'malformed');
  });

  test('refuses like the framework, in the same words', async () => {
    const good = JSON.stringify({ token: live.token });
    const bodies: [string, string][] = [
      ['', 'body_not_json'],
      ['{', 'body_not_json'],
      ['[]', 'body_not_json'],
      ['{}', 'missing_field'],
      ['{"token":1}', 'wrong_type'],
      [`${good.slice(0, -1)},"more":1}`, 'unknown_field'],
      [`${good.slice(0, -1)},"__proto__":{}}`, 'body_not_json'],
      [JSON.stringify({ token: 'x'.repeat(70_000) }), 'body_too_large'],
    ];
    for (const [raw, code] of bodies) assert.equal((await bothWays(raw)).body.code, code, raw.slice(0, 40));
    assert.equal((await bothWays(good, reader)).body.code, 'permission_missing');
    assert.equal((await bothWays(good, `${server.key.slice(0, -1)}!`)).body.code, 'token_malformed');
    assert.equal((await bothWays(good, live.token)).body.code, 'permission_missing');
    assert.equal((await bothWays(good, '')).body.code, 'authentication_required');
  });

  test('closes the connection if the client asks for that, whatever the answer', async () => {
    for (const [token, status] of [
      [live.token, 200],
      [1, 400],
    ] as const) {
      const raw = JSON.stringify({ token });
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      socket.write(
        [
          'POST /v1/sessions/verify HTTP/1.1',
          'host: x',
          'connection: close',
          `authorization: Bearer ${server.key}`,
          'content-type: application/json',
          `content-length: ${raw.length}`,
          '',
          raw,
        ].join('\r\n'),
      );
      const [answer] = await once(socket.setEncoding('utf8'), 'data');
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      assert.match(answer, /\r\nconnection: close\r\n/i);
      await once(socket, 'close');
    }
  });

  test('a revoked key is refused by the next request', async () => {
    const { key, token } = (await server.call('POST', '/v1/keys', { name: 'short', scopes: ['sessions.verify'] })).body;
    const good = JSON.stringify({ token: live.token });
    assert.equal((await bothWays(good, token)).status, 200);
    await server.call('DELETE', `/v1/keys/${key.id}`);
    assert.equal((await bothWays(good, token)).body.code, 'key_revoked');
  });

  test('is counted like any other request', async () => {
    const counted = async () => {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      const line = /curfew_http_requests_total\{route="\/v1\/sessions\/verify",method="POST",status="200"\} (\d+)/;
      return Number(line.exec(text)?.[1] ?? 0);
    };
    const earlier = await counted();
    await bothWays(JSON.stringify({ token: live.token }));
    assert.equal(await counted(), earlier + 2);
  });
});

describe('the fast path behind proxies', () => {
  for (const [trusted, forwarded] of [
    ['false', '203.0.113.9'],
    ['loopback', '203.0.113.9'],
    ['loopback', '1.1.1.1, [2001:DB8::9]:4711'],
    ['loopback,10.0.0.0/8', '203.0.113.9, 10.0.0.1:80'],
    ['loopback', 'unknown'],
    ['10.0.0.0/8', '203.0.113.9'],
    ['2', '1.1.1.1, 203.0.113.9, 198.51.100.1'],
    ['true', '203.0.113.9, 198.51.100.1'],
  ] as const) {
    test(`with CURFEW_TRUST_PROXY=${trusted}, ${forwarded} is logged as on the full path`, async (t) => {
      const folder = temporaryFolder();
      t.after(() => folder.remove());
      const path = join(folder.path, 'log');
      const env = { CURFEW_TRUST_PROXY: trusted, CURFEW_LOG_FILE: path, CURFEW_LOG_LEVEL: 'info' };
      const server = await TestServer.start(env);
      t.after(() => server.close());
      const { token } = await server.createSession('ada');
      const ask = (type: string) =>
        server.call(
          'POST',
          '/v1/sessions/verify',
          { token },
          {
            headers: { 'content-type': type, 'x-forwarded-for': forwarded, 'x-forwarded-proto': 'https' },
          },
        );
      assert.equal(await handledByFramework(() => ask('application/json')), 0);
      assert.equal(await handledByFramework(() => ask('application/json; charset=utf-8')), 1);
      const lines = () =>
        readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => line.includes('/v1/sessions/verify'))
          .map((line) => JSON.parse(line));
      while (lines().length < 2) await setImmediate();
      const [short, long] = lines().map(({ method, path: route, status, ip, by }) => ({
        method,
        route,
        status,
        ip,
        by,
      }));
      assert.deepEqual(short, long);
      assert.equal(short?.status, 200);
    });
  }

  test('warns of a proxy that is not trusted', async (t) => {
    const folder = temporaryFolder();
    t.after(() => folder.remove());
    const path = join(folder.path, 'log');
    const server = await TestServer.start({ CURFEW_LOG_FILE: path, CURFEW_LOG_LEVEL: 'warn' });
    t.after(() => server.close());
    const { token } = await server.createSession('ada');
    const handled = await handledByFramework(async () => {
      for (let i = 0; i < 20; i++) {
        const headers = { 'x-forwarded-for': `192.0.2.${i}` };
        await server.call('POST', '/v1/sessions/verify', { token }, { headers });
      }
    });
    assert.equal(handled, 0);
    while (!readFileSync(path, 'utf8').includes('CURFEW_TRUST_PROXY')) await setImmediate();
  });
});

test('times are formatted like those of Date', () => {
  fc.assert(
    fc.property(
      fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z') }),
      (date) => {
        assert.equal(rfc3339(date.getTime()), date.toISOString());
      },
    ),
  );
});
