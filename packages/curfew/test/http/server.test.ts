import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { serve } from '../../src/start/serve.ts';
import type { Store } from '../../src/stores/contract.ts';
import { version } from '../../src/version.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { adminPassword, TestServer } from '../support/server.ts';

/** Holds up a call of the store: `inside` resolves once it has begun, and it continues after `go`. */
function hold(store: Store, call: 'createSession' | 'readKey'): { inside: Promise<void>; go(): void } {
  const [entered, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const original = store[call] as (argument: never) => Promise<never>;
  store[call] = async (argument: never) => {
    entered.resolve();
    await gate.promise;
    return original.call(store, argument);
  };
  return { inside: entered.promise, go: gate.resolve };
}

describe('the server', () => {
  test('probes report liveness, readiness and metrics', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    await server.createSession('ada');
    const get = (path: string) => server.call('GET', path, undefined, { as: '' });
    assert.deepEqual((await get('/healthz')).body, { status: 'ok' });
    assert.equal((await get('/readyz')).body.status, 'ready');
    const metrics = (await get('/metrics')).body as string;
    assert.match(metrics, /^curfew_sessions_active 1$/m);
    assert.match(metrics, /^curfew_http_requests_total\{route="\/v1\/sessions",method="POST",status="201"\} 1$/m);
    assert.equal((await get('/')).status, 302);
    assert.deepEqual([(await get('/docs')).status, (await get('/docs/')).status], [302, 200]);
  });

  test('the page of the API carries the name and the version of this program, and of no other', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const get = async (path: string) => (await server.call('GET', path, undefined, { as: '' })).body;
    assert.match(await get('/docs/'), new RegExp(`<title>Curfew ${version}</title>`));
    const { title, version: shown } = (await get('/docs/json')).info;
    assert.deepEqual([title, shown], ['Curfew', version]);
    // Another layout has a bar with the name and the logo of what renders the page.
    assert.match(await get('/docs/static/swagger-initializer.js'), /"layout":"BaseLayout"/);
  });

  test('the document of the API is written once, and is JSON', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const { mock } = t.mock.method(JSON, 'stringify');
    const written = () => mock.calls.filter(({ arguments: [value] }) => value?.openapi !== undefined).length;
    for (const path of ['/docs/json', '/openapi.json']) {
      const before = written();
      for (const method of ['GET', 'GET', 'HEAD']) {
        const answer = await fetch(server.url + path, { method });
        const { length } = await answer.text();
        assert.equal(length > 0, method === 'GET', path);
        assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
        assert.ok(Number(answer.headers.get('content-length')) > 100_000, path);
      }
      assert.equal(written() - before, 1, path);
    }
  });

  test('the document of the API does not exist as YAML, which takes too long to write: its path is unknown', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    for (const path of ['/docs/yaml', '/docs/%79aml', '/docs/yaml?x', '/docs/nothing']) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await fetch(server.url + path, { method });
        const text = await answer.text();
        assert.equal(answer.status, 404, path);
        if (method === 'GET') assert.equal(JSON.parse(text).code, 'route_not_found', path);
      }
    }
  });

  test('a port in use and a store in use are each refused with their own error, and nothing stays open', async (t) => {
    const server = await TestServer.start({}, undefined, 'lmdb');
    t.after(() => server.close());
    const other = temporaryFolder();
    t.after(other.remove);
    const env = { CURFEW_LOG_LEVEL: 'silent', CURFEW_ADMIN_PASSWORD: adminPassword };
    const port = new URL(server.url).port;
    await assert.rejects(serve({ ...env, CURFEW_STORE: `lmdb:${other.path}`, CURFEW_PORT: port }), {
      code: 'port_in_use',
      message: `The port is in use: Port ${port} on 127.0.0.1.`,
    });
    await assert.rejects(serve({ ...env, ...server.env, CURFEW_PORT: '0' }), {
      code: 'store_in_use',
    });
    const again = await serve({ ...env, CURFEW_STORE: `lmdb:${other.path}`, CURFEW_PORT: '0' });
    await again.close();
  });

  test('a shutdown finishes accepted calls, refuses later ones, and loses nothing', async (t) => {
    const server = await TestServer.start();
    const { inside, go } = hold(server.context.store, 'createSession');
    const pending = server.call('POST', '/v1/sessions', { userId: 'late' });
    await inside;
    const closed = server.running.close();
    go();
    const answer = await pending;
    assert.equal(answer.status, 201);
    await closed;
    await assert.rejects(fetch(`${server.url}/healthz`));
    const again = await serve({
      ...server.env,
      CURFEW_PORT: '0',
      CURFEW_LOG_LEVEL: 'silent',
    });
    t.after(() => again.close());
    assert.equal(again.first, undefined, 'there was a second first start');
    const kept = await again.opened.context.store.readSession(answer.body.session.id);
    assert.ok(kept);
  });

  test('a request that the framework cannot handle is refused with Curfew’s own error, and the server keeps running', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const { body: narrow } = await server.call('POST', '/v1/keys', { name: 'reader', scopes: ['sessions.read'] });
    const { inside, go } = hold(server.context.store, 'readKey');
    const pending = server.call('POST', '/v1/sessions/verify', { token: 'x' }, { as: narrow.token });
    await inside;
    const closed = server.running.close();
    const { app } = server.running;
    for (;;) {
      if (!(await app.inject('/healthz').catch(() => undefined))) break;
      await new Promise(setImmediate);
    }
    go();
    const answer = await pending;
    assert.deepEqual([answer.status, answer.body.code], [503, 'shutting_down']);
    await closed;
  });

  test('if the store fails, every call fails with an error and changes nothing', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const { session, token } = await server.createSession('ada');
    await server.context.store.close();
    const calls: [string, string, unknown?][] = [
      ['DELETE', `/v1/sessions/${session.id}`],
      ['POST', '/v1/sessions', { userId: 'x' }],
      ['POST', '/v1/sessions/verify', { token }],
      ['DELETE', '/v1/users/ada/sessions'],
      ['POST', '/v1/sessions/end-everyone', { confirm: 'everyone' }],
      ['GET', '/v1/sessions'],
    ];
    for (const [method, path, body] of calls) {
      const answer = await server.call(method, path, body);
      assert.deepEqual([answer.status, answer.body.code], [503, 'store_unavailable'], `${method} ${path}`);
    }
    const login = await server.login();
    assert.equal(login.status, 503);
    assert.equal((await server.call('GET', '/readyz', undefined, { as: '' })).status, 503);
    assert.equal((await server.call('GET', '/healthz', undefined, { as: '' })).status, 200);
  });

  test('a request that is not HTTP is answered and ends', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.end('NONSENSE\r\n\r\n');
    let told = '';
    for await (const chunk of socket) told += chunk;
    assert.match(told, /^HTTP\/1\.1 400/);
  });

  test('settings are read, and an error names a wrong one', async () => {
    const bad: Record<string, string> = {
      CURFEW_PORT: '70000',
      CURFEW_STORE: 'mysql://x',
      CURFEW_IDLE: 'forever',
      CURFEW_LOGIN_ATTEMPTS: 'many',
      CURFEW_DIALECTS: 'klingon',
      CURFEW_SECRET_KEY: 'hunter2',
      CURFEW_EXCESS: 'maybe',
    };
    for (const [name, value] of Object.entries(bad)) {
      await assert.rejects(serve({ CURFEW_LOG_LEVEL: 'silent', [name]: value }), (error: Error & { code: string }) => {
        assert.equal(error.code, 'config_invalid');
        assert.match(error.message, new RegExp(name));
        if (name === 'CURFEW_SECRET_KEY') assert.doesNotMatch(error.message, /hunter2/);
        return true;
      });
    }
  });
});
