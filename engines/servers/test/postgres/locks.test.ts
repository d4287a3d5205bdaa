import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CurfewError } from '../../../../packages/curfew/src/errors.ts';
import { logout, nodeRow, StoreFixture, user } from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { PostgresServer } from './server.ts';

describe('locks of an operator on PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  const locks = {
    'a session’s row': (id: string) => `SELECT FROM curfew.sessions WHERE id = '${id}' FOR UPDATE`,
    'its user’s row': () => "SELECT FROM curfew.users WHERE id = 'looked at' FOR UPDATE",
  };
  for (const [what, lock] of Object.entries(locks)) {
    test(`${what}: only calls that need it wait until it is released, on any node`, async (t) => {
      const name = `locked_${Object.keys(locks).indexOf(what)}`;
      const url = `${await server.createDatabase(name)}?statement_timeout=60000`;
      const [store, another] = [await openPostgresStore(url), await openPostgresStore(url)];
      t.after(() => Promise.all([store.close(), another.close()]));
      const fixtures = [store, another].map((one) => new StoreFixture({ store: one, dispose: async () => {} }));
      const { id } = await fixtures[0]!.create({ userId: 'looked at' });
      const holder = await server.connect(name);
      t.after(() => holder.end());
      await holder.query('BEGIN');
      await holder.query(lock(id));
      let open = true;
      const ended = store.endSession(id, logout()).finally(() => {
        open = false;
      });
      await Promise.all(
        fixtures.map(async (fixture, k) => {
          for (let i = 0; i < 40; i++) {
            const other = await fixture.create({ userId: `user ${k} ${i}` });
            assert.equal((await fixture.store.endSession(other.id, logout())).kind, 'ended');
            await fixture.store.renewNode(nodeRow(`n${k}`, i + 1));
          }
        }),
      );
      assert.ok(open, 'the end of the locked session returned or failed before the lock was released');
      assert.equal((await fixtures[0]!.view(id)).status, 'active');
      await holder.query('COMMIT');
      assert.equal((await ended).kind, 'ended');
      assert.equal(await store.countActive(0, user('looked at')), 0);
    });
  }

  test('N8.21: a lock that stays is a definite error in time that names the lock, and nothing has changed', async (t) => {
    const url = await server.createDatabase('stuck');
    const store = await openPostgresStore(`${url}?statement_timeout=500`);
    t.after(() => store.close());
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const { id } = await fixture.create();
    const holder = await server.connect('stuck');
    t.after(() => holder.end());
    await holder.query("SET application_name = 'an operator'");
    await holder.query(`BEGIN; SELECT FROM curfew.sessions WHERE id = '${id}' FOR UPDATE`);
    await assert.rejects(store.endSession(id, logout()), (error: CurfewError) => {
      assert.equal(error.code, 'store_unavailable');
      assert.match(
        error.message,
        /somebody else holds a lock that it needs \(while updating tuple .* in relation "sessions"\)\. The log of this server says who\.$/,
      );
      assert.match(
        (error.cause as { hint: string }).hint,
        /^Process \d+ of the server \(role postgres, an operator, since .*\) holds locks on sessions: SELECT pg_terminate_backend\(\d+\) ends it\.$/,
      );
      return true;
    });
    assert.equal((await fixture.view(id)).status, 'active');
    await holder.query('COMMIT');
    assert.equal((await store.endSession(id, logout())).kind, 'ended');
    assert.equal((await store.logHead()).sequence, 1);
  });

  test('changes that share a call which ran out of time fail with it, and not one after the other', async (t) => {
    const url = await server.createDatabase('waits');
    const store = await openPostgresStore(`${url}?statement_timeout=300`);
    t.after(() => store.close());
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const sessions = await fixture.createMany(40);
    const holder = await server.connect('waits');
    t.after(() => holder.end());
    // As another node does for as long as a standby does not confirm its commit.
    await holder.query("BEGIN; SELECT pg_advisory_xact_lock('curfew.counters'::regclass::oid::bigint)");
    let timeouts = 0;
    const began = performance.now();
    const tried = await Promise.allSettled(sessions.map(({ id }) => store.endSession(id, logout())));
    const took = performance.now() - began;
    for (const one of tried) {
      timeouts += Number(one.status === 'rejected' && one.reason.code === 'store_unavailable');
    }
    assert.equal(timeouts, 40);
    assert.ok(took < 20 * 300, `it took as long as ${Math.round(took / 300)} calls`);
    await holder.query('COMMIT');
    const again = await Promise.all(sessions.map(({ id }) => store.endSession(id, logout())));
    assert.ok(again.every(({ kind }) => kind === 'ended'));
  });

  test('N8.21: a call that times out at a locked table gets an error that says who has locked it', async (t) => {
    const url = await server.createDatabase('closed');
    const store = await openPostgresStore(`${url}?statement_timeout=500`);
    t.after(() => store.close());
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const { id } = await fixture.create();
    const holder = await server.connect('closed');
    t.after(() => holder.end());
    const { pid } = (await holder.query('SELECT pg_backend_pid() AS pid')).rows[0];
    await holder.query('BEGIN; LOCK TABLE curfew.sessions IN ACCESS EXCLUSIVE MODE');
    await assert.rejects(store.readSession(id), (error: CurfewError) => {
      assert.equal(error.code, 'store_unavailable');
      assert.match(error.message, /longer than statement_timeout allows\. The log of this server says who\.$/);
      const { hint } = error.cause as { hint: string };
      assert.match(hint, new RegExp(`^Process ${pid} of the server .* holds locks on sessions`));
      return true;
    });
    await holder.query('COMMIT');
    assert.ok(await store.readSession(id));
  });
});
