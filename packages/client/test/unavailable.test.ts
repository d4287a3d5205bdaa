import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { CurfewApiError } from 'curfew-client';
import { createVerifier, type Verifier } from 'curfew-client/verifier';
import { startChild } from '../../curfew/test/support/child.ts';
import { freePort } from '../../curfew/test/support/free-port.ts';
import { Relay } from '../../curfew/test/support/relay.ts';
import { TestServer } from '../../curfew/test/support/server.ts';

/** Longer than a test may take: what waits for it fails the test. */
const timeout = 600_000;
const limit = { timeout: 60_000 };

type Watched = {
  verifier: Verifier;
  unavailable: Promise<CurfewApiError>;
  available: Promise<void>;
  lines: string[];
};

/** A verifier whose two events can be awaited, and the lines that it logged. */
function watched(t: TestContext, url: string | string[], key: string, patience = timeout): Watched {
  const [unavailable, available] = [Promise.withResolvers<CurfewApiError>(), Promise.withResolvers<void>()];
  const lines: string[] = [];
  const logger = {
    warn: (text: string) => lines.push(`warn ${text}`),
    info: (text: string) => lines.push(`info ${text}`),
  };
  const verifier = createVerifier({
    url,
    key,
    timeout: patience,
    logger,
    onUnavailable: unavailable.resolve,
    onAvailable: available.resolve,
  });
  t.after(() => verifier.close());
  return { verifier, unavailable: unavailable.promise, available: available.promise, lines };
}

test('while the server is down, verifications fail at once, and each change is reported once', limit, async (t) => {
  const port = await freePort();
  const first = await TestServer.start({ CURFEW_PORT: String(port) }, undefined, 'lmdb');
  const { token } = await first.createSession('ada');
  const { verifier, unavailable, available, lines } = watched(t, first.url, first.key);
  assert.equal((await verifier.verify(token)).active, true);
  assert.deepEqual(lines, [], 'attaching for the first time is no news');
  await first.leave();
  const waiting = verifier.verify(token);
  await assert.rejects(waiting, { code: 'unreachable' });
  assert.equal((await unavailable).code, 'unreachable');
  for (let i = 0; i < 3; i++)
    await assert.rejects(verifier.verify(token), { code: 'unreachable', remedy: /the server runs/ });
  assert.equal(verifier.check(token), undefined);
  const second = await first.another({ CURFEW_PORT: String(port) });
  t.after(() => second.close());
  await available;
  assert.equal((await verifier.verify(token)).active, true);
  assert.equal(lines.length, 2);
  assert.match(lines[0]!, /^warn Curfew: sessions cannot be checked\. No Curfew server could be reached at ws:/);
  assert.match(lines[1]!, /^info Curfew: sessions can be checked again\.$/);
});

test('a verifier that is started before its server waits for it in `ready`', limit, async (t) => {
  const port = await freePort();
  const made = await TestServer.start({}, undefined, 'lmdb');
  const { verifier, unavailable } = watched(t, `http://127.0.0.1:${port}`, made.key);
  const ready = verifier.ready();
  await unavailable;
  await made.leave();
  const server = await made.another({ CURFEW_PORT: String(port) });
  t.after(() => server.close());
  await ready;
});

test('as long as one of several servers accepts connections, nothing is unavailable', limit, async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { token } = await server.createSession('ada');
  const refusing = await Promise.all([freePort(), freePort(), freePort()]);
  const urls = [...refusing.map((port) => `http://127.0.0.1:${port}`), server.url];
  const { verifier, lines } = watched(t, urls, server.key);
  assert.equal((await verifier.verify(token)).active, true);
  assert.deepEqual(lines, []);
});

test('a key that the server refuses is the reason that is reported', limit, async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { body } = await server.call('POST', '/v1/keys', { name: 'reader', scopes: ['sessions.read'] });
  const { unavailable, lines } = watched(t, server.url, body.token);
  assert.equal((await unavailable).code, 'permission_missing');
  assert.equal(lines.length, 1);
  assert.ok(!lines[0]!.includes(body.token));
});

test('a server that accepts connections and never answers is reported, too', limit, async (t) => {
  const silent = createServer().listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as { port: number };
  const { unavailable } = watched(t, `http://127.0.0.1:${port}`, 'cfk_x', 50);
  assert.equal((await unavailable).code, 'unreachable');
});

test('attaching may take longer than a verification may', limit, async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const relay = await Relay.to(Number(new URL(server.url).port));
  t.after(() => relay.close());
  // Each message to the server: the first of them opens the stream.
  relay.delay = 150;
  const { verifier, unavailable } = watched(t, `http://127.0.0.1:${relay.port}`, server.key, 200);
  let trouble: CurfewApiError | undefined;
  void unavailable.then((error) => {
    trouble = error;
  });
  for (; !verifier.statistics().leased; await pause(5)) assert.equal(trouble, undefined);
});

const application = `
import { createVerifier } from 'curfew-client/verifier';

const verifier = createVerifier({ url: process.env.CURFEW_URL, key: process.env.CURFEW_API_KEY });
await verifier.ready();
console.log('ready');
process.stdin.resume().on('end', () => verifier.close());
`;

test(
  'an application that has closed its verifier ends by itself, also if the server does not answer',
  limit,
  async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const relay = await Relay.to(Number(new URL(server.url).port));
    t.after(() => relay.close());
    const child = startChild(
      [process.execPath, '--conditions=curfew-source', '--input-type=module', '--eval', application],
      {
        env: { ...process.env, CURFEW_URL: `http://127.0.0.1:${relay.port}`, CURFEW_API_KEY: server.key },
        stdin: 'pipe',
      },
    );
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    relay.silent = true;
    child.stdin!.end();
    assert.deepEqual(await ended, [0, null]);
  },
);

test('a time-out that no timer can wait is refused', () => {
  const url = 'http://127.0.0.1:1';
  for (const wrong of [0, -1, 0.5, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY]) {
    assert.throws(() => createVerifier({ url, key: 'cfk_x', timeout: wrong }), { name: 'RangeError' }, String(wrong));
  }
});
