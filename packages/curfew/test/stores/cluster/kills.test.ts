import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { prefixOf } from '../../../src/stores/cluster/index.ts';
import { killServer, killStore } from '../../support/kills.ts';
import { redisInstalled } from '../../support/redis.ts';
import { RedisCluster, storePrefix } from '../../support/redis-cluster.ts';

const groups = 4;
const [serverKills, storeKills] = [process.env['CURFEW_TEST_SERVER_KILLS'], process.env['CURFEW_TEST_STORE_KILLS']];
/** In the suite, groups.test.ts kills a server between any two steps, and fence/chaos.test.ts servers and primaries. */
const skip = serverKills === undefined ? 'only in `npm run proof -- servers`' : !redisInstalled;

describe('kills under load, with a Redis Cluster in groups', { skip }, () => {
  const envOf = (cluster: RedisCluster) => ({
    CURFEW_STORE: `${cluster.url}?groups=${groups}`,
    CURFEW_SECRET_KEY: randomBytes(32).toString('hex'),
  });

  test('after kills of the server, everything acknowledged still exists, and nothing happened twice', {
    timeout: 1_800_000,
  }, async (t) => {
    const cluster = await RedisCluster.start();
    t.after(() => cluster.remove());
    const counts = await killServer(t, envOf(cluster), Number(serverKills));
    assert.ok(
      counts.created > Number(serverKills) && counts.ended > Number(serverKills) / 2,
      'there was hardly any load',
    );
  });

  test('after kills and restarts of primaries everything still exists too, and the server recovers by itself', {
    timeout: 1_800_000,
  }, async (t) => {
    // They come back as primaries, with all that they have acknowledged: their replicas may lack the last of it.
    const cluster = await RedisCluster.start('--cluster-node-timeout', '1000', '--cluster-replica-no-failover', 'yes');
    t.after(() => cluster.remove());
    const prefixes = [storePrefix, ...Array.from({ length: groups }, (_, i) => prefixOf(storePrefix, i))];
    const counts = await killStore(t, envOf(cluster), Number(storeKills), async (round) => {
      const primary = await cluster.owner(prefixes[round % prefixes.length]);
      await primary.down(round % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
      await cluster.comeBack(primary);
    });
    assert.ok(counts.created > Number(storeKills), 'there was hardly any load');
  });
});
