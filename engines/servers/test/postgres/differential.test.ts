import { test } from 'node:test';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { compareEngines, comparisonTimeout } from '../../../../packages/curfew/test/stores/differential/compare.ts';
import { inTwoPlaces, lmdbEngine, redisEngine } from '../../../../packages/curfew/test/stores/differential/engines.ts';
import { RedisServer, redisInstalled } from '../../../../packages/curfew/test/support/redis.ts';
import { PostgresServer } from './server.ts';

test('stores on LMDB, PostgreSQL and Redis give the same answers, whatever happens', {
  timeout: comparisonTimeout,
}, async (t) => {
  const server = await PostgresServer.start(['fsync=off']);
  t.after(() => server.dispose());
  const engines = [lmdbEngine(), postgresEngine(server)];
  if (redisInstalled) {
    const redis = await RedisServer.start();
    t.after(() => redis.remove());
    engines.push(redisEngine(redis));
  }
  t.after(() => Promise.all(engines.map((engine) => engine.dispose())));
  await compareEngines(t, engines);
});

/** The schemas stay, because creating one takes longer than a history. */
function postgresEngine(server: PostgresServer): ReturnType<typeof inTwoPlaces> {
  return inTwoPlaces('PostgreSQL', async (place) => {
    const schema = `place_${place}`;
    const store = await openPostgresStore(`${server.url('postgres')}?schema=${schema}`);
    const empty = async () => {
      const { rows } = await server.sql(
        'postgres',
        `SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') AS tables FROM pg_tables
         WHERE schemaname = '${schema}' AND tablename NOT IN ('migrations', 'counters')`,
      );
      await server.sql(
        'postgres',
        `TRUNCATE ${rows[0].tables};
         UPDATE ${schema}.counters SET head = 0, last_event = 0, active = 0, everyone = 0, time = 0`,
      );
    };
    return { store, empty };
  });
}
