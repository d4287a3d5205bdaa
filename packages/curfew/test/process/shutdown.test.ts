import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fencePath } from 'curfew-client/protocol';
import { createVerifier } from 'curfew-client/verifier';
import { makeKey } from '../../src/authority/keys.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { random } from '../support/ports.ts';
import { clientFor, startProcess } from '../support/process.ts';
import { adminPassword } from '../support/server.ts';

const key = makeKey(Date.now(), random);
const verifiers = 50;
const clients = 8;

test('a server with verifiers and requests closes soon, and answers every accepted request correctly', {
  timeout: 120_000,
}, async (t) => {
  const server = await startServer(t);
  const client = clientFor(server, key);
  const { token } = await client.createSession({ userId: 'ada' });
  const ending: string[] = [];
  for (let i = 0; i < clients; i++) ending.push((await client.createSession({ userId: 'ada' })).session.id);
  const attached = Array.from({ length: verifiers }, () => createVerifier({ url: server.url, key, timeout: 60_000 }));
  t.after(() => {
    for (const verifier of attached) verifier.close();
  });
  await Promise.all(attached.map((verifier) => verifier.verify(token)));

  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const call = (method: string, path: string, body?: object) => ask(agent, server.url, method, path, body);
  const outcomes = new Map<string, number>();
  let closed = false;
  const asking = Array.from({ length: clients }, async () => {
    while (!closed) {
      const outcome = await call('POST', '/v1/sessions/verify', { token });
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      // A refused connection goes to another server.
      if (outcome === 'ECONNREFUSED') return;
    }
  });
  const ends = ending.map((id) => call('DELETE', `/v1/sessions/${id}?wait=everywhere`));
  // Once this one is answered, the server has read all earlier ones; those that it has not read when it closes are cut.
  assert.match(await call('GET', '/v1/me'), /^200/);
  const began = performance.now();
  await server.stop('SIGTERM');
  closed = true;
  await Promise.all(asking);
  t.diagnostic(`closed after ${Math.round(performance.now() - began)} ms: ${JSON.stringify([...outcomes])}`);
  assert.equal(server.child.exitCode, 0);
  assert.deepEqual(await Promise.all(ends), Array(clients).fill('200'));
  const wrong = [...outcomes.keys()].filter(
    (outcome) => !['200', '503 shutting_down', 'ECONNREFUSED'].includes(outcome),
  );
  assert.deepEqual(wrong, [], 'a request was cut, or answered wrongly');
});

test('N9.2: a request whose body arrives after the signal is answered, and a later upgrade is refused', {
  timeout: 120_000,
}, async (t) => {
  const server = await startServer(t);
  const { token } = await clientFor(server, key).createSession({ userId: 'ada' });
  const bodies = { '/v1/sessions/verify': JSON.stringify({ token }), '/v1/sessions': '{"userId":"ben"}' };
  const waiting = [];
  for (const [path, body] of Object.entries(bodies)) {
    const head = `POST ${path} HTTP/1.1\r\nhost: curfew\r\nauthorization: Bearer ${key}\r\n`;
    const shape = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    waiting.push({ socket: await open(server.url, head + shape), late: body });
  }
  const upgrade = `GET ${fencePath} HTTP/1.1\r\nhost: curfew\r\nconnection: upgrade\r\nupgrade: websocket\r\n`;
  const handshake = 'sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n';
  waiting.push({ socket: await open(server.url, ''), late: upgrade + handshake });
  // So that everything has arrived.
  assert.equal(await ask(new Agent(), server.url, 'GET', '/healthz'), '200');
  const gone = once(server.child, 'exit');
  server.child.kill('SIGTERM');
  while (!server.told.some((line) => line.startsWith('SIGTERM: '))) await pause(1);
  // A connection without a request is closed soon, so that one comes first.
  for (const { socket, late } of waiting.toReversed()) socket.write(late);
  const answers = waiting.map(({ socket }) => firstLine(socket));
  assert.deepEqual(await Promise.all(answers), [
    'HTTP/1.1 200 OK',
    'HTTP/1.1 201 Created',
    'HTTP/1.1 503 Service Unavailable',
  ]);
  assert.deepEqual(await gone, [0, null]);
});

test('N8.10: connections without a request, or with only half a header, do not delay a server that closes', {
  timeout: 120_000,
}, async (t) => {
  const server = await startServer(t);
  const half = 'GET /healthz HTTP/1.1\r\nhost: cur';
  const kept = await open(server.url, 'GET /healthz HTTP/1.1\r\nhost: curfew\r\n\r\n');
  const [answer] = await once(kept, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 200 /);
  kept.write(half);
  const sockets = [await open(server.url, ''), await open(server.url, half), kept];
  for (const socket of sockets) socket.on('error', () => {});
  // So that everything sent has arrived.
  assert.equal(await ask(new Agent(), server.url, 'GET', '/healthz'), '200');
  const began = performance.now();
  await server.stop('SIGTERM');
  assert.equal(server.child.exitCode, 0);
  const took = performance.now() - began;
  assert.ok(took < 10_000, `it took ${Math.round(took)} ms`);
  for (const socket of sockets) socket.destroy();
});

test('requests that were sent without waiting for answers, even long before, disturb no closing', {
  timeout: 120_000,
}, async (t) => {
  const server = await startServer(t);
  const one = 'GET /healthz HTTP/1.1\r\nhost: curfew\r\n';
  const socket = await open(server.url, `${one}\r\n${one}connection: close\r\n\r\n`);
  let answers = '';
  for await (const data of socket) answers += data;
  assert.equal(answers.match(/HTTP\/1\.1 200 /g)?.length, 2);
  await server.stop('SIGTERM');
  assert.equal(server.child.exitCode, 0);
});

test('a second signal at the same time, as a supervisor sends to a process group, changes nothing: accepted requests are finished, and the server closes once', {
  timeout: 120_000,
}, async (t) => {
  const server = await startServer(t);
  const body = '{"userId":"ben"}';
  const head = `POST /v1/sessions HTTP/1.1\r\nhost: curfew\r\nauthorization: Bearer ${key}\r\n`;
  const shape = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const socket = await open(server.url, head + shape);
  // So that it has arrived.
  assert.equal(await ask(new Agent(), server.url, 'GET', '/healthz'), '200');
  const gone = once(server.child, 'close');
  // Two signals of the same kind could become one on the way.
  server.child.kill('SIGTERM');
  server.child.kill('SIGINT');
  while (!server.told.some((line) => /^SIG(TERM|INT): /.test(line))) await pause(10);
  socket.write(body);
  assert.equal(await firstLine(socket), 'HTTP/1.1 201 Created');
  assert.deepEqual(await gone, [0, null]);
  assert.equal(server.told.filter((line) => line.startsWith('SIG')).length, 1);
  assert.equal(server.log.filter((line) => line.includes('"msg":"closed"')).length, 1);
});

async function startServer(t: TestContext): Promise<Awaited<ReturnType<typeof startProcess>>> {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const server = await startProcess({
    CURFEW_STORE: `lmdb:${folder.path}`,
    CURFEW_API_KEY: key,
    CURFEW_ADMIN_PASSWORD: adminPassword,
  });
  t.after(() => server.child.kill('SIGKILL'));
  return server;
}

async function open(url: string, first: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(first);
  return socket;
}

/** The first line that arrives; '' if the connection ends before. */
async function firstLine(socket: Socket): Promise<string> {
  for await (const data of socket) return String(data).split('\r\n', 1)[0]!;
  return '';
}

/** Status and code of an answer, or of the error instead of one. */
function ask(agent: Agent, url: string, method: string, path: string, body?: object): Promise<string> {
  const content = body && JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${key}`,
    ...(content && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
  };
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message);
    const sent = request(url + path, { method, agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', failed);
      response.on('end', () => {
        const { code } = JSON.parse(text) as { code?: string };
        resolve(code ? `${response.statusCode} ${code}` : `${response.statusCode}`);
      });
    });
    sent.on('error', failed);
    sent.end(content);
  });
}
