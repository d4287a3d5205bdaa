import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
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

  const event = JSON.stringify([{ do: 'append_event', event: { type: 'login.failed', at: 1, data: '{}' } }]);
  const write = `SELECT write('${event}')`;
  const renew = (counter: string) => `CALL write_node('n1', ${counter}, 0, 0, '')`;
  const repeat = (times: number, from: number) =>
    client.query(`DO $$ BEGIN
      FOR i IN 1..${times} LOOP PERFORM write('${event}'); COMMIT; ${renew(`${from} + i`)}; COMMIT; END LOOP;
    END $$`);
  // The pages that PostgreSQL touches in its memory are the whole cost of a call, so the test counts them.
  const pages = async (text: string): Promise<number> => {
    const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`);
    const { 'Shared Hit Blocks': hit, 'Shared Read Blocks': read } = rows[0]['QUERY PLAN'][0].Plan;
    return hit + read;
  };
  const costs = async () => ({
    counters: await pages('SELECT * FROM newest_counters()'),
    write: await pages(write),
    user: await pages('SELECT c.everyone FROM newest_counters() c LEFT JOIN users u ON u.id = $$ada$$'),
    renewal: await pages("SELECT last_counter('n1')"),
    nodes: await pages('SELECT * FROM list_nodes()'),
  });

  await repeat(100, 0);
  await costs();
  const before = await costs();
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM curfew.events');
  await repeat(5000, 100);
  const after = await costs();
  for (const [what, looked] of Object.entries(after)) {
    const earlier = before[what as keyof typeof before];
    // At most an index that is one level deeper.
    assert.ok(looked <= earlier + 12, `${what} read ${earlier} pages before, and ${looked} now`);
  }
  const { rows } = await client.query('SELECT counter::integer FROM list_nodes()');
  assert.deepEqual(rows, [{ counter: 5100 }]);
  assert.equal((await store.readEvents({ limit: 1 })).events[0]!.sequence, 5100 + 3);
  t.diagnostic(JSON.stringify({ before, after }));
});
