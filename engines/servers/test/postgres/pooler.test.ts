import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { CurfewError } from 'curfew';
import { logout, nodeRow, StoreFixture, start } from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import type { PostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { recovers } from '../../../../packages/curfew/test/support/recovers.ts';
import { Pooler, poolerInstalled } from './pooler.ts';
import { PostgresServer } from './server.ts';

describe('PostgreSQL behind PgBouncer', { skip: !poolerInstalled }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  /** A pooler before a separate database, and the URL of that through it. */
  async function pooled(
    t: TestContext,
    mode: 'session' | 'transaction',
    name: string,
  ): Promise<{ pooler: Pooler; url: string }> {
    await server.createDatabase(name);
    const pooler = await Pooler.start(mode, server.url(name));
    t.after(() => pooler.remove());
    return { pooler, url: server.url(name, pooler.port) };
  }

  /** How many connections of a database listen for notifications: through the pooler, and past it. */
  async function listeners(database: string, pooler: Pooler): Promise<{ through: number; past: number }> {
    const behind = await pooler.backends();
    assert.ok(behind.length > 0, 'the pooler has no connection');
    const { rows } = await server.sql(
      'postgres',
      `SELECT pid FROM pg_stat_activity WHERE datname = '${database}' AND query LIKE 'LISTEN%'`,
    );
    const through = rows.filter(({ pid }) => behind.includes(pid)).length;
    return { through, past: rows.length - through };
  }

  async function opened(t: TestContext, url: string): Promise<PostgresStore> {
    const store = await openPostgresStore(url);
    t.after(() => store.close());
    return store;
  }

  /** Many concurrent calls of every kind that a server makes, so that connections change hands. */
  async function use(store: PostgresStore): Promise<void> {
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    for (let turn = 0; turn < 5; turn++) {
      const sessions = await Promise.all(
        Array.from({ length: 30 }, (_, i) => fixture.create({ userId: `u${turn}.${i}` })),
      );
      await Promise.all([
        ...sessions.map(({ id }, i) => (i % 2 === 0 ? store.endSession(id, logout()) : store.readSession(id))),
        store.renewNode(nodeRow('n1', turn + 1)),
        store.listNodes(),
        fixture.list(),
        store.sweep({ now: start, keepEnded: 1e12, keepEvents: 1e12, batch: 100 }),
      ]);
    }
    assert.equal((await store.logHead()).sequence, 75);
    assert.equal(await fixture.store.countActive(0), 75);
  }

  /** Waits until a change is signalled, before the next regular read; `check` runs while the store still listens. */
  async function hinted(store: PostgresStore, check: () => Promise<void>): Promise<void> {
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const watch = fixture.watch();
    await watch.hears(() => fixture.logOne());
    await check();
    watch.stop();
  }

  test('N8.15: PgBouncer works in session mode without any setting', { timeout: 60_000 }, async (t) => {
    const { pooler, url } = await pooled(t, 'session', 'by_session');
    const store = await opened(t, url);
    await use(store);
    await hinted(store, async () => {
      assert.deepEqual(await listeners('by_session', pooler), { through: 1, past: 0 });
    });
  });

  test('N8.15: with PgBouncer in transaction mode no connection keeps settings or prepared statements, and notifications bypass it', {
    timeout: 60_000,
  }, async (t) => {
    const { pooler, url: base } = await pooled(t, 'transaction', 'by_transaction');
    const url = `${base}?pooler=transaction`;
    const refused = await openPostgresStore(url).then(
      () => assert.fail('it was opened'),
      (error: CurfewError) => error,
    );
    assert.equal(refused.code, 'config_invalid');
    const [, remedy] = /(ALTER ROLE postgres IN DATABASE by_transaction SET search_path = curfew, pg_temp)/.exec(
      refused.message,
    )!;
    await server.sql('postgres', remedy!);
    await server.sql(
      'postgres',
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'by_transaction'",
    );
    // The pooler may still have one of those for a moment.
    const store = await recovers(() => opened(t, `${url}&direct=127.0.0.1:${server.port}`));
    await use(store);
    await hinted(store, async () => {
      assert.deepEqual(await listeners('by_transaction', pooler), { through: 0, past: 1 });
    });
    // Another client's connection through the pooler is unchanged.
    const { rows } = await server.sql('by_transaction', 'SHOW search_path');
    assert.equal(rows[0].search_path, 'curfew, pg_temp');
  });
});
