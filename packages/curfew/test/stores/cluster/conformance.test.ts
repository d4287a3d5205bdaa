import { after, before, describe, test } from 'node:test';
import { divided, openClusterStore, prefixOf } from '../../../src/stores/cluster/index.ts';
import { take } from '../../../src/stores/cluster/scripts.ts';
import { conformanceCases, runCase } from '../../../src/stores/conformance/index.ts';
import { parseLocation } from '../../../src/stores/redis/location.ts';
import { commit } from '../../../src/stores/redis/scripts/commit.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';
import { RedisCluster } from '../../support/redis-cluster.ts';
import { placeOf, placeOfDivided, redisHarness } from '../redis-harness.ts';

const count = 4;

// The groups are on one server here, so that its connections can be broken and its data set aside.
describe('the store contract on a store in groups, on one Redis', { skip: !redisInstalled }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.remove());
  const place = () => ({
    ...placeOf(server),
    groups: Array.from({ length: count }, (_, i) => prefixOf('curfew:', i)),
    // A creation reserves its name before that; and what has an entry in a group's log is known once that is taken over.
    isWrite: (sent: Buffer) =>
      sent.includes(take.sha1) ||
      (sent.includes(commit.sha1) && /(session|account)\.created|everyone\.ended/.test(String(sent))),
  });
  const open = (url: string) => divided({ location: parseLocation(url), timeout: 5000 }, count);
  const harness = redisHarness(place, open);
  for (const rule of conformanceCases) test(rule.name, () => runCase(rule, harness));
});

describe('the store contract on a store in groups, on a Redis Cluster', { skip: !redisInstalled }, () => {
  let cluster: RedisCluster;
  before(async () => {
    cluster = await RedisCluster.start();
  });
  after(() => cluster.remove());
  const harness = redisHarness(() => placeOfDivided(cluster, count), openClusterStore);
  for (const rule of conformanceCases) test(rule.name, () => runCase(rule, harness));
});
