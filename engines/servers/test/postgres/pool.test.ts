import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logout, nodeRow, StoreFixture } from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { openPostgresStore, type PostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { recovers } from '../../../../packages/curfew/test/support/recovers.ts';
import { PostgresServer } from './server.ts';

test('a store works with fewer connections than its maximum, and takes more when there are more', async (t) => {
  const server = await PostgresServer.start();
  t.after(() => server.dispose());
  const url = new URL(await server.createDatabase('narrow'));
  await server.sql('postgres', "CREATE ROLE narrow LOGIN PASSWORD 'narrow' CONNECTION LIMIT 12");
  await server.sql('postgres', 'ALTER DATABASE narrow OWNER TO narrow');
  [url.username, url.password] = ['narrow', 'narrow'];
  const stores: PostgresStore[] = [];
  t.after(() => Promise.all(stores.map((store) => store.close())));
  for (let i = 0; i < 2; i++) stores.push(await openPostgresStore(url.href));
  const fixtures = stores.map((store) => new StoreFixture({ store, dispose: async () => {} }));
  // Each pool's own connections, all of them at once.
  const crowd = async (round: string) => {
    const calls = fixtures.flatMap(({ store }, k) =>
      Array.from({ length: 60 }, async (_, i) => {
        await store.takeAttempt(`${round} ${k} ${i}`, { max: 1, window: 1000 }, 0);
        await store.renewNode(nodeRow(`${round} ${k}`, i + 1));
        await store.listSessions({ filter: {}, limit: 10, now: 0, budget: 1000, after: undefined });
      }),
    );
    const refused = (await Promise.allSettled(calls)).flatMap((call) =>
      call.status === 'rejected' ? call.reason : [],
    );
    assert.deepEqual(refused, []);
    const { rows } = await server.sql(
      'postgres',
      "SELECT count(*)::integer FROM pg_stat_activity WHERE usename = 'narrow'",
    );
    return rows[0].count as number;
  };
  for (const round of ['one', 'two', 'three']) assert.equal(await crowd(round), 12);
  const { id } = await fixtures[0]!.create();
  assert.equal((await stores[1]!.endSession(id, logout())).kind, 'ended');

  // A store that has no connection left, because the others took them all, uses theirs.
  await server.sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'narrow'");
  for (const store of stores) await recovers(() => store.ping());
  await Promise.all(
    stores.flatMap((store) =>
      Array.from({ length: 60 }, (_, i) => store.takeAttempt(`full ${i}`, { max: 1, window: 1000 }, 0)),
    ),
  );
  await Promise.all(fixtures.map((fixture) => fixture.createMany(10)));

  await server.sql('postgres', 'ALTER ROLE narrow CONNECTION LIMIT 60');
  let wide = 0;
  await recovers(async () => {
    wide = await crowd('wide');
    assert.ok(wide >= 20, `they have ${wide} connections`);
  });

  // Without any connection it reports that, until there is one.
  await server.sql('postgres', 'ALTER ROLE narrow CONNECTION LIMIT 0');
  await server.sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'narrow'");
  const nothing = { code: 'store_unavailable', message: /too many connections for role/ };
  await recovers(() => assert.rejects(() => stores[0]!.ping(), nothing));
  await server.sql('postgres', 'ALTER ROLE narrow CONNECTION LIMIT 12');
  for (const store of stores) await recovers(() => store.ping());
  await recovers(() => crowd('again'));
});
