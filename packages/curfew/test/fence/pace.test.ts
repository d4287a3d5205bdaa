import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Pace } from '../../src/fence/pace.ts';
import { steps } from './steps.ts';

/** A pace whose work takes as long as the test lets it take; `done`: when it began. */
function context() {
  const { timing, move } = steps();
  const done: number[] = [];
  let finish = () => {};
  const pace = new Pace(timing, () => {
    done.push(timing.mono());
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  /** The work that runs ends at that time. */
  const end = async (at: number) => {
    move(at);
    finish();
    await setImmediate();
  };
  return { pace, done, move, end };
}

test('work that takes no time is done at once for each call', async () => {
  const { pace, done, move, end } = context();
  for (const at of [0, 1, 2]) {
    move(at);
    pace.soon();
    await end(at);
  }
  assert.deepEqual(done, [0, 1, 2]);
});

test('slower work takes a quarter of the time at most, once for all calls until then', async () => {
  const { pace, done, move, end } = context();
  pace.soon();
  await end(2);
  for (let at = 3; at <= 7; at++) {
    move(at);
    pace.soon();
    assert.deepEqual(done, [0]);
  }
  move(8);
  assert.deepEqual(done, [0, 8]);
  await end(8);
  pace.soon();
  assert.deepEqual(done, [0, 8, 8]);
});

test('it never pauses for longer than ten milliseconds from one start to the next', async () => {
  const { pace, done, move, end } = context();
  pace.soon();
  await end(5);
  pace.soon();
  move(9.9);
  assert.deepEqual(done, [0]);
  move(10);
  assert.deepEqual(done, [0, 10]);
});

test('calls during the work are served by the next one, which begins when this one has ended', async () => {
  const { pace, done, move, end } = context();
  pace.soon();
  move(30);
  pace.soon();
  pace.soon();
  assert.deepEqual(done, [0]);
  await end(40);
  assert.deepEqual(done, [0, 40]);
  await end(50);
  move(100);
  assert.deepEqual(done, [0, 40]);
});

test('it tells for how long it has been quiet', async () => {
  const { pace, move } = context();
  assert.equal(pace.quietFor, Number.POSITIVE_INFINITY);
  pace.soon();
  move(70);
  assert.equal(pace.quietFor, 70);
});

test('pending work is not done after a stop', async () => {
  const { pace, done, move, end } = context();
  pace.soon();
  await end(1);
  pace.soon();
  pace.stop();
  move(100);
  assert.deepEqual(done, [0]);
  pace.soon();
  pace.soon();
  pace.stop();
  await end(200);
  assert.deepEqual(done, [0, 100]);
});
