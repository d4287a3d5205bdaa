import { test } from 'node:test';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { compareEngines, comparisonTimeout } from '../../../../packages/curfew/test/stores/differential/compare.ts';
import {
  clusterEngine,
  dividedEngine,
  inTwoPlaces,
  lmdbEngine,
  type Place,
  redisEngine,
  type TwoPlaces,
} from '../../../../packages/curfew/test/stores/differential/engines.ts';
import { RedisServer, redisInstalled } from '../../../../packages/curfew/test/support/redis.ts';
import { RedisCluster } from '../../../../packages/curfew/test/support/redis-cluster.ts';
import { PostgresServer } from './server.ts';

const isLong = process.env['DIFFERENTIAL_SECONDS'] !== undefined;

test('stores on LMDB, PostgreSQL, Redis, a Redis Cluster (in a long run also in groups) give the same answers, whatever happens', {
  timeout: comparisonTimeout,
}, async (t) => {
  const server = await PostgresServer.start(['fsync=off']);
  const redis = redisInstalled ? await RedisServer.start() : undefined;
  const cluster = redisInstalled ? await RedisCluster.start() : undefined;
  const engines = [
    lmdbEngine(),
    await postgresEngine(server),
    ...(redis ? [await redisEngine(redis)] : []),
    ...(cluster ? [await clusterEngine(cluster)] : []),
    // It takes the longest, and a short run has few histories.
    ...(cluster && isLong ? [await dividedEngine(cluster)] : []),
  ];
  t.after(async () => {
    for (const engine of engines) await engine.close();
    await server.dispose();
    await redis?.remove();
    await cluster?.remove();
  });
  await compareEngines(t, engines);
});

async function postgresEngine(server: PostgresServer): Promise<TwoPlaces> {
  const place = async (schema: string): Promise<Place> => {
    const store = await openPostgresStore(`${server.url('postgres')}?schema=${schema}`);
    const client = await server.connect('postgres');
    const { rows } = await client.query(
      `SELECT tablename AS name FROM pg_tables
       WHERE schemaname = '${schema}' AND tablename NOT IN ('migrations', 'counters')`,
    );
    const deletions = rows.map(({ name }) => `DELETE FROM ${schema}.${name}`).join('; ');
    const counters = 'head = 0, last_event = 0, active = 0, everyone = 0, time = 0';
    return {
      async renew() {
        await client.query(`${deletions}; UPDATE ${schema}.counters SET ${counters}`);
        return store;
      },
      close: () => store.close().then(() => client.end()),
    };
  };
  return inTwoPlaces('PostgreSQL', [await place('one'), await place('other')]);
}
