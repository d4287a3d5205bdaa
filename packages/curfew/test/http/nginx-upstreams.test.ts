import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Nginx, nginxIsInstalled } from '../support/nginx.ts';
import { examples, readPage } from '../support/pages.ts';

/** What a server does with a request: `broken` cuts the connection once it has read it. */
type Behaviour = 'answers' | 'refuses' | 'broken';

/** A server behind nginx, and the requests that it has read. */
class Upstream {
  behaviour: Behaviour = 'answers';
  seen: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Upstream> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const upstream = new Upstream(server);
    server.on('request', async (request, response) => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      upstream.seen.push(`${request.method} ${request.url} ${body}`);
      if (upstream.behaviour === 'broken') request.socket.destroy();
      else if (upstream.behaviour === 'answers') response.end('answered');
      else {
        response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '1' });
        response.end('{"code":"store_unavailable"}');
      }
    });
    return upstream;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

type Hosts = readonly [one: string, other: string];
const configurations: Record<string, (hosts: Hosts, port: number) => string> = {
  'deploy/nginx.conf': ([one, other], port) =>
    readPage('deploy/nginx.conf')
      .replace('curfew-1:2873', one)
      .replace('curfew-2:2873', other)
      .replace('listen 80;', `listen 127.0.0.1:${port};`),
  'docs/operation.md': ([one, other], port) =>
    examples('nginx', readPage('docs/operation.md'))[0]!
      .replace('127.0.0.1:2873', one)
      .replace('127.0.0.1:2874', other)
      .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
      .replaceAll(/^ *ssl_.*$/gm, ''),
};

for (const [name, configure] of Object.entries(configurations)) {
  describe(`the two servers behind nginx in ${name}`, { skip: !nginxIsInstalled, timeout: 60_000 }, () => {
    let one: Upstream;
    let other: Upstream;
    let nginx: Nginx;
    before(async () => {
      [one, other] = [await Upstream.start(), await Upstream.start()];
      nginx = await Nginx.start((port) => configure([one.host, other.host], port));
    });
    after(async () => {
      await nginx.remove();
      for (const upstream of [one, other]) upstream.stop();
    });
    beforeEach(() => {
      for (const upstream of [one, other]) Object.assign(upstream, { behaviour: 'answers', seen: [] });
    });

    const path = '/v1/sessions?user=a%2Fb';
    const send = (method: string) =>
      fetch(nginx.url + path, { method, ...(/^P/.test(method) && { body: 'the body' }) });
    const seen = () => [...one.seen, ...other.seen];

    test('a request of any method that one of them refuses with 503 is answered by the other', async () => {
      one.behaviour = 'refuses';
      for (const method of ['POST', 'PATCH', 'GET', 'PUT', 'DELETE']) {
        for (let i = 0; i < 4; i++) {
          const answer = await send(method);
          assert.deepEqual([answer.status, await answer.text()], [200, 'answered'], method);
        }
        assert.equal(other.seen.length, 4, 'each was answered once');
        for (const request of other.seen) assert.ok(request.startsWith(`${method} ${path} `), request);
        if (method === 'POST') assert.ok(other.seen.every((request) => request.endsWith(' the body')));
        other.seen = [];
      }
    });

    test('what only operators should see is not forwarded, in whatever way its path is written', async () => {
      for (const path of ['/metrics', '/readyz', '/metrics?a=b', '/%6Detrics', '//metrics', '/v1/../readyz']) {
        assert.equal((await fetch(nginx.url + path)).status, 404, path);
      }
      assert.deepEqual(seen(), []);
      assert.equal((await fetch(`${nginx.url}/healthz`)).status, 200);
    });

    test('what both refuse is refused in the words of Curfew, and what they answer later is answered', async () => {
      for (const upstream of [one, other]) upstream.behaviour = 'refuses';
      for (const method of ['GET', 'POST', 'DELETE', 'POST', 'GET']) {
        const answer = await send(method);
        assert.deepEqual(
          [answer.status, answer.headers.get('retry-after'), await answer.text()],
          [503, '1', '{"code":"store_unavailable"}'],
          method,
        );
      }
      for (const upstream of [one, other]) upstream.behaviour = 'answers';
      for (let i = 0; i < 4; i++) assert.equal((await send('POST')).status, 200);
    });

    test('if a connection fails, what may have been carried out is repeated only if that changes nothing', async () => {
      one.behaviour = 'broken';
      for (let i = 0; i < 4; i++) assert.equal((await send('GET')).status, 200);
      assert.ok(one.seen.length > 0);
      for (let i = 0; i < 4; i++) {
        for (const upstream of [one, other]) upstream.seen = [];
        const { status } = await send('POST');
        assert.deepEqual([status, seen().length], [one.seen.length > 0 ? 502 : 200, 1]);
      }
    });

    test('while one of them is not there, the other answers everything', async () => {
      one.stop();
      for (const method of ['POST', 'GET', 'DELETE', 'POST', 'GET', 'DELETE']) {
        assert.equal((await send(method)).status, 200, method);
      }
      assert.equal(other.seen.length, 6);
    });
  });
}
