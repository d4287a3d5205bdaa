import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { temporaryFolder } from '../stores/harness.ts';
import { type RedisServer, redisInstalled } from '../support/redis.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { RedisPair } from '../support/redis-pair.ts';
import { sentinelInstalled } from '../support/sentinel.ts';
import type { ChaosStore } from './chaos/chaos.ts';
import { chaosTimeout, isShort, withstandChaos } from './chaos/withstand.ts';

test('an embedded store, one server, six applications: no kill, stop, cut or delay breaks the promise', {
  timeout: chaosTimeout,
}, async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  await withstandChaos(t, 'LMDB', { env: { CURFEW_STORE: `lmdb:${folder.path}` }, nodes: 1 });
});

test('Redis, three servers, six applications: no restart of the store or failover by hand breaks the promise either', {
  timeout: chaosTimeout,
  skip: !redisInstalled,
}, async (t) => {
  const pair = await RedisPair.start();
  t.after(() => pair.remove());
  await withstandChaos(t, 'Redis', {
    ...storeOf(pair, () => pair.failOver()),
    async restart() {
      await pair.primary.down(Math.random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
      await pair.primary.up();
      await pair.caughtUp();
    },
    // It is another incarnation after it has started, and again when its replica is back: that begins a new history.
    restartChanges: 2,
  });
});

// Sentinel fails over whenever the primary is away for a moment, so this test does not restart it. In the suite,
// stores/redis/sentinel.test.ts and failover.test.ts do the same with fewer faults.
test('Redis, three servers, six applications: no failover by Sentinel breaks the promise either', {
  timeout: chaosTimeout,
  skip: isShort ? 'only in `npm run proof -- servers`' : !sentinelInstalled,
}, async (t) => {
  const pair = await RedisPair.start();
  t.after(() => pair.remove());
  await withstandChaos(
    t,
    'Redis with Sentinel',
    storeOf(pair, () => pair.failOverBySentinel()),
  );
});

for (const groups of isShort ? [4] : [0, 4]) {
  test(`a Redis Cluster, in ${groups || 'no'} groups, three servers, six applications: no election and no move of a slot breaks the promise either`, {
    timeout: chaosTimeout,
    skip: !redisInstalled,
  }, async (t) => {
    const cluster = await RedisCluster.start('--cluster-node-timeout', '1000');
    t.after(() => cluster.remove());
    let former: RedisServer | undefined;
    await withstandChaos(t, `Redis Cluster in ${groups || 'no'} groups`, {
      env: {
        CURFEW_STORE: groups ? `${cluster.url}?groups=${groups}` : cluster.url,
        CURFEW_SECRET_KEY: randomBytes(32).toString('hex'),
      },
      nodes: 3,
      restart: async () => cluster.reshard((await cluster.otherPrimaries())[0]!),
      restartChanges: 1,
      standby: {
        async lag() {
          await cluster.caughtUp();
          await cluster.holdReplicas();
        },
        async promote() {
          former = await cluster.failOver();
        },
        async renew() {
          await cluster.letReplicasGo();
          await cluster.rejoin(former!);
        },
      },
    });
  });
}

function storeOf(pair: RedisPair, promote: () => Promise<void>): ChaosStore {
  return {
    env: { CURFEW_STORE: pair.url, CURFEW_SECRET_KEY: randomBytes(32).toString('hex') },
    nodes: 3,
    standby: {
      async lag() {
        await pair.caughtUp();
        pair.hold();
      },
      promote,
      renew: () => pair.rejoin(),
    },
  };
}
