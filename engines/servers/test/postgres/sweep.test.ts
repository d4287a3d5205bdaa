import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batch } from '../../../../packages/curfew/src/authority/upkeep.ts';
import {
  allOfUser,
  forever,
  hour,
  StoreFixture,
  start,
  user,
} from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { Database } from '../../../../packages/curfew/src/stores/postgres/database.ts';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { leaveBehind } from '../../../../packages/curfew/test/support/behind.ts';
import { PostgresServer } from './server.ts';

/** The most rows that are decoded in one turn of the event loop. */
const mostDecoded = 500;

test('the sweep and the recording of activity never wait for locks: locked rows are left for later', async (t) => {
  const server = await PostgresServer.start();
  t.after(() => server.dispose());
  await server.createDatabase('locked');
  const store = await openPostgresStore(`${server.url('locked')}?statement_timeout=1000`);
  t.after(() => store.close());
  const fixture = new StoreFixture({ store, dispose: async () => {} });
  const left = await fixture.createMany(3, { userId: 'left' });
  const due = await fixture.createMany(3, { userId: 'due', idle: hour });
  const active = await fixture.createMany(2, { userId: 'active' });
  await store.endSessionsOfUser(user('left'), allOfUser(start + 9));
  const holder = await server.connect('locked');
  t.after(() => holder.end());
  const ids = [left, due, active].map(([first]) => `'${first!.id}'`).join(', ');
  await holder.query(`BEGIN; SELECT FROM curfew.sessions WHERE id IN (${ids}) FOR UPDATE`);

  const task = { now: start + 2 * hour, keepEnded: forever, keepEvents: forever, batch: 100 };
  const { endsWritten, expired } = await store.sweep(task);
  assert.deepEqual([endsWritten, expired], [2, 2]);
  const touched = store.touchSessions(active.map(({ id }) => ({ id, at: start + hour })));
  // The unlocked one is recorded at once, the other one in its turn.
  while ((await fixture.snapshot(active[1]!.id)).stored.lastSeenAt !== start + hour);
  assert.equal((await fixture.snapshot(active[0]!.id)).stored.lastSeenAt, start);
  await holder.query('COMMIT');
  await touched;
  assert.equal((await fixture.snapshot(active[0]!.id)).stored.lastSeenAt, start + hour);
  const rest = await store.sweep(task);
  assert.deepEqual([rest.endsWritten, rest.expired], [1, 1]);
});

test('N10.7: no answer to a sweep has more rows than it decodes in a turn, however many sessions have ended', async (t) => {
  const server = await PostgresServer.start(['fsync=off', 'synchronous_commit=off']);
  t.after(() => server.dispose());
  const store = await openPostgresStore(await server.createDatabase('behind'));
  t.after(() => store.close());
  const fixture = new StoreFixture({ store, dispose: async () => {} });
  const left = await leaveBehind(fixture);
  const answers: number[] = [];
  for (const way of ['read', 'write'] as const) {
    const ask = Database.prototype[way];
    t.mock.method(Database.prototype, way, async function (this: Database, ...asked: Parameters<typeof ask>) {
      const rows = await ask.apply(this, asked);
      answers.push(rows.length);
      return rows;
    });
  }
  let ends = 0;
  for (let more = true; more; ) {
    const task = { now: start + 2 * hour, keepEnded: forever, keepEvents: forever, batch };
    const outcome = await store.sweep(task);
    ends += outcome.endsWritten + outcome.expired;
    ({ more } = outcome);
  }
  assert.equal(ends, left);
  assert.ok(answers.reduce((sum, rows) => sum + rows, 0) >= ends, 'the rows were not counted');
  assert.ok(Math.max(...answers) <= mostDecoded, `${Math.max(...answers)} rows in an answer`);
});
