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
  /** `refusal`: of a write; `fault`: of its sync. */
  const disk: { full: boolean; refusal?: CurfewError; fault?: CurfewError } = { full: true };
  const make = () =>
    new Attempts(
      tables.attempts,
      async (write) => {
        if (disk.refusal) throw disk.refusal;
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

test('N4.8: a disk that has room and refuses every write makes no more attempts be held in memory than a full one', async (t) => {
  const { disk, make } = opened(t);
  const fault = new CurfewError('store_unavailable', { detail: 'EIO' });
  Object.assign(disk, { full: false, refusal: fault });
  const attempts = make();
  for (let i = 0; i < mostHeld; i++) {
    assert.ok(attempts.take(`bucket ${i}`, rule, 0).allowed);
    if (i % 1000 === 0) await attempts.settled();
  }
  await attempts.settled();
  assert.throws(() => attempts.take('one more', rule, 1), fault);
  assert.equal(attempts.take('bucket 7', rule, 1).remaining, 0);
  await attempts.sweep(1);
  assert.throws(() => attempts.take('one more', rule, 2), fault, 'a window that has not ended was forgotten');
  delete disk.refusal;
  await attempts.sweep(1);
  assert.ok(attempts.take('one more', rule, 2).allowed);
  assert.equal(attempts.take('bucket 7', rule, 2).allowed, false);
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

test('windows that end in the future are all forgotten, or the refusal of the disk is thrown', async (t) => {
  const { disk, make } = opened(t);
  disk.full = false;
  const attempts = make();
  const wrong = 1000 * minute;
  for (let i = 0; i < 1200; i++) attempts.take(`bucket ${i}`, rule, wrong);
  attempts.take('of now', rule, 0);
  await attempts.settled();
  disk.refusal = new CurfewError('store_full', { detail: 'no room' });
  await assert.rejects(attempts.forgetAfter(2 * minute), full);
  delete disk.refusal;
  const later = make();
  await later.forgetAfter(2 * minute);
  assert.equal(later.size, 2);
});
