import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { minute } from '../../src/domain/limits.ts';
import { CurfewError } from '../../src/errors.ts';
import { Attempts, mostHeld } from '../../src/stores/lmdb/attempts.ts';
import { openTables, type Tables } from '../../src/stores/lmdb/tables.ts';
import { temporaryFolder } from './harness.ts';

const rule = { max: 2, window: minute };
const full = { code: 'store_full' };

function opened(t: TestContext) {
  const folder = temporaryFolder();
  const tables: Tables = openTables(folder.path);
  t.after(async () => {
    await tables.root.close();
    folder.remove();
  });
  const disk: { full: boolean; fault?: CurfewError } = { full: true };
  const make = () =>
    new Attempts(
      tables.attempts,
      async (write) => {
        await tables.root.childTransaction(write);
        if (disk.fault) throw disk.fault;
      },
      () => !disk.full,
      () => new CurfewError('store_full'),
    );
  return { disk, make };
}

test('N4.8: on a full disk attempts are counted in memory, up to a number of buckets; known buckets continue to count', async (t) => {
  const { make } = opened(t);
  const attempts = make();
  for (let i = 0; i < mostHeld; i++) assert.ok(attempts.take(`bucket ${i}`, rule, 0).allowed);
  assert.throws(() => attempts.take('one more', rule, 1), full);
  assert.deepEqual(
    [attempts.take('bucket 7', rule, 1).allowed, attempts.take('bucket 7', rule, 1).allowed],
    [true, false],
  );
  await attempts.sweep(1);
  assert.throws(() => attempts.take('one more', rule, 2), full, 'a window that has not ended was forgotten');
  await attempts.sweep(minute);
  assert.ok(attempts.take('one more', rule, minute).allowed);
});

test('N4.8: attempts that could not be written are written once there is room, and deleted in time like others', async (t) => {
  const { disk, make } = opened(t);
  const attempts = make();
  attempts.take('guessed', rule, 0);
  attempts.take('guessed', rule, 0);
  await attempts.sweep(1);
  assert.ok(make().take('guessed', rule, 1).allowed, 'it was written although the disk is full');
  disk.full = false;
  await attempts.sweep(1);
  const later = make();
  assert.equal(later.take('guessed', rule, 2).allowed, false);
  await later.sweep(minute + 1);
  assert.equal(later.size, 0);
});

test('N4.8: attempts whose sync has failed are counted where they were written, and are not written again by each sweep', async (t) => {
  const { disk, make } = opened(t);
  Object.assign(disk, { full: false, fault: new CurfewError('outcome_unknown', { detail: 'the sync failed' }) });
  const attempts = make();
  attempts.take('guessed', rule, 0);
  assert.deepEqual(await attempts.sweep(1), { more: false });
  attempts.take('guessed', rule, 1);
  await attempts.settled();
  assert.equal(make().take('guessed', rule, 2).allowed, false);
  assert.deepEqual(await attempts.sweep(minute), { more: false });
  assert.ok(attempts.take('guessed', rule, minute).allowed);
});
