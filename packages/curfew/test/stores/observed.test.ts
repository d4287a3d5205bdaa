import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CurfewError, errors } from '../../src/errors.ts';
import { observeStore } from '../../src/stores/observed.ts';
import { openStore } from '../../src/stores/open.ts';
import { temporaryFolder } from './harness.ts';

test('a failed write is reported until one succeeds, or for ten seconds', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  let now = 0;
  const { store, calls } = observeStore(await openStore(`lmdb:${folder.path}`), () => now);
  const told: unknown[] = [];
  calls.listen((call, _seconds, code) => told.push([call, code]));
  await store.touchSessions([]);
  await store.readLog(1, 1);
  assert.equal(calls.writeTrouble, undefined);
  await store.close();
  await assert.rejects(store.ping());
  assert.equal(calls.writeTrouble, undefined, 'a read is not a write');
  await assert.rejects(store.removeNamed('front-desk' as never, 1, {} as never), { code: 'store_unavailable' });
  now = 4000;
  await assert.rejects(store.removeNamed('front-desk' as never, 1, {} as never));
  const detail = 'A write (removeNamed) failed: The store does not answer: The store is closed.';
  assert.deepEqual(calls.writeTrouble, { detail, remedy: errors.store_unavailable.remedy, lasting: 4000 });
  assert.deepEqual(told, [
    ['touchSessions', undefined],
    ['readLog', undefined],
    ['ping', 'store_unavailable'],
    ['removeNamed', 'store_unavailable'],
    ['removeNamed', 'store_unavailable'],
  ]);
  now = 14_001;
  assert.equal(calls.writeTrouble, undefined);
});

test('a sweep, which makes room, does not show that other writes succeed again', async (t) => {
  const folder = temporaryFolder();
  const { store, calls } = observeStore(await openStore(`lmdb:${folder.path}`));
  t.after(async () => {
    await store.close();
    folder.remove();
  });
  const refused = Promise.reject(new CurfewError('store_full'));
  calls.watch('createSession', [], refused);
  await refused.catch(() => {});
  await store.sweep({ now: Date.now(), keepEnded: 1, keepEvents: 1, batch: 10 });
  assert.match(calls.writeTrouble!.detail, /createSession.* no room left/);
  await store.touchSessions([]);
  assert.equal(calls.writeTrouble, undefined);
});

test('an unanswered call is reported: how long it has waited, and after five seconds that writes are held up', async (t) => {
  const folder = temporaryFolder();
  let now = 1000;
  const { store, calls } = observeStore(await openStore(`lmdb:${folder.path}`), () => now);
  t.after(async () => {
    await store.close();
    folder.remove();
  });
  const written = store.touchSessions([]);
  now = 5999;
  assert.equal(calls.oldest, 4999);
  assert.equal(calls.writeTrouble, undefined);
  now = 6000;
  assert.deepEqual(calls.writeTrouble, { detail: 'A write (touchSessions) has not been answered.', lasting: 5000 });
  await written;
  assert.equal(calls.oldest, 0);
  assert.equal(calls.writeTrouble, undefined);
});

test('the sweep’s figures are added up, and the time when it finished is kept', async (t) => {
  const folder = temporaryFolder();
  const { store, calls } = observeStore(await openStore(`lmdb:${folder.path}`));
  t.after(async () => {
    await store.close();
    folder.remove();
  });
  assert.equal(calls.sweeps.completedAt, 0);
  const began = Date.now();
  // On a busy machine, the first piece may not be the last.
  while ((await store.sweep({ now: began, keepEnded: 1, keepEvents: 1, batch: 10 })).more);
  assert.equal(calls.sweeps.more, false);
  assert.ok(calls.sweeps.completedAt >= began);
});
