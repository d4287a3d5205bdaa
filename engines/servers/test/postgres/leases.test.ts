import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { logout, nodeRow, StoreFixture } from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { openPostgresStore, type PostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { recovers } from '../../../../packages/curfew/test/support/recovers.ts';
import { PostgresServer } from './server.ts';

describe('leases on PostgreSQL', () => {
  let server: PostgresServer;
  const open: { close(): Promise<unknown> }[] = [];
  before(async () => {
    server = await PostgresServer.start();
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  after(() => server.dispose());
  const opened = async (url: string): Promise<PostgresStore> => {
    const store = await openPostgresStore(url);
    open.push(store);
    return store;
  };

  test('without the synchronous standby renewals continue, and no end is reported as a success', async (t) => {
    const url = `${await server.createDatabase('alone')}?statement_timeout=500`;
    const store = await opened(url);
    const careful = await opened(`${url}&renewals=synchronous`);
    const { id } = await new StoreFixture({ store, dispose: async () => {} }).create();
    await store.renewNode(nodeRow('n1', 1));
    const standby = await server.startStandby();
    t.after(() => standby.dispose());
    await server.setting('synchronous_standby_names', '*');
    // With the standby back everything works.
    await recovers(async () => {
      const { rows } = await server.sql('postgres', 'SELECT sync_state FROM pg_stat_replication');
      assert.equal(rows[0]?.sync_state, 'sync');
    });
    await careful.renewNode(nodeRow('n2', 1));
    await standby.stop();

    const ended = assert.rejects(store.endSession(id, logout()), { code: 'outcome_unknown' });
    for (let counter = 2; counter < 20; counter++) await store.renewNode(nodeRow('n1', counter));
    const { nodes } = await store.listNodes();
    assert.equal(nodes.find((node) => node.id === 'n1')!.counter, 19);
    await ended;
    // If the old primary cannot be fenced, an isolated server grants nothing.
    await assert.rejects(careful.renewNode(nodeRow('n2', 2)), { code: 'outcome_unknown' });

    await server.setting('synchronous_standby_names');
    await recovers(() => store.endSession(id, logout()));
    await recovers(() => careful.renewNode(nodeRow('n2', 3)));
  });

  test('an answered renewal survives a crash of the server', async () => {
    const store = await opened(await server.createDatabase('crashing'));
    const { incarnation } = await store.logHead();
    for (let counter = 1; counter <= 50; counter++) await store.renewNode(nodeRow('n1', counter));
    await server.kill();
    await server.startAgain();
    await recovers(() => store.ping());
    const { nodes, ...list } = await store.listNodes();
    assert.deepEqual([nodes[0]!.counter, list.incarnation], [50, incarnation]);
  });

  test('renewals continue while every connection of the pool is blocked', async () => {
    const url = `${await server.createDatabase('busy')}?statement_timeout=60000&connections=2`;
    const store = await opened(url);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const sessions = await fixture.createMany(2);
    const holder = await server.connect('busy');
    await holder.query('BEGIN; SET LOCAL search_path = curfew; CALL lock_writers()');
    await holder.query('LOCK TABLE curfew.sessions, curfew.users, curfew.attempts, curfew.counters IN EXCLUSIVE MODE');
    const ends = sessions.map(({ id }) => store.endSession(id, logout()));
    const waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while ((await server.sql('busy', waiting)).rowCount === 0);
    const attempts = Array.from({ length: 4 }, (_, i) => store.takeAttempt(`b${i}`, { max: 1, window: 1000 }, 0));
    while ((await server.sql('busy', 'SELECT FROM pg_locks WHERE NOT granted')).rowCount! < 2);
    for (let counter = 1; counter < 50; counter++) await store.renewNode(nodeRow('n1', counter));
    await holder.query('COMMIT');
    await holder.end();
    await Promise.allSettled(attempts);
    for (const end of ends) assert.equal((await end).kind, 'ended');
  });
});
