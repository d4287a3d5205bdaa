import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { logout, note, StoreFixture } from '../../../src/stores/conformance/harness.ts';
import { DurableWrites } from '../../../src/stores/redis/durable.ts';
import { RedisEngine } from '../../../src/stores/redis/engine.ts';
import { openRedisStore, parseLocation } from '../../../src/stores/redis/index.ts';
import { Link } from '../../../src/stores/redis/link.ts';
import { clearAttempts, logHead } from '../../../src/stores/redis/scripts/streams.ts';
import { RedisStore } from '../../../src/stores/redis/store.ts';
import { recovers } from '../../support/recovers.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';
import { Relay } from '../../support/relay.ts';

/** Writes an event, which is the smallest change. */
function appending(link: Link, writes: DurableWrites) {
  const engine = new RedisEngine(link, writes);
  return (at: number) => engine.commit({ at, events: [note('login.failed', at)] });
}

/** Writes over a relay; all of it is closed when the test is over. */
async function through(t: TestContext, relay: Relay, ...servers: RedisServer[]) {
  const link = await Link.open({ location: parseLocation(`redis://127.0.0.1:${relay.port}`), timeout: 3000 });
  const writes = new DurableWrites(link);
  t.after(async () => {
    await writes.close();
    await relay.close();
    for (const server of servers) await server.remove();
  });
  return { link, writes, append: appending(link, writes) };
}

describe('writes that Redis must confirm', { skip: !redisInstalled }, () => {
  test('are answered once it has confirmed that they are on disk, and are unknown if it no longer can', async (t) => {
    const server = await RedisServer.start('--appendfsync', 'everysec');
    t.after(() => server.remove());
    const link = await Link.open({ location: parseLocation(server.url), timeout: 3000 });
    const writes = new DurableWrites(link);
    const append = appending(link, writes);
    t.after(() => writes.close());
    await Promise.all([1, 2, 3].map((i) => append(i)));
    assert.equal(await server.tell('XLEN', 'curfew:events'), 3);
    assert.equal(((await link.run(logHead, [])) as unknown[])[0], 0);
    // Before 7.2 Redis cannot confirm it, and Curfew warns at the start.
    assert.equal(Number(await server.tell('GET', 'curfew:synced')) > 0, link.facts?.confirms);
    if (link.facts?.confirms) {
      await server.tell('CONFIG', 'SET', 'appendonly', 'no');
      await assert.rejects(append(4), { code: 'outcome_unknown' });
    }
    await server.down('SIGKILL');
    await assert.rejects(append(5));
  });

  test('a write that waits for a connection is confirmed if the server that it reaches must be asked', async (t) => {
    const first = await RedisServer.start();
    const second = await RedisServer.start('--appendfsync', 'everysec');
    const relay = await Relay.to(first.port);
    // A server before 7.2 that pretends to know the question is asked as well, and refuses it.
    relay.rewrite = (text) =>
      Buffer.from(text.toString('latin1').replace('redis_version:7.0', 'redis_version:7.9'), 'latin1');
    const { link, append } = await through(t, relay, first, second);
    await append(1);
    assert.equal(await first.tell('GET', 'curfew:synced'), null);
    relay.lead(second.port);
    relay.cut();
    while (link.isReady) await new Promise(setImmediate);
    await append(2).catch(({ code }) => assert.equal(code, 'outcome_unknown'));
    assert.equal(await second.tell('XLEN', 'curfew:events'), 1);
    assert.equal(await second.tell('GET', 'curfew:synced'), '1');
  });

  test('one that makes room is confirmed also when the memory of Redis is full', async (t) => {
    const server = await RedisServer.start('--appendfsync', 'everysec');
    const relay = await Relay.to(server.port);
    // A server before 7.2 that pretends to know the question, and to confirm what it is asked.
    relay.rewrite = (text) => {
      const said = text.toString('latin1').replace('redis_version:7.0', 'redis_version:7.9');
      return Buffer.from(said.replace(/-ERR unknown command 'WAITAOF'.*?\r\n/, '*2\r\n:1\r\n:0\r\n'), 'latin1');
    };
    const { writes, append } = await through(t, relay, server);
    await append(1);
    await server.tell('CONFIG', 'SET', 'maxmemory', '1');
    await assert.rejects(append(2), { code: 'store_full' });
    await writes.run(clearAttempts, ['bucket']);
    assert.equal(await server.tell('GET', 'curfew:synced'), '2');
  });

  test('none waits forever, however soon it follows the previous one', { timeout: 20_000 }, async (t) => {
    const server = await RedisServer.start();
    t.after(() => server.remove());
    const link = await Link.open({ location: parseLocation(server.url), timeout: 3000 });
    const writes = new DurableWrites(link);
    const append = appending(link, writes);
    t.after(() => writes.close());
    for (let turns = 0; turns < 20; turns++) {
      await append(turns).catch(() => {});
      for (let turn = 0; turn < turns; turn++) await undefined;
    }
    assert.equal(await server.tell('XLEN', 'curfew:events'), 20);
  });

  test('a setting that is changed while Redis runs is noticed when a write is tried', async (t) => {
    const server = await RedisServer.start();
    t.after(() => server.remove());
    const link = await Link.open({ location: parseLocation(server.url), timeout: 3000 });
    const writes = new DurableWrites(link);
    t.after(() => writes.close());
    const store = new RedisStore(link, writes);
    assert.equal(writes.asks, false);
    await server.tell('CONFIG', 'SET', 'appendfsync', 'everysec');
    await store.tryWriting();
    assert.equal(link.facts?.sync, 'everysec');
    // Before 7.2 Redis cannot confirm it.
    assert.equal(writes.asks, link.facts?.confirms);
  });

  test('confirmed writes survive a kill a moment later', async (t) => {
    const server = await RedisServer.start('--appendfsync', 'everysec');
    t.after(() => server.remove());
    const store = await openRedisStore(server.url);
    t.after(() => store.close());
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const made = Array.from({ length: 20 }, () => fixture.plan());
    const created = await Promise.allSettled(made.map((session) => fixture.tryCreate(session)));
    const link = await Link.open({ location: parseLocation(server.url), timeout: 3000 });
    t.after(() => link.close());
    if (!link.facts?.confirms) {
      t.skip('this Redis cannot be asked: WAITAOF came with 7.2');
      return;
    }
    assert.ok(created.every(({ status }) => status === 'fulfilled'));
    const ended = made.slice(0, 10);
    for (const outcome of await Promise.all(ended.map(({ id }) => store.endSession(id, logout())))) {
      assert.equal(outcome.kind, 'ended');
    }
    await server.down('SIGKILL');
    await server.up();
    await recovers(() => store.ping());
    for (const [i, { id }] of made.entries()) {
      assert.equal((await fixture.view(id)).status, i < ended.length ? 'ended' : 'active');
    }
  });
});
