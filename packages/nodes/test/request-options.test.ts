import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batches, requestOptionsOf } from '../src/index.ts';

/** When each request is sent that comes at a moment, in milliseconds. */
async function sentAt(arrivals: readonly number[], options: { batchSize?: number; batchInterval?: number }) {
  let now = 0;
  const { turn } = batches(
    requestOptionsOf(options),
    async (ms) => {
      now += ms;
    },
    () => now,
  );
  const sent: number[] = [];
  for (const arrival of arrivals) {
    now = Math.max(now, arrival);
    await turn();
    sent.push(now);
  }
  return sent;
}

test('a batch of requests that come at once is followed by a pause', async () => {
  assert.deepEqual(await sentAt([0, 0, 0, 0, 0], { batchSize: 2, batchInterval: 100 }), [0, 0, 100, 100, 200]);
  assert.deepEqual(await sentAt([0, 0, 0], {}), [0, 0, 0]);
});

test('the pause counts from the last request: later ones wait for the rest of it, or open a batch of their own', async () => {
  assert.deepEqual(await sentAt([0, 30, 60], { batchSize: 2, batchInterval: 100 }), [0, 30, 130]);
  assert.deepEqual(await sentAt([0, 500, 510, 520], { batchSize: 2, batchInterval: 100 }), [0, 500, 510, 610]);
});
