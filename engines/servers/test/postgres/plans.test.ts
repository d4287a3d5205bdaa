import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { day, limits } from '../../../../packages/curfew/src/domain/limits.ts';
import {
  allOfUser,
  forever,
  hour,
  StoreFixture,
  start,
  user,
} from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { reads, writes } from '../../../../packages/curfew/src/stores/postgres/statements.ts';
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
  await client.query(`PREPARE unsettled (integer) AS ${reads.unsettled.text}`);
  await client.query(`PREPARE passed (text[], integer[], text[], integer) AS ${writes.scanPassed.text}`);
  /** The pages that PostgreSQL touches in its memory. */
  const pages = async (text: string): Promise<number> => {
    const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`);
    const { 'Shared Hit Blocks': hit, 'Shared Read Blocks': read } = rows[0]['QUERY PLAN'][0].Plan;
    return hit + read;
  };
  return { store, client, pages, fixture: new StoreFixture({ store, dispose: async () => {} }) };
}

test('what nodes do all the time costs the same in a store that grew after its plans were made', async (t) => {
  const { store, client, fixture, pages } = await unanalyzed(t);
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
    const looked = {
      nodes: await pages('SELECT * FROM list_nodes()'),
      mark: await pages(`SELECT mark_at(${sequence})`),
      steps: await pages('EXECUTE unsettled (100)'),
      passed: await pages(`EXECUTE passed ('{ended${ended}}', '{1}', '{""}', 100)`),
      settled: await pages(`SELECT settle_steps('{ended${ended}}', '{1}', NULL, NULL)`),
      old: await pages(`SELECT * FROM sweep_old(${start}, ${start - forever}, ${start - forever}, 1)`),
    };
    await store.sweep({ now: start + ended, keepEnded: forever, keepEvents: forever, batch: 100 });
    return looked;
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

test('N10.7: a count costs the same however many sessions are due and not recorded yet, of everyone and of a user', async (t) => {
  const { client, fixture, pages } = await unanalyzed(t);
  await client.query(`PREPARE active (bigint) AS ${reads.active.text}`);
  await client.query(`PREPARE active_of_user (bigint, text) AS ${reads.activeOfUser.text}`);
  for (const userId of ['ada', 'bob', 'carl'])
    await fixture.createMany(1, { userId, idle: userId === 'carl' ? day : hour });
  /** More sessions like those of these users: due ones, and some that are not. */
  const add = (count: number, ...users: string[]) =>
    client.query(`INSERT INTO sessions SELECT (jsonb_populate_record(s, jsonb_build_object('id', s.id || '${count}.' || i))).*
      FROM sessions s, generate_series(1, ${count}) i
      WHERE length(s.id) = (SELECT min(length(id)) FROM sessions) AND s.user_id IN ('${users.join("', '")}')`);
  const now = start + 2 * hour;
  const costs = async () => ({
    active: await pages(`EXECUTE active (${now})`),
    'active of the user of half of the due sessions': await pages(`EXECUTE active_of_user (${now}, 'ada')`),
    'active of a user without due sessions': await pages(`EXECUTE active_of_user (${now}, 'carl')`),
  });
  await add(limits.dueCounted + 100, 'ada', 'bob');
  await add(1000, 'carl');
  // A plan is kept from the sixth call on.
  for (let i = 0; i < 10; i++) await costs();
  const before = await costs();
  await add(10_000, 'ada', 'bob');
  const after = await costs();
  t.diagnostic(JSON.stringify({ before, after }));
  for (const [what, looked] of Object.entries(after)) {
    const earlier = before[what as keyof typeof before];
    assert.ok(looked <= earlier * 1.5 + 30, `${what} looked at ${earlier} pages before, and at ${looked} now`);
  }
});

test('what another node is recording is left to it, and no step counts as done before all of its ends are recorded', async (t) => {
  const { store, client, fixture } = await unanalyzed(t);
  for (const userId of ['ada', 'bob']) {
    await fixture.createMany(3, { userId });
    await store.endSessionsOfUser(user(userId), allOfUser(start + 1));
  }
  const task = { now: start + 2, keepEnded: forever, keepEvents: forever, batch: 4 };
  const unsettled = async () => {
    const { rows } = await client.query('SELECT user_id FROM epochs WHERE NOT settled ORDER BY user_id');
    return rows.map((row) => row.user_id);
  };
  await client.query('BEGIN');
  const { rowCount } = await client.query(`EXECUTE passed ('{ada}', '{1}', '{""}', 1)`);
  assert.equal(rowCount, 1);
  assert.equal((await store.sweep(task)).endsWritten, 4);
  assert.equal((await store.sweep(task)).endsWritten, 1);
  assert.deepEqual(await unsettled(), ['ada']);
  await client.query('COMMIT');
  const last = await store.sweep(task);
  assert.deepEqual([last.endsWritten, await unsettled()], [1, []]);
});

test('a sweep handles a bounded number of users, at a cost that does not depend on how many are left', async (t) => {
  const { store, client, fixture, pages } = await unanalyzed(t);
  const task = { now: start + 9, keepEnded: forever, keepEvents: forever, batch: 1000 };
  const costs = async () => {
    const { rows } = await client.query('EXECUTE unsettled (200)');
    const [owners, numbers, places] = ['user_id', 'number', 'swept'].map(
      (column) => `'{${rows.map((row) => JSON.stringify(row[column])).join()}}'`,
    );
    return {
      steps: await pages('EXECUTE unsettled (200)'),
      passed: await pages(`EXECUTE passed (${owners}, ${numbers}, ${places}, 200)`),
      settled: await pages(`SELECT settle_steps(${owners}, ${numbers}, NULL, NULL)`),
    };
  };
  // A plan is kept from the sixth call on.
  for (let i = 0; i < 10; i++) {
    await fixture.createMany(1, { userId: `early${i}` });
    await store.endSessionsOfUser(user(`early${i}`), allOfUser(start + 1));
    await costs();
    await store.sweep(task);
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
  const settled = async () => {
    const { rows } = await client.query('SELECT count(*)::integer AS count FROM epochs WHERE settled');
    return rows[0].count - 10;
  };
  for (const [what, looked] of Object.entries(await costs())) {
    assert.ok(looked < 200 * 60, `${what}: 200 users took a look at ${looked} pages`);
  }
  // Those among the 200 who have no session that is left to end.
  assert.equal(await settled(), 100);
  let ends = 0;
  for (let more = true; more; ) {
    const outcome = await store.sweep(task);
    ends += outcome.endsWritten;
    more = outcome.more;
  }
  assert.deepEqual([await settled(), ends], [5000, 2500]);
});
