import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../src/fence/pace.ts';
import { steps } from './steps.ts';

test('what is asked for is done at once, and for all who ask within ten milliseconds once more', () => {
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

test('what it had promised is not done once it was stopped', () => {
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
