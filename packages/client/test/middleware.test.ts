import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createCurfew } from 'curfew';
import { expressSessions } from 'curfew-client/express';
import { fastifySessions } from 'curfew-client/fastify';
import { httpSessions } from 'curfew-client/http';
import { createVerifier, type SessionVerifier, type Verification, type Verifier } from 'curfew-client/verifier';
import express from 'express';
import fastify from 'fastify';
import { temporaryFolder } from '../../curfew/test/stores/harness.ts';
import { TestServer } from '../../curfew/test/support/server.ts';

type App = { url: string; close(): Promise<void> };
type Start = (verifier: SessionVerifier) => Promise<App>;

async function serve(server: Server): Promise<App> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Three equivalent applications: `/me` for signed-in users, `/staff` for that access group. */
const apps: Record<string, Start> = {
  async express(verifier) {
    const requireSession = expressSessions(verifier);
    const app = express();
    app.get('/me', requireSession(), (request, response) => {
      response.send(request.curfewSession.userId);
    });
    app.get('/staff', requireSession({ groups: ['staff'] }), (request, response) => {
      response.send(request.curfewSession.accessGroups.join());
    });
    return serve(createServer(app));
  },
  async fastify(verifier) {
    const requireSession = fastifySessions(verifier);
    const app = fastify();
    app.get('/me', { onRequest: requireSession() }, async ({ curfewSession }) => curfewSession.userId);
    app.get('/staff', { onRequest: requireSession({ groups: ['staff'] }) }, async ({ curfewSession }) =>
      curfewSession.accessGroups.join(),
    );
    const url = await app.listen({ port: 0 });
    return { url, close: () => app.close() };
  },
  async http(verifier) {
    const requireSession = httpSessions(verifier);
    const me = requireSession({}, ({ curfewSession }, response) => response.end(curfewSession.userId));
    const staff = requireSession({ groups: ['staff'] }, ({ curfewSession }, response) =>
      response.end(curfewSession.accessGroups.join()),
    );
    return serve(createServer((request, response) => (request.url === '/me' ? me : staff)(request, response)));
  },
};

let server: TestServer;
const running: { name: string; app: App; verifier: Verifier }[] = [];

before(async () => {
  server = await TestServer.start();
  for (const [name, start] of Object.entries(apps)) {
    const verifier = createVerifier({ url: server.url, key: server.key });
    running.push({ name, app: await start(verifier), verifier });
  }
});

after(async () => {
  for (const { app, verifier } of running) {
    verifier.close();
    await app.close();
  }
  await server.close();
});

async function get(app: App, path: string, headers: Record<string, string>) {
  const response = await fetch(app.url + path, { headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const cookie = (token: string) => ({ cookie: `theme=dark; __Host-curfew=${token}` });

test('after a logout through one application, every application refuses the next request', async () => {
  for (const shown of [bearer, cookie]) {
    const { token } = await server.createSession('ada');
    for (const { name, app } of running) {
      const answer = await get(app, '/me', shown(token));
      assert.deepEqual([answer.status, answer.text], [200, 'ada'], name);
      assert.deepEqual((await get(app, '/me', shown(token))).text, 'ada', `${name}, from memory`);
    }
    const { body } = await server.call('POST', '/v1/sessions/logout', { token });
    assert.equal(body.receipt.everywhere, true);
    for (const { name, app } of running) {
      const answer = await get(app, '/me', shown(token));
      assert.equal(answer.status, 401, name);
      assert.equal(JSON.parse(answer.text).reason, 'logout');
      assert.equal(answer.headers.get('cache-control'), 'no-store');
    }
  }
});

test('a change of an access group applies as soon as it has returned', async () => {
  const { token } = await server.createSession('grace');
  for (const { name, app } of running) {
    const answer = await get(app, '/staff', bearer(token));
    assert.equal(answer.status, 403, name);
    assert.match(JSON.parse(answer.text).detail, /staff/);
  }
  await server.call('POST', '/v1/users/grace/access-groups', { add: ['staff'] });
  for (const { name, app } of running) assert.equal((await get(app, '/staff', bearer(token))).text, 'staff', name);
  await server.call('POST', '/v1/users/grace/access-groups', { remove: ['staff'] });
  for (const { name, app } of running) assert.equal((await get(app, '/staff', bearer(token))).status, 403, name);
});

test('a request without a token, or with an invalid one, is told to sign in', async () => {
  for (const { name, app } of running) {
    for (const headers of [{}, { authorization: 'Basic eDp5' }, bearer('nonsense'), cookie('')]) {
      const answer = await get(app, '/me', headers as Record<string, string>);
      assert.equal(answer.status, 401, name);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
    }
  }
});

test('a cookie whose name only looks like ours, because a byte 0xA0 is before it, opens no session', async () => {
  const { token } = await server.createSession('ada');
  for (const { name, app } of running) {
    for (const blank of ['\xa0', ' \xa0', '\xa0 ', '\t\xa0']) {
      // The header is sent as Latin-1. A browser sends such a cookie if another subdomain has set it.
      const header = { cookie: `theme=dark;${blank}__Host-curfew=${token}` };
      assert.equal((await get(app, '/me', header)).status, 401, `${name} ${JSON.stringify(blank)}`);
    }
    assert.equal((await get(app, '/me', { cookie: `theme=dark;\t __Host-curfew=${token} \t; a=b` })).text, 'ada', name);
  }
});

test('if no server is reachable, nobody is let in, and the answer says why', async () => {
  const verifier = createVerifier({ url: 'http://127.0.0.1:9', key: server.key, timeout: 300 });
  const { token } = await server.createSession();
  for (const [name, start] of Object.entries(apps)) {
    const app = await start(verifier);
    const answer = await get(app, '/me', bearer(token));
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [503, 'unreachable'], name);
    await app.close();
  }
  verifier.close();
});

test('a request that was answered while its session was looked up is neither refused nor continued', async (t) => {
  const admin = await server.createSession('ada');
  const verdict = await running[0]!.verifier.verify(admin.token);
  let isContinued = false;
  const note = () => {
    isContinued = true;
  };
  const middleware: Record<string, (verifier: SessionVerifier) => RequestListener> = {
    express: (verifier) => (request, response) => expressSessions(verifier)()(request, response, note),
    http: (verifier) => httpSessions(verifier)({}, note),
  };
  for (const [name, of] of Object.entries(middleware)) {
    for (const late of [() => verdict, () => Promise.reject(new Error('The server cannot be reached.'))]) {
      const { promise, resolve } = Promise.withResolvers<Verification>();
      const handle = of({ check: () => undefined, verify: () => promise });
      const handled = Promise.withResolvers<void>();
      const app = await serve(
        createServer((request, response) => {
          const done = handle(request, response) as unknown as Promise<void>;
          response.on('close', () => resolve(late()));
          response.writeHead(503).end('too late');
          done.then(handled.resolve, handled.reject);
        }),
      );
      t.after(() => app.close());
      assert.equal((await get(app, '/', bearer(admin.token))).text, 'too late', name);
      await handled.promise;
      assert.equal(isContinued, false, name);
    }
  }
});

test('library mode: the same middleware over a store in this process, without a server', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const curfew = await createCurfew({ store: `lmdb:${folder.path}` });
  const app = await apps['http']!(curfew);
  const { token, session } = await curfew.createSession({ userId: 'ada' });
  assert.equal((await get(app, '/me', bearer(token))).text, 'ada');
  assert.equal(curfew.check(token)?.session.id, session.id, 'it is in memory now');
  for (const shared of [curfew.check(token)!.session.accessGroups, curfew.check(token)!.session.metadata])
    assert.throws(() => Object.assign(shared, { 0: 'changed' }), TypeError, 'a request changes it for the next ones');
  const { receipt } = await curfew.endSession({ token });
  assert.equal(receipt.everywhere, true);
  assert.equal(curfew.check(token), undefined);
  assert.equal((await get(app, '/me', bearer(token))).status, 401);
  await app.close();
  await curfew.close();
});
