import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import { Batcher } from '../../src/stores/batcher.ts';

type Call = { questions: readonly number[]; answer(): void; fail(error: unknown): void };

/** A batcher whose calls are answered by the test: each question is answered with its double. */
function setUp(options: Partial<ConstructorParameters<typeof Batcher>[1]> = {}) {
  const calls: Call[] = [];
  const batcher = new Batcher<number, number>(
    (questions) =>
      new Promise((resolve, reject) => {
        calls.push({ questions, answer: () => resolve(questions.map((one) => one * 2)), fail: reject });
      }),
    { parallel: 2, most: 4, crowd: 3, ...options },
  );
  return { calls, ask: (...questions: number[]) => questions.map((one) => batcher.run(one)) };
}
const asked = (calls: Call[]) => calls.map(({ questions }) => questions);

test('questions that come during a call wait and go together, at most as many as one call takes', async () => {
  const { calls, ask } = setUp({ parallel: 1 });
  const answers = [...ask(1), ...ask(2)];
  await setImmediate();
  assert.deepEqual(asked(calls), [[1, 2]]);
  answers.push(...ask(3, 4, 5, 6, 7));
  await setImmediate();
  for (let i = 0; i < 3; i++) {
    calls[i]!.answer();
    await setImmediate();
  }
  assert.deepEqual(asked(calls), [[1, 2], [3, 4, 5, 6], [7]]);
  assert.deepEqual(await Promise.all(answers), [2, 4, 6, 8, 10, 12, 14]);
});

test('another call starts beside a running one only when a crowd waits, and never more than allowed', async () => {
  const { calls, ask } = setUp();
  ask(1);
  await setImmediate();
  ask(2, 3);
  await setImmediate();
  assert.deepEqual(asked(calls), [[1]]);
  ask(4);
  await setImmediate();
  assert.deepEqual(asked(calls), [[1], [2, 3, 4]]);
  ask(5, 6, 7, 8);
  await setImmediate();
  assert.equal(calls.length, 2);
  calls[0]!.answer();
  await setImmediate();
  assert.deepEqual(asked(calls).at(-1), [5, 6, 7, 8]);
});

test('a call that hangs does not delay the next question for long', async () => {
  const { calls, ask } = setUp();
  ask(1);
  await setImmediate();
  ask(2);
  while (calls.length < 2) await pause(5);
  assert.deepEqual(asked(calls), [[1], [2]]);
});

test('a call that may be taken apart is repeated for each question; otherwise all of them fail', async () => {
  const { calls, ask } = setUp({ apart: (error) => error === 'refused' });
  const both = Promise.allSettled(ask(1, 2));
  await setImmediate();
  calls[0]!.fail('refused');
  await setImmediate();
  calls[1]!.fail('refused');
  await setImmediate();
  calls[2]!.answer();
  assert.deepEqual(await both, [
    { status: 'rejected', reason: 'refused' },
    { status: 'fulfilled', value: 4 },
  ]);
  const broken = Promise.allSettled(ask(3, 4));
  await setImmediate();
  calls[3]!.fail('unreachable');
  assert.deepEqual(await broken, [
    { status: 'rejected', reason: 'unreachable' },
    { status: 'rejected', reason: 'unreachable' },
  ]);
});
