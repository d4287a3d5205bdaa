import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killServer } from '../support/kills.ts';
import { temporaryStore } from '../support/store.ts';

const kills = Number(process.env['CURFEW_TEST_KILLS'] ?? 12);

test(`after ${kills} kills under load, everything acknowledged still exists and nothing ended is active`, {
  timeout: 1_800_000,
}, async (t) => {
  const store = await temporaryStore('lmdb');
  t.after(store.remove);
  const counts = await killServer(t, store.env, kills);
  assert.ok(counts.created > kills && counts.ended > kills && counts.groups > kills / 2, 'there was hardly any load');
});
