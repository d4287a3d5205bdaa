import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../src/fence/pace.ts';
import { steps } from './steps.ts';

test('the work is done at once, and once more for all calls within the next ten milliseconds', () => {
  const { timing, move } = steps();
  const done: number[] = [];
  const pace = new Pace(timing, () => done.push(timing.mono()));
  pace.soon();
  assert.deepEqual(done, [0]);
  for (let at = 1; at <= 30; at++) {
    move(at);
    pace.soon();
  }
  move(100);
  assert.deepEqual(done, [0, 10, 20, 30, 40]);
  pace.soon();
  assert.equal(done.at(-1), 100);
});

test('it tells for how long it has been quiet', () => {
  const { timing, move } = steps();
  const pace = new Pace(timing, () => {});
  assert.equal(pace.quietFor, Number.POSITIVE_INFINITY);
  pace.soon();
  move(70);
  assert.equal(pace.quietFor, 70);
});

test('pending work is not done after a stop', () => {
  const { timing, move } = steps();
  let done = 0;
  const pace = new Pace(timing, () => {
    done += 1;
  });
  pace.soon();
  pace.soon();
  pace.stop();
  move(100);
  assert.equal(done, 1);
});
