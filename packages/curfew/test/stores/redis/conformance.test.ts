import { after, before, describe, test } from 'node:test';
import { conformanceCases, runCase } from '../../../src/stores/conformance/index.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';
import { RedisCluster } from '../../support/redis-cluster.ts';
import { placeOf, placeOfCluster, type RedisPlace, redisHarness } from '../redis-harness.ts';

describe('CVE-2025-29928: the store contract on redis', { skip: !redisInstalled }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.remove());
  const harness = redisHarness(() => placeOf(server));
  for (const rule of conformanceCases) test(rule.name, () => runCase(rule, harness));
});

describe('CVE-2025-29928: the store contract on a Redis Cluster', { skip: !redisInstalled }, () => {
  let cluster: RedisCluster;
  let place: RedisPlace;
  before(async () => {
    // A case that puts a backup in place restarts the primary, whose replica must not replace it.
    cluster = await RedisCluster.start();
    place = placeOfCluster(cluster, await cluster.owner());
  });
  after(() => cluster.remove());
  const harness = redisHarness(() => place);
  for (const rule of conformanceCases) test(rule.name, () => runCase(rule, harness));
});
