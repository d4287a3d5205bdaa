import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  group,
  logout,
  random,
  StoreFixture,
  start,
  user,
} from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { PostgresServer } from './server.ts';

test('64 callers on one session all finish within a bounded number of commits', async (t) => {
  const server = await PostgresServer.start();
  t.after(() => server.dispose());
  const store = await openPostgresStore(await server.createDatabase());
  t.after(() => store.close());
  const fixture = new StoreFixture({ store, dispose: async () => {} });
  const { engine } = store;
  const { commit } = engine;
  let conflicts = 0;
  engine.commit = async (change) => {
    const outcome = await commit.call(engine, change);
    if (outcome.kind === 'conflict') conflicts += 1;
    return outcome;
  };
  const all = Array.from({ length: 64 }, (_, i) => i);

  const { id, version } = await fixture.create();
  const set = () => ({ tokenHash: random(32) });
  const changes = all.map(() => store.changeSession({ id, version, set: set(), logged: true, now: start }));
  const kinds = (await Promise.all(changes)).map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => kind === 'changed').length, 1);
  // A compare-and-set, and an end, are answered by the first conflict.
  assert.ok(conflicts <= 63, `${conflicts} conflicts of changes`);

  conflicts = 0;
  const ends = await Promise.all(all.map(() => store.endSession(id, logout())));
  assert.equal(ends.filter(({ kind }) => kind === 'ended').length, 1);
  assert.ok(conflicts <= 63, `${conflicts} conflicts of ends`);

  conflicts = 0;
  await fixture.create();
  const groups = all.map((i) => ({ add: group(`g${i}`), remove: [] }));
  const asked = groups.map((change) => store.changeGroups({ userId: user('ada'), change, by: 'policy', now: start }));
  for (const { kind } of await Promise.all(asked)) assert.equal(kind, 'changed');
  const [newest] = await fixture.list({ status: 'active' });
  assert.equal(newest!.accessGroups.length, 64);
  assert.equal(conflicts, 0, 'changes of one user in one process did not take turns');
});
