import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { StoredSession } from '../../../src/domain/session.ts';
import type { CurfewError } from '../../../src/errors.ts';
import { logout, StoreFixture, start, user } from '../../../src/stores/conformance/harness.ts';
import { openRedisStore, type RedisStore } from '../../../src/stores/redis/index.ts';
import { clusterRights, rights } from '../../../src/stores/redis/rights.ts';
import { until } from '../../support/failover.ts';
import { followPrimaries } from '../../support/followers.ts';
import { freePort } from '../../support/free-port.ts';
import { killStore } from '../../support/kills.ts';
import { recovers } from '../../support/recovers.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';
import { RedisCluster } from '../../support/redis-cluster.ts';

const timeout = 300_000;

async function opened(t: TestContext, url: string): Promise<{ store: RedisStore; fixture: StoreFixture }> {
  const store = await openRedisStore(url);
  t.after(store.close);
  return { store, fixture: new StoreFixture({ store, dispose: store.close }) };
}

async function refusal(url: string): Promise<CurfewError> {
  const store = await openRedisStore(url).catch((error: CurfewError) => error);
  if (store instanceof Error) return store;
  await store.close();
  return assert.fail('it was opened');
}

describe('a Redis Cluster', { skip: !redisInstalled }, () => {
  let cluster: RedisCluster;
  before(async () => {
    cluster = await RedisCluster.start();
  });
  after(() => cluster.remove());

  test('servers follow the primary through hand-overs, resharding and elections: nothing that ended is active, and sessions can still be ended', {
    timeout,
  }, async (t) => {
    await followPrimaries(t, cluster, cluster.url);
  });

  test('while the slot is being moved, changes are refused by name and none is half made; nothing is lost by the move', {
    timeout,
  }, async (t) => {
    const { store, fixture } = await opened(t, cluster.url);
    const sessions: StoredSession[] = [];
    for (let i = 0; i < 20; i++) sessions.push(await fixture.create());
    const end = () => store.endSession(sessions[0]!.id, logout(start));
    const position = await store.logHead();
    const [other] = await cluster.otherPrimaries();
    await cluster.reshard(other!, async () => {
      for (const change of [() => fixture.create(), end]) {
        await assert.rejects(change(), (error: CurfewError) => {
          assert.equal(error.code, 'store_unavailable', error.message);
          assert.match(`${error.message} ${error.remedy}`, /being moved to another node.*Nothing was changed/s);
          return true;
        });
      }
    });
    assert.equal((await recovers(() => store.logHead())).sequence, position.sequence);
    for (const { id } of sessions) assert.equal((await store.readSession(id))!.stored.end, undefined);
    assert.equal((await end()).kind, 'ended');
  });

  test('a slot that has been elsewhere makes another incarnation of the store when it is back', {
    timeout,
  }, async (t) => {
    const { store } = await opened(t, cluster.url);
    const home = await cluster.owner();
    const renew = () => store.renewNode({ id: 'n1', counter: 1, applied: 0, tail: { sequence: 0, mark: '' } });
    const seen = new Set([(await renew()).incarnation]);
    const [other] = await cluster.otherPrimaries();
    for (const place of [other!, home]) {
      await cluster.reshard(place);
      seen.add((await recovers(renew)).incarnation);
    }
    assert.equal(seen.size, 3);
    assert.equal((await store.logHead()).incarnation, [...seen].at(-1));
  });

  test('a slot of others that moves to the same node makes no other incarnation', { timeout }, async (t) => {
    const { store } = await opened(t, cluster.url);
    const renew = () => store.renewNode({ id: 'n1', counter: 1, applied: 0, tail: { sequence: 0, mark: '' } });
    await renew();
    const { incarnation } = await store.logHead();
    const [other] = await cluster.otherPrimaries();
    await cluster.moveSlot(other!, await cluster.owner());
    await renew();
    assert.equal((await store.logHead()).incarnation, incarnation);
  });

  test('when the primary fails while its slot is being moved, half a store is not taken for a whole one', {
    timeout,
  }, async (t) => {
    const own = await RedisCluster.start('--cluster-node-timeout', '2000');
    t.after(() => own.remove());
    const { store, fixture } = await opened(t, own.url);
    const sessions: StoredSession[] = [];
    for (let i = 0; i < 20; i++) sessions.push(await fixture.create());
    await store.endSessionsOfUser(user('ada'), { at: start, by: 'user:ada', reason: 'all_of_user' });
    const [other] = await own.otherPrimaries();
    await own.beginReshard(other!);
    await own.failOver();
    // Until it has noticed, nothing is answered either.
    await assert.rejects(store.readSession(sessions[0]!.id), { code: 'store_unavailable' });
    const error = await refusal(own.url);
    assert.equal(error.code, 'store_unavailable', error.message);
    assert.match(error.message, /was being moved to 127\.0\.0\.1:\d+, and its primary does not know of that/);
    assert.match(error.remedy, /--cluster fix/);
  });

  test('without another primary the store goes on; without its own it is unavailable, and then goes on by itself', {
    timeout,
  }, async (t) => {
    // Nobody is elected.
    const alone = await RedisCluster.start('--cluster-node-timeout', '3000', '--cluster-replica-no-failover', 'yes');
    t.after(() => alone.remove());
    const { fixture } = await opened(t, alone.url);
    await fixture.create();
    const [other] = await alone.otherPrimaries();
    await other!.down('SIGKILL');
    await until(async () => /cluster_slots_fail:[1-9]/.test(String(await alone.tell('CLUSTER', 'INFO'))));
    await fixture.create();
    const owner = await alone.owner();
    await owner.down('SIGKILL');
    // The first change may have been on its way.
    await fixture.create().catch(() => {});
    await assert.rejects(fixture.create(), { code: 'store_unavailable' });
    await owner.up();
    await until(async () => /cluster_state:ok/.test(String(await owner.tell('CLUSTER', 'INFO'))));
    await recovers(() => fixture.create());
  });

  test('a Cluster as a single Redis, a single Redis as a Cluster, and a slot that no node has are refused with the remedy', {
    timeout,
  }, async (t) => {
    const single = await RedisServer.start();
    const empty = await RedisServer.start('--cluster-enabled', 'yes', '--cluster-port', String(await freePort()));
    t.after(() => Promise.all([single.remove(), empty.remove()]));
    const at = ({ port }: RedisServer) => `127.0.0.1:${port}`;
    const nobody = `127.0.0.1:${await freePort()}`;
    const owner = await cluster.owner();
    const cases: [string, string, RegExp][] = [
      [`redis://u:hidden@${at(owner)}`, 'store_login_refused', /WRONGPASS/],
      [`redis://${at(owner)}`, 'store_unsafe', /is a node of a Redis Cluster\. Name its nodes: redis\+cluster:/],
      [`redis+cluster://${at(single)}`, 'config_invalid', /is a Redis and no node of a Cluster \(.*redis:\/\/127/],
      [
        `redis+cluster://${at(empty)}`,
        'store_unavailable',
        /no node has slot \d+, in which the keys \{curfew\}:\* are/,
      ],
      [
        `redis+cluster://${nobody}`,
        'store_unavailable',
        /no node of the Cluster says where the primary is: .*ECONNREF/,
      ],
      [`redis+cluster://${nobody},${at(single)}`, 'config_invalid', /ECONNREFUSED.*no node of a Cluster/],
      [`redis+cluster://u:hidden@${at(owner)}`, 'store_login_refused', /no node of the Cluster .* says WRONGPASS/],
    ];
    for (const [url, code, says] of cases) {
      const error = await refusal(url);
      assert.equal(error.code, code, error.message);
      assert.match(error.message, says);
      assert.doesNotMatch(error.message, /hidden/);
    }
    // One node of the URL is enough.
    const { fixture } = await opened(t, `redis+cluster://${nobody},${at(owner)}`);
    await fixture.create();
  });

  test('a primary that the nodes name by an address that cannot be reached is an error with that address', {
    timeout,
  }, async (t) => {
    const owner = await cluster.owner();
    const wrong = await freePort();
    await owner.tell('CONFIG', 'SET', 'cluster-announce-port', String(wrong));
    const isForgotten = async (server: RedisServer) =>
      !String(await server.tell('CLUSTER', 'NODES')).includes(`:${wrong}@`);
    t.after(async () => {
      await owner.tell('CONFIG', 'SET', 'cluster-announce-port', '0');
      await Promise.all(cluster.servers.map((server) => until(() => isForgotten(server))));
    });
    const error = await refusal(`redis+cluster://127.0.0.1:${owner.port}`);
    assert.equal(error.code, 'store_unavailable', error.message);
    assert.match(error.message, new RegExp(`whose primary is 127\\.0\\.0\\.1:${wrong}: .*ECONNREFUSED`));
  });

  test('the rights in the docs are enough for a user, and a user that may not ask for the nodes learns which rights', {
    timeout,
  }, async (t) => {
    const setUser = (...rules: string[]) =>
      Promise.all(cluster.servers.map((one) => one.tell('ACL', 'SETUSER', 'curfew', ...rules)));
    await setUser('on', '>pass', '~{curfew}:*', ...rights.split(' '));
    t.after(() => Promise.all(cluster.servers.map((one) => one.tell('ACL', 'DELUSER', 'curfew'))));
    const url = cluster.url.replace('://', '://curfew:pass@');
    const error = await refusal(url);
    assert.equal(error.code, 'store_denied', error.message);
    assert.ok(error.message.includes(clusterRights), error.message);
    await setUser(...clusterRights.split(' '), '-zadd');
    const lacking = await refusal(url);
    assert.deepEqual([lacking.code, /no right to ZADD on/.test(lacking.message)], ['store_denied', true]);
    assert.ok(lacking.remedy.includes(clusterRights), lacking.remedy);
    await setUser('+zadd');
    assert.ok(readFileSync('docs/redis.md', 'utf8').includes(`\`${clusterRights}\``));
    await setUser(...clusterRights.split(' '));
    const { fixture } = await opened(t, url);
    await fixture.create();
  });

  test('stores with different prefixes in one Cluster are independent, each in a slot of its own', {
    timeout,
  }, async (t) => {
    const [one, two] = [await opened(t, `${cluster.url}?prefix=one`), await opened(t, `${cluster.url}?prefix=two`)];
    const [a, b] = [await one.fixture.create(), await two.fixture.create()];
    assert.equal(await two.store.readSession(a.id), undefined);
    assert.ok(await two.store.readSession(b.id));
  });
});

describe('kills and moves under load, with a Redis Cluster', { skip: !redisInstalled }, () => {
  const rounds = Number(process.env['CURFEW_TEST_STORE_KILLS'] ?? 3);
  test(`after ${rounds} kills, hand-overs and moves of the primary, everything acknowledged exists, and nothing happened twice`, {
    timeout: 900_000,
  }, async (t) => {
    // A primary that was killed comes back as such: its replica may lack acknowledged changes.
    const cluster = await RedisCluster.start();
    t.after(() => cluster.remove());
    const env = { CURFEW_STORE: cluster.url, CURFEW_SECRET_KEY: randomBytes(32).toString('hex') };
    const ways = [
      async () => {
        const owner = await cluster.owner();
        await owner.down('SIGKILL');
        await owner.up();
      },
      () => cluster.handOver(),
      async () => cluster.reshard((await cluster.otherPrimaries())[0]!),
    ];
    const counts = await killStore(t, env, rounds, (round) => ways[round % ways.length]!());
    assert.ok(counts.created > rounds, 'there was hardly any load');
  });
});
