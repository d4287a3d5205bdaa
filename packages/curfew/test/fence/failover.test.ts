import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createClient } from 'curfew-client';
import { createVerifier } from 'curfew-client/verifier';
import { temporaryFolder } from '../stores/harness.ts';
import { end, type FailingStore, fleetSettings, open } from '../support/failover.ts';
import { testAfterFailover, testFailovers } from '../support/failover-tests.ts';
import { startProcess } from '../support/process.ts';
import { redisInstalled } from '../support/redis.ts';
import { RedisPair } from '../support/redis-pair.ts';
import { sentinelInstalled } from '../support/sentinel.ts';

function startRedis(failOver: (pair: RedisPair) => Promise<void>) {
  return async (t: TestContext): Promise<FailingStore> => {
    const pair = await RedisPair.start();
    t.after(() => pair.remove());
    return {
      url: pair.url,
      async lag() {
        await pair.caughtUp();
        pair.hold();
      },
      failOver: () => failOver(pair),
      renew: () => pair.rejoin(),
    };
  };
}

const byHand = startRedis((pair) => pair.failOver());
testFailovers('Redis by hand', byHand, { skip: !redisInstalled });
testAfterFailover('Redis by hand', byHand, { skip: !redisInstalled });

const bySentinel = startRedis((pair) => pair.failOverBySentinel());
testFailovers('Redis by Sentinel', bySentinel, { skip: !sentinelInstalled });

test('R10: a server on a folder restored from a copy waits for everything that the previous server granted', {
  timeout: 120_000,
}, async (t) => {
  const [folder, copy] = [temporaryFolder(), temporaryFolder()];
  t.after(folder.remove);
  t.after(copy.remove);
  // Long enough for a server to start while the application's lease is still valid.
  const settings = fleetSettings({ CURFEW_STORE: `lmdb:${folder.path}`, CURFEW_LEASE_MS: '20000' });
  const key = settings['CURFEW_API_KEY']!;
  const start = async () => {
    const server = await startProcess(settings);
    t.after(() => server.child.kill('SIGKILL'));
    return { server, client: createClient({ url: server.url, token: key, timeout: 60_000 }) };
  };

  const first = await start();
  const sessions = await open(first.client, 10);
  const lost = await open(first.client, 10);
  await first.server.stop('SIGTERM');
  cpSync(folder.path, copy.path, { recursive: true, preserveTimestamps: true });

  const second = await start();
  // An application that is cut off does not learn that its server is gone either.
  const wall = await Wall.before(Number(new URL(second.server.url).port));
  t.after(() => wall.close());
  const verifier = createVerifier({ url: `http://127.0.0.1:${wall.port}`, key, timeout: 60_000 });
  t.after(() => verifier.close());
  for (const { token } of [...sessions, ...lost]) assert.ok((await verifier.verify(token)).active);
  const last = await Promise.all(lost.map((session) => end(second, session)));
  wall.closed = true;
  await second.server.stop('SIGKILL');
  rmSync(folder.path, { recursive: true });
  cpSync(copy.path, folder.path, { recursive: true, preserveTimestamps: true });

  const third = await start();
  const known = sessions.filter(({ token }) => verifier.check(token));
  assert.equal(known.length, sessions.length, 'the application’s lease is no longer valid');
  const stale: string[] = [];
  const receipts = await Promise.all(
    sessions.map(async (session) => {
      const receipt = await end(third, session);
      if (verifier.check(session.token)) stale.push(session.id);
      return receipt;
    }),
  );
  assert.deepEqual(stale, []);
  const reused = receipts.filter(({ sequence }) => last.some((one) => one.sequence === sequence));
  assert.equal(reused.length, last.length, 'the copy lacked nothing');
});

/**
 * A relay between an application and its server. When closed, it lets nothing through, not even the end of a
 * connection.
 */
class Wall {
  closed = false;
  readonly port: number;
  readonly #server: Server;
  readonly #open: Set<Socket> = new Set();

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    server.on('connection', (socket) => {
      const onward = connect(target, '127.0.0.1');
      this.#pass(socket, onward);
      this.#pass(onward, socket);
    });
  }

  static async before(target: number): Promise<Wall> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Wall(server, target);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }

  #pass(from: Socket, to: Socket): void {
    this.#open.add(from);
    from.on('error', () => {});
    from.on('data', (chunk) => this.closed || to.write(chunk));
    from.on('close', () => {
      this.#open.delete(from);
      if (!this.closed) to.destroy();
    });
  }
}
