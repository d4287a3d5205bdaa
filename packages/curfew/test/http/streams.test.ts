import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { idOf } from 'curfew-client/protocol';
import { limits } from '../../src/domain/limits.ts';
import { TestServer } from '../support/server.ts';

describe('streams of events', { timeout: 900_000 }, () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start({ CURFEW_TRUST_PROXY: 'loopback' });
  });
  const following = new Set<AbortController>();
  after(() => {
    for (const gone of following) gone.abort();
    return server.close();
  });

  /** The number of streams whose callers are watched, from now on. */
  function watching(t: TestContext): () => number {
    const { fence } = server.context;
    const { watch } = fence;
    let count = 0;
    t.mock.method(fence, 'watch', (...rest: Parameters<typeof watch>) => {
      const stop = watch.apply(fence, rest);
      count += 1;
      let isWatched = true;
      return () => {
        count -= Number(isWatched);
        isWatched = false;
        stop();
      };
    });
    return () => count;
  }

  const keyOf = async () =>
    (await server.call('POST', '/v1/keys', { name: 'reader', scopes: ['events.read'] })).body.token as string;

  /** One that the server remembers: it watches that one too. */
  async function knownKey(): Promise<string> {
    const key = await keyOf();
    assert.equal((await server.call('GET', '/v1/events', undefined, { as: key })).status, 200);
    return key;
  }

  /** An open stream, or its refusal; `close` resolves when the server knows. */
  async function follow(token: string, address: string) {
    const gone = new AbortController();
    following.add(gone);
    const response = await fetch(`${server.url}/v1/events`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', 'x-forwarded-for': address },
      signal: gone.signal,
    });
    return { response, close: () => gone.abort() };
  }

  async function open(count: number, token: string, address: string) {
    const streams = [];
    for (let i = 0; i < count; i++) streams.push(await follow(token, address));
    for (const { response } of streams) assert.equal(response.status, 200);
    return streams;
  }

  async function refused(token: string, address: string, says: RegExp) {
    const { response } = await follow(token, address);
    assert.equal(response.status, 429);
    const problem = (await response.json()) as { code: string; detail: string };
    assert.equal(problem.code, 'too_many_streams');
    assert.match(problem.detail, says);
    assert.ok(Number(response.headers.get('retry-after')) > 0);
  }

  /** The place of a closed stream is free once the server knows that it was closed. */
  async function admitted(token: string, address: string) {
    for (;;) {
      const stream = await follow(token, address);
      if (stream.response.status === 200) return stream;
      await stream.response.arrayBuffer();
    }
  }

  test('N3.8: the limit of open streams holds for one key and one account, from any addresses; another one is served', async () => {
    const key = await keyOf();
    const streams = [
      ...(await open(limits.streamsOfCaller - 1, key, '192.0.2.1')),
      ...(await open(1, key, '192.0.2.2')),
    ];
    await refused(key, '192.0.2.3', /^The caller has 32 streams open/);
    const { body } = await server.login();
    streams.push(...(await open(limits.streamsOfCaller, body.token, '192.0.2.4')));
    const { body: again } = await server.call(
      'POST',
      '/v1/login',
      { username: 'admin', password: 'correct horse battery' },
      { as: '' },
    );
    await refused(again.token, '192.0.2.5', /^The caller has/);
    // A page of events is not a stream.
    assert.equal((await server.call('GET', '/v1/events', undefined, { as: key })).status, 200);
    streams.shift()!.close();
    streams.push(await admitted(key, '192.0.2.3'));
    for (const { close } of streams) close();
  });

  test('a client that leaves while it is too slow to be sent more is watched no longer', async (t) => {
    const key = await knownKey();
    const count = watching(t);
    const http = server.running.app.server;
    const arrived: Socket[] = [];
    const note = (socket: Socket) => arrived.push(socket);
    http.on('connection', note);
    t.after(() => http.off('connection', note));
    const client = connect(Number(new URL(server.url).port), '127.0.0.1').pause();
    t.after(() => client.destroy());
    const headers = [
      'host: localhost',
      `authorization: Bearer ${key}`,
      'accept: text/event-stream',
      'last-event-id: 0',
    ];
    client.write(`GET /v1/events HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    await until(() => count() === 1);
    const sending = arrived.find(({ remotePort }) => remotePort === client.localPort)!;
    const event = { type: 'login.failed', at: 0, by: 'library', details: { filling: 'x'.repeat(50_000) } } as const;
    while (!sending.writableNeedDrain) await server.context.store.appendEvent(event);
    client.resetAndDestroy();
    await until(() => count() === 0);
  });

  test('N3.8: a client that disconnects during authentication holds no stream', async (t) => {
    const count = watching(t);
    const key = await keyOf();
    const port = Number(new URL(server.url).port);
    const { store } = server.context;
    const read = store.readKey;
    t.after(() => Object.assign(store, { readKey: read }));
    let goOn: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let asked = 0;
    const sockets: Socket[] = [];
    const headers = ['host: localhost', `authorization: Bearer ${key}`, 'accept: text/event-stream'];
    await new Promise<void>((resolve) => {
      const readLate: typeof read = async (id) => {
        asked += 1;
        if (asked === limits.streamsOfCaller) resolve();
        await held;
        return read.call(store, id);
      };
      Object.assign(store, { readKey: readLate });
      for (let i = 0; i < limits.streamsOfCaller; i++) {
        const socket = connect(port, '127.0.0.1');
        socket.write(`GET /v1/events HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
        sockets.push(socket);
      }
    });
    Object.assign(store, { readKey: read });
    for (const socket of sockets) socket.resetAndDestroy();
    // By then the server knows.
    for (let i = 0; i < 3; i++) await server.call('GET', '/v1/keys');
    goOn();
    (await admitted(key, '192.0.2.9')).close();
    // The key itself, which the server remembers from now on.
    await until(() => count() === 1);
    await server.call('DELETE', `/v1/keys/${idOf(key)}`);
    assert.equal(count(), 0);
  });

  test('N3.8: the limit of open streams holds for one address, or one IPv6 network, with any keys', async () => {
    const streams = [];
    for (let left: number = limits.streamsOfAddress; left > 0; left -= limits.streamsOfCaller) {
      streams.push(...(await open(Math.min(left, limits.streamsOfCaller), await keyOf(), `2001:db8::${left}`)));
    }
    const key = await keyOf();
    await refused(key, '2001:db8::ffff', /^The network of 2001:db8::ffff has 100 streams open/);
    streams.push(...(await open(1, key, '2001:db8:0:1::1')));
    streams.shift()!.close();
    streams.push(await admitted(key, '2001:db8::ffff'));
    for (const { close } of streams) close();
  });
});

/** Resolves when it holds; a test that waits for ever fails by its timeout. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(10);
}
