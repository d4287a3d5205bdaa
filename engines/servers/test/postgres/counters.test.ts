import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storeEvents } from '../../../../packages/curfew/src/domain/events.ts';
import type { StoredSession } from '../../../../packages/curfew/src/domain/session.ts';
import { StoreFixture, user } from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { reads } from '../../../../packages/curfew/src/stores/postgres/statements.ts';
import { commitCall, endOf } from './changes.ts';
import { PostgresServer } from './server.ts';

test('during a long transaction, rows that are written often are found without reading their dead versions', async (t) => {
  const server = await PostgresServer.start(['fsync=off', 'synchronous_commit=off']);
  t.after(() => server.dispose());
  const store = await openPostgresStore(await server.createDatabase('long'));
  t.after(() => store.close());
  const reader = await server.connect('long');
  t.after(() => reader.end());
  const client = await server.connect('long');
  t.after(() => client.end());
  await client.query('SET search_path = curfew');

  const event = { type: 'login.failed', at: 1, by: 'library' } as const;
  const write = commitCall({ at: 1, events: [event] });
  const renew = (counter: string) => `CALL write_node('n1', ${counter}, 0, 0, '')`;
  const repeat = (times: number, from: number) =>
    client.query(`DO $$ BEGIN
      FOR i IN 1..${times} LOOP PERFORM ${write}; COMMIT; ${renew(`${from} + i`)}; COMMIT; END LOOP;
    END $$`);
  // One user signs in and out all the time.
  const fixture = new StoreFixture({ store, dispose: async () => {} });
  await fixture.create({ userId: 'ada' });
  const on = { userId: user('ada'), user: 0, everyone: 0 };
  const creation = (made: StoredSession) =>
    commitCall({
      at: 1,
      on,
      rows: [{ table: 'sessions', after: made }],
      count: 1,
      events: [storeEvents.created(made, 'key:test', 1)],
    });
  const why = { at: 1, by: 'user:ada', reason: 'logout' } as const;
  const end = (made: StoredSession) => commitCall(endOf(made, why));
  const model = fixture.plan({ userId: 'ada' });
  /** The same for a session with the id `s<i>`. */
  const numbered = (call: string) => call.replaceAll(/'([^']*)'/g, `replace('$1', '${model.id}', 's' || i)::json`);
  const signInAndOut = (times: number, from: number) =>
    client.query(`DO $$ BEGIN
      FOR i IN ${from + 1}..${from + times} LOOP
        PERFORM ${numbered(creation(model))}; COMMIT; PERFORM ${numbered(end(model))}; COMMIT;
      END LOOP;
    END $$`);
  await client.query(`PREPARE users (text[]) AS ${reads.users.text}`);
  // The pages that PostgreSQL touches in its memory are the whole cost of a call, so the test counts them.
  const pages = async (text: string): Promise<number> => {
    const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`);
    const { 'Shared Hit Blocks': hit, 'Shared Read Blocks': read } = rows[0]['QUERY PLAN'][0].Plan;
    return hit + read;
  };
  const costs = async (made = fixture.plan({ userId: 'ada' })) => ({
    counters: await pages('SELECT * FROM newest_counters()'),
    write: await pages(`SELECT * FROM ${write}`),
    user: await pages("EXECUTE users ('{ada}')"),
    active: await pages("SELECT active_of('ada', c) FROM newest_counters() c"),
    creation: await pages(`SELECT * FROM ${creation(made)}`),
    end: await pages(`SELECT * FROM ${end(made)}`),
    commit: await pages(`SELECT * FROM ${commitCall({ at: 1, on, count: 0 })}`),
    renewal: await pages("SELECT last_counter('n1')"),
    nodes: await pages('SELECT * FROM list_nodes()'),
  });

  await repeat(100, 0);
  await signInAndOut(100, 0);
  await costs();
  const before = await costs();
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM curfew.events');
  await repeat(5000, 100);
  await signInAndOut(2000, 100);
  const after = await costs();
  for (const [what, looked] of Object.entries(after)) {
    const earlier = before[what as keyof typeof before];
    // Indexes that are one level deeper.
    assert.ok(looked <= 2 * earlier + 12, `${what} read ${earlier} pages before, and ${looked} now`);
  }
  const { rows } = await client.query('SELECT counter::integer FROM list_nodes()');
  assert.deepEqual(rows, [{ counter: 5100 }]);
  assert.equal((await store.readEvents({ limit: 1 })).events[0]!.sequence, 5100 + 1 + 2 * 2100 + 3 * 3);
  // The session that was there all the time is the only one left, and nothing went uncounted.
  const { rows: counted } = await client.query(
    'SELECT count(*)::integer AS rows, sum(active)::integer AS active FROM users',
  );
  assert.deepEqual(counted, [{ rows: 1, active: 1 }]);
  t.diagnostic(JSON.stringify({ before, after }));
});
