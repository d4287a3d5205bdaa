import assert from 'node:assert/strict';
import { copyFileSync, linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { TestServer } from '../support/server.ts';
import { temporaryFolder } from './harness.ts';

test('R10: data from a snapshot of the whole volume is a new incarnation once `incarnation` is removed, and everybody’s sessions are ended if that is set', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const [path, snapshot] = [join(folder.path, 'data'), join(folder.path, 'snapshot')];
  mkdirSync(snapshot);
  const env = { CURFEW_STORE: `lmdb:${path}`, CURFEW_END_ALL_AFTER_FAILOVER: 'true' };
  let server = await TestServer.start(env);
  t.after(() => server.leave());
  const { token, session } = await server.createSession('ada');
  const { incarnation } = await server.context.store.listNodes();
  await server.leave();

  // A snapshot brings back content, inodes and times of birth: the data in place, and the very file that was beside it.
  copyFileSync(join(path, 'data.mdb'), join(snapshot, 'data.mdb'));
  linkSync(join(path, 'incarnation'), join(snapshot, 'incarnation'));
  server = await server.another(env);
  await server.call('DELETE', `/v1/sessions/${session.id}`);
  assert.equal((await server.verify(token)).active, false);
  await server.leave();
  copyFileSync(join(snapshot, 'data.mdb'), join(path, 'data.mdb'));
  renameSync(join(snapshot, 'incarnation'), join(path, 'incarnation'));

  rmSync(join(path, 'incarnation'));
  server = await server.another(env);
  assert.notEqual((await server.context.store.listNodes()).incarnation, incarnation);
  // The session that had ended is active again, until everybody's are ended.
  const until = performance.now() + 20_000;
  while ((await server.verify(token)).active && performance.now() < until) await setTimeout(50);
  assert.deepEqual(await server.verify(token), { active: false, reason: 'everyone' });
});
