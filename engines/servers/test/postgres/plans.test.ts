import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  allOfUser,
  forever,
  StoreFixture,
  start,
  user,
} from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { PostgresServer } from './server.ts';

/** A store in which nothing is analyzed, as in the first minute of every store, and a connection beside it. */
async function unanalyzed(t: TestContext) {
  const server = await PostgresServer.start(['fsync=off', 'synchronous_commit=off', 'autovacuum=off']);
  t.after(() => server.dispose());
  const store = await openPostgresStore(await server.createDatabase('plans'));
  t.after(() => store.close());
  const client = await server.connect('plans');
  t.after(() => client.end());
  await client.query('SET search_path = curfew');
  return { store, client, fixture: new StoreFixture({ store, dispose: async () => {} }) };
}

test('what nodes do all the time costs the same in a store that grew after its plans were made', async (t) => {
  const { store, client, fixture } = await unanalyzed(t);

  const pages = async (text: string): Promise<number> => {
    const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`);
    const { 'Shared Hit Blocks': hit, 'Shared Read Blocks': read } = rows[0]['QUERY PLAN'][0].Plan;
    return hit + read;
  };
  let ended = 0;
  const costs = async () => {
    ended += 1;
    await fixture.createMany(3, { userId: `ended${ended}` });
    await store.endSessionsOfUser(user(`ended${ended}`), allOfUser(start + ended));
    const { sequence } = await store.logHead();
    for (const id of ['a', 'b', 'c']) {
      const [tail] = await store.readLog(sequence, 1);
      await store.renewNode({ id, counter: ended, applied: sequence, tail: { sequence, mark: tail!.mark } });
    }
    return {
      nodes: await pages('SELECT * FROM list_nodes()'),
      mark: await pages(`SELECT mark_at(${sequence})`),
      epochs: await pages(`SELECT * FROM sweep_ended_by_epochs(${start + ended}, 100)`),
      old: await pages(`SELECT * FROM sweep_old(${start}, ${start - forever}, ${start - forever}, 1)`),
    };
  };
  // A plan is kept from the sixth call on.
  for (let i = 0; i < 10; i++) await costs();
  const before = await costs();
  await fixture.createMany(1, { userId: 'model' });
  await client.query(`INSERT INTO sessions SELECT (jsonb_populate_record(s, jsonb_build_object(
      'id', s.id || i, 'user_id', 'user' || i))).* FROM sessions s, generate_series(1, 20000) i WHERE s.user_id = 'model'`);
  await client.query(`
    INSERT INTO log (sequence, at) SELECT head + i, ${start} FROM newest_counters(), generate_series(1, 20000) i;
    UPDATE counters SET head = head + 20000`);
  const after = await costs();
  t.diagnostic(JSON.stringify({ before, after }));
  for (const [what, looked] of Object.entries(after)) {
    const earlier = before[what as keyof typeof before];
    // Indexes that are a level or two deeper.
    assert.ok(looked <= earlier * 1.5 + 30, `${what} looked at ${earlier} pages before, and at ${looked} now`);
  }
});

test('one node at a time writes down what epochs ended', async (t) => {
  const server = await PostgresServer.start();
  t.after(() => server.dispose());
  const store = await openPostgresStore(await server.createDatabase('swept'));
  t.after(() => store.close());
  const fixture = new StoreFixture({ store, dispose: async () => {} });
  for (const userId of ['ada', 'bob']) {
    await fixture.createMany(3, { userId });
    await store.endSessionsOfUser(user(userId), allOfUser(start + 1));
  }
  const task = { now: start + 2, keepEnded: forever, keepEvents: forever, batch: 4 };
  const other = await server.connect('swept');
  t.after(() => other.end());
  await other.query('SET search_path = curfew');
  await other.query('BEGIN');
  const { rows } = await other.query(`SELECT sweep_epochs(${start + 2}, 1) AS done`);
  assert.deepEqual(rows, [{ done: 1 }]);
  const waiting = store.sweep(task);
  const locks = await server.connect('swept');
  t.after(() => locks.end());
  for (;;) {
    const { rows } = await locks.query('SELECT count(*)::integer AS count FROM pg_locks WHERE NOT granted');
    if (rows[0].count > 0) break;
  }
  await other.query('COMMIT');
  const first = await waiting;
  assert.deepEqual([first.endsWritten, first.more], [4, true]);
  const second = await store.sweep(task);
  assert.deepEqual([second.endsWritten, second.more], [1, false]);
  const left = await other.query('SELECT count(*)::integer AS count FROM epochs WHERE NOT settled');
  assert.deepEqual(left.rows, [{ count: 0 }]);
});

test('a sweep handles a bounded number of users, at a cost that does not depend on how many are left', async (t) => {
  const { store, client, fixture } = await unanalyzed(t);
  const sweep = async (): Promise<number> => {
    const { rows } = await client.query(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM sweep_ended_by_epochs(${start + 9}, 200)`,
    );
    return rows[0]['QUERY PLAN'][0].Plan['Shared Hit Blocks'];
  };
  // A plan is kept from the sixth call on.
  for (let i = 0; i < 10; i++) {
    await fixture.createMany(1, { userId: `early${i}` });
    await store.endSessionsOfUser(user(`early${i}`), allOfUser(start + 1));
    await sweep();
  }
  await fixture.createMany(1, { userId: 'model' });
  // Half of them have no session that is left to end.
  await client.query(`
    INSERT INTO sessions SELECT (jsonb_populate_record(s, jsonb_build_object(
      'id', s.id || i, 'user_id', 'user' || lpad((i * 2)::text, 5, '0')))).*
      FROM sessions s, generate_series(1, 2500) i WHERE s.user_id = 'model';
    INSERT INTO epochs (user_id, number, at, actor, reason, sequence, armed)
      SELECT 'user' || lpad(i::text, 5, '0'), 1, ${start + 2}, 'admin', 'logout', 1, ${start + 2}
      FROM generate_series(1, 5000) i`);
  const cost = await sweep();
  assert.ok(cost < 200 * 60, `200 users took a look at ${cost} pages`);
  const settled = async () => {
    const { rows } = await client.query('SELECT count(*)::integer AS count FROM epochs WHERE settled');
    return rows[0].count - 10;
  };
  assert.equal(await settled(), 200);
  const task = { now: start + 9, keepEnded: forever, keepEvents: forever, batch: 1000 };
  let ends = 100;
  for (let more = true; more; ) {
    const outcome = await store.sweep(task);
    ends += outcome.endsWritten;
    more = outcome.more;
  }
  assert.deepEqual([await settled(), ends], [5000, 2500]);
});
