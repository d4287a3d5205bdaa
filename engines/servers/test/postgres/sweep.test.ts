import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allOfUser,
  forever,
  hour,
  StoreFixture,
  start,
  user,
} from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { PostgresServer } from './server.ts';

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
