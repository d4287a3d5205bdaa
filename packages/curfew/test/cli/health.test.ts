import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { freePort } from '../support/free-port.ts';
import { runCli } from '../support/process.ts';
import { TestServer } from '../support/server.ts';

/** A program other than Curfew, at a port. */
async function other(t: TestContext, status: number, body: string): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('health finds the server by the settings that it was started with, and needs no credential', async (t) => {
  for (const host of ['127.0.0.1', '0.0.0.0', '::']) {
    const server = await TestServer.start({ CURFEW_HOST: host });
    t.after(() => server.close());
    const env = { CURFEW_HOST: host, CURFEW_PORT: new URL(server.url).port };
    const { code, out } = await runCli(['health'], env);
    assert.deepEqual([code, /healthz is ok\.$/m.test(out)], [0, true], host);
    assert.match((await runCli(['health', '--ready'], env)).out, /readyz is ready\.$/m);
    const json = await runCli(['--json', 'health', '--ready', '--url', `${server.url}/`]);
    assert.deepEqual(JSON.parse(json.out), { url: `${server.url}/readyz`, status: 'ready' });
  }
});

test('N8.4: a server that listens at [::1] is reached at the URL that it reports, and health finds it', async (t) => {
  const env = { CURFEW_HOST: '[::1]' };
  const server = await TestServer.start(env);
  t.after(() => server.close());
  const { hostname, port } = new URL(server.url);
  assert.equal(hostname, '[::1]');
  assert.deepEqual((server.running.app.server.address() as AddressInfo).address, '::1');
  assert.equal((await server.call('GET', '/v1/me')).status, 200);
  const { code, out } = await runCli(['health'], { ...env, CURFEW_PORT: port });
  assert.deepEqual([code, out.trim()], [0, `http://[::1]:${port}/healthz is ok.`]);
});

test('health ends with 1, and nothing else, if the server is not up', async (t) => {
  const draining = await other(t, 503, '{"status":"draining","checks":{}}');
  for (const [args, says] of [
    [['health', '--url', `http://127.0.0.1:${await freePort()}`], /does not answer: .*ECONNREFUSED/],
    [['health', '--ready', '--url', draining], /readyz is draining\./],
    [['health', '--url', await other(t, 200, 'It works!')], /answered 200, and not as Curfew does/],
    [['health', '--url', await other(t, 302, '')], /answered 302/],
    [['health', '--url', 'nonsense'], /"nonsense" is not an http: or https: URL\.\s+→ Write the whole URL/],
  ] as const) {
    const { code, err } = await runCli(args);
    assert.equal(code, 1, args.join(' '));
    assert.match(err, says);
  }
  const wrong = await runCli(['health'], { CURFEW_PORT: 'x' });
  assert.equal(wrong.code, 1);
});

test('health does not wait for a server that never answers', async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.closeAllConnections());
  t.after(() => silent.close());
  const { code, err } = await runCli([
    'health',
    '--timeout',
    '0.1',
    '--url',
    `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
  ]);
  assert.equal(code, 1);
  assert.match(err, /does not answer/);
});
