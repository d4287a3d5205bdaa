import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Permission } from '../../../src/domain/permissions.ts';
import {
  beginning,
  group,
  hour,
  ids,
  logout,
  nodeRow,
  positionOf,
  StoreFixture,
  start,
} from '../../../src/stores/conformance/harness.ts';
import { format } from '../../../src/stores/redis/codec.ts';
import { openRedisStore } from '../../../src/stores/redis/index.ts';
import { recovers } from '../../support/recovers.ts';
import { RedisServer, redisInstalled, tellRedis } from '../../support/redis.ts';

describe('the incarnation of a Redis', { skip: !redisInstalled }, () => {
  test('R10: a kill and a restart make it another one and lose nothing; so does an older file restored by hand', async (t) => {
    const server = await RedisServer.start();
    t.after(() => server.remove());
    const store = await openRedisStore(server.url);
    t.after(store.close);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const kept = await fixture.logOne();
    const putBack = await server.setAside();
    await recovers(() => store.ping());
    const lost = await fixture.logOne();
    await store.renewNode(nodeRow('n1', 1, lost));
    const first = await store.logHead();
    await store.confirmIncarnation(first.incarnation);

    await server.down('SIGKILL');
    await server.up();
    await recovers(() => store.ping());
    const second = await store.listNodes();
    assert.notEqual(second.incarnation, first.incarnation);
    assert.equal(second.confirmed, false);
    // Nothing is lost, as the log shows.
    assert.equal(second.nodes[0]?.current, true);
    await store.confirmIncarnation(second.incarnation);

    await putBack();
    await recovers(() => store.ping());
    assert.deepEqual(positionOf(await store.logHead()), positionOf(kept));
    await store.renewNode(nodeRow('n1', 2, lost));
    const again = await fixture.logOne();
    const third = await store.listNodes();
    assert.ok(![first.incarnation, second.incarnation].includes(third.incarnation));
    assert.equal(third.confirmed, false);
    assert.equal(again.sequence, lost.sequence);
    assert.equal(third.nodes[0]?.current, false);
  });

  test('R10: the same process is another one if it was a replica in between', async (t) => {
    const [server, other] = [await RedisServer.start(), await RedisServer.start()];
    t.after(() => server.remove());
    t.after(() => other.remove());
    const store = await openRedisStore(server.url);
    t.after(store.close);
    const { incarnation } = await store.logHead();
    await server.tell('REPLICAOF', '127.0.0.1', String(other.port));
    await assert.rejects(store.logHead());
    await server.tell('REPLICAOF', 'NO', 'ONE');
    assert.notEqual((await recovers(() => store.logHead())).incarnation, incarnation);
  });

  test('R2: a primary without its required replicas grants no renewal, but can be read', async (t) => {
    const server = await RedisServer.start('--min-replicas-to-write', '1');
    t.after(() => server.remove());
    const store = await openRedisStore(server.url);
    t.after(store.close);
    await assert.rejects(store.renewNode(nodeRow('n1', 1)), { code: 'store_unavailable' });
    assert.deepEqual((await store.listNodes()).nodes, []);
    assert.equal((await store.logHead()).sequence, 0);
  });
});

describe('a Redis of format 4', { skip: !redisInstalled }, () => {
  test('keys that could attach a verifier get the scope for it at the first opening, others do not', async (t) => {
    const server = await RedisServer.start();
    t.after(() => server.remove());
    const former = await openRedisStore(server.url);
    const writer = new StoreFixture({ store: former, dispose: async () => {} });
    const verifies = await writer.createKey(['sessions.verify', 'sessions.read']);
    const reads = await writer.createKey(['sessions.read']);
    await former.close();
    await tellRedis(server.url, 'HSET', 'curfew:state', 'format', '4');

    const store = await openRedisStore(server.url);
    t.after(store.close);
    const scopes: Permission[] = ['sessions.verify', 'sessions.read', 'fence.attach'];
    assert.deepEqual(await store.readKey(verifies.id), { ...verifies, scopes });
    assert.deepEqual(await store.readKey(reads.id), reads);
    assert.equal(await tellRedis(server.url, 'HGET', 'curfew:state', 'format'), String(format));
    const later = await new StoreFixture({ store, dispose: async () => {} }).createKey(['sessions.verify']);
    const second = await openRedisStore(server.url);
    t.after(second.close);
    assert.deepEqual(await second.readKey(later.id), later, 'a key of this format gained a scope');
  });
});

describe('a Redis of format 5', { skip: !redisInstalled }, () => {
  test('sessions that are in no list yet are listed after the first opening, and no key gets a scope', async (t) => {
    const server = await RedisServer.start();
    t.after(() => server.remove());
    const former = await openRedisStore(server.url);
    const writer = new StoreFixture({ store: former, dispose: async () => {} });
    const key = await writer.createKey(['sessions.verify']);
    const sessions = await writer.createMany(250, { groups: ['staff'] });
    await former.close();
    await tellRedis(server.url, 'DEL', 'curfew:fresh');
    await tellRedis(server.url, 'HSET', 'curfew:state', 'format', '5');

    const store = await openRedisStore(server.url);
    t.after(store.close);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    for (const filter of [{}, { accessGroup: group('staff')[0] }]) {
      assert.deepEqual(ids(await fixture.list(filter)), ids(sessions).reverse());
    }
    assert.deepEqual(await store.readKey(key.id), key);
    assert.equal(await tellRedis(server.url, 'HGET', 'curfew:state', 'format'), String(format));
  });
});

describe('a Redis of format 2', { skip: !redisInstalled }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.remove());

  /**
   * The log and the nodes as the previous version wrote them, without microseconds or tails, and without old entries.
   */
  async function asBefore(url: string, keepLog: boolean): Promise<void> {
    const entries = (await tellRedis(url, 'XRANGE', 'curfew:log', '-', '+')) as [string, string[]][];
    await tellRedis(url, 'DEL', 'curfew:log');
    for (const [id, [, row]] of entries) {
      await tellRedis(url, 'XADD', 'curfew:log', id, 'e', row!.split('\u001f').slice(0, 3).join('\u001f'));
      if (!keepLog) await tellRedis(url, 'XDEL', 'curfew:log', id);
    }
    await tellRedis(url, 'HSET', 'curfew:nodes', 'n1', '7\u001f2');
    await tellRedis(url, 'HSET', 'curfew:state', 'format', '2');
    await tellRedis(url, 'HDEL', 'curfew:state', 'confirmed');
  }

  for (const [database, keepLog] of [true, false].entries()) {
    test(`is opened, ${keepLog ? 'with its log' : 'even if its whole log was deleted'}, works, and has the current format`, async (t) => {
      const url = `${server.url}/${database}`;
      const former = await openRedisStore(url);
      const writer = new StoreFixture({ store: former, dispose: async () => {} });
      for (let i = 0; i < 3; i++) await writer.logOne();
      const changes = (await writer.log()).map(({ mark: _, ...change }) => change);
      await former.close();
      await asBefore(url, keepLog);

      const store = await openRedisStore(url);
      t.after(store.close);
      const fixture = new StoreFixture({ store, dispose: async () => {} });
      if (keepLog)
        assert.deepEqual(
          (await fixture.log()).map(({ mark: _, ...change }) => change),
          changes,
        );
      const { nodes } = await store.listNodes();
      assert.deepEqual(nodes, [{ id: 'n1', counter: 7, applied: 2, tail: beginning, current: true }]);
      // A reader that begins at the head finds it again, and continues from there.
      const head = await store.logHead();
      assert.equal(head.sequence, keepLog ? 3 : 4);
      assert.notEqual(head.mark, '');
      await store.renewNode(nodeRow('n1', 8, head));
      assert.equal((await store.listNodes()).nodes[0]?.current, true);
      const { id } = await fixture.create({ at: start + hour });
      assert.equal((await store.endSession(id, logout(start + hour))).kind, 'ended');
      const read = await store.readLog(head.sequence, 10);
      assert.deepEqual(
        read.map(({ sequence }) => sequence),
        [head.sequence, head.sequence + 1],
      );
      assert.deepEqual(positionOf(read[0]!), positionOf(head));
      await fixture.sweep(start + 2 * hour);
      assert.equal(await tellRedis(url, 'HGET', 'curfew:state', 'format'), String(format));
    });
  }
});
