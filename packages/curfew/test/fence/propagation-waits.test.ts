import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withMargin } from 'curfew-client/fence';
import { LogFollower } from '../../src/fence/log-follower.ts';
import { PropagationWaits } from '../../src/fence/propagation-waits.ts';
import type { NodeList } from '../../src/stores/contract.ts';
import { steps } from './steps.ts';

/*
 * Orders of events that random schedules rarely have: a store whose every answer is given by hand. Mutants of
 * `simulation/mutants.ts` that say so are found here.
 */
const lease = 1000;
const alone: NodeList = { nodes: [], follows: true, incarnation: 'B', confirmed: true };

/** A node that has applied everything, and whoever waits there. */
function context() {
  const { timing, move, stand } = steps();
  const questions: ((list: NodeList) => void)[] = [];
  const confirmed: string[] = [];
  let lowWatermark = 100;
  const waits = new PropagationWaits(
    {
      timing,
      lease,
      store: {
        listNodes: () => new Promise<NodeList>((resolve) => questions.push(resolve)),
        removeNode: async () => {},
        confirmIncarnation: async (incarnation: string) => void confirmed.push(incarnation),
      } as never,
      onFailover() {},
      onError: assert.fail,
    },
    () => ({
      id: 'here',
      lowWatermark,
      position: { sequence: 100, mark: 'a' },
      acknowledgements: () => ({ acknowledged: 0, expired: 0 }),
    }),
  );
  waits.begin('B');
  const returned: number[] = [];
  return {
    waits,
    move,
    stand,
    /** What has been applied here, from now on. */
    rise(to: number) {
      lowWatermark = to;
      waits.lowWatermarkRose();
    },
    returned,
    confirmed,
    /** Ends that wait, by their numbers in the log. */
    settle: (sequence: number) => void waits.awaitEverywhere(sequence).then(() => returned.push(sequence)),
    /** Answers the oldest question that is open. */
    async answer(list: Partial<NodeList> = {}) {
      const question = questions.shift();
      assert.ok(question, 'nothing was asked');
      question({ ...alone, ...list });
      await new Promise(setImmediate);
    },
  };
}

const other = (applied: number, current = true) => ({
  id: 'other',
  counter: 1,
  applied,
  tail: { sequence: applied, mark: 'a' },
  current,
});

test('R16: a list that was asked for before a change was committed does not count for it', async () => {
  const { settle, answer, move, returned } = context();
  settle(1);
  settle(2);
  await answer();
  assert.deepEqual(returned, [1]);
  move(20);
  await answer({ nodes: [other(1)] });
  assert.deepEqual(returned, [1], 'a node that has come meanwhile was not waited for');
  move(60);
  await answer({ nodes: [other(2)] });
  assert.deepEqual(returned, [1, 2]);
});

test('R17: a reading of the list counts for half a lease from its question on, and is asked for anew after that', async () => {
  const slow = context();
  slow.settle(1);
  slow.move(lease / 2);
  await slow.answer();
  assert.deepEqual(slow.returned, [1], 'a store that has much to do was not believed');
  const { settle, answer, move, rise, returned } = context();
  rise(0);
  settle(1);
  await answer();
  move(lease / 2 + 1);
  rise(1);
  await new Promise(setImmediate);
  assert.deepEqual(returned, [], 'the store may be another one by now');
  await answer();
  assert.deepEqual(returned, [1]);
});

test('R17: whoever stood still takes no answer of long ago for the last word of the store', async () => {
  const { waits, rise, answer, move, stand } = context();
  rise(0);
  const propagation = waits.awaitEverywhere(1);
  await answer({ nodes: [other(0)] });
  const due = withMargin(lease);
  move(due);
  // One that began before its time was over is not the last word.
  await answer({ nodes: [other(0)] });
  move(due + 20);
  stand(due + lease);
  await answer({ nodes: [other(0)] });
  move(due + lease + 1);
  await assert.rejects(propagation, { code: 'outcome_unknown' });
});

test('R10: what a node has applied of a log that is gone does not count for the one in its place', async () => {
  const { settle, answer, move, returned } = context();
  settle(3);
  await answer({ nodes: [other(99, false)] });
  assert.deepEqual(returned, []);
  move(50);
  await answer({ nodes: [other(3)] });
  assert.deepEqual(returned, [3]);
});

test('R10: a process that starts trusts the rows once somebody has confirmed the incarnation, or the longest lease is over', async () => {
  const sure = context();
  sure.settle(1);
  await sure.answer();
  assert.deepEqual(sure.returned, [1]);
  const unsure = context();
  unsure.settle(1);
  await unsure.answer({ confirmed: false });
  assert.deepEqual(unsure.returned, [], 'rows were trusted that may have been lost');
  const over = withMargin(lease);
  unsure.move(over - 1);
  await unsure.answer({ confirmed: false });
  assert.deepEqual(unsure.returned, []);
  unsure.move(over + 50);
  await unsure.answer({ confirmed: false });
  assert.deepEqual(unsure.returned, [1]);
});

test('R10: an incarnation is confirmed once what was granted under the one before is over', async () => {
  const { settle, answer, move, confirmed } = context();
  settle(1);
  await answer({ confirmed: false });
  assert.deepEqual(confirmed, []);
  move(withMargin(lease) + 1);
  await answer({ confirmed: false });
  assert.deepEqual(confirmed, ['B']);
});

test('R10: a node that starts over forgets what the list had said: what it granted under its earlier id is in no list', async () => {
  const { waits, settle, answer, move, rise, returned } = context();
  rise(0);
  settle(1);
  await answer();
  waits.distrustRows();
  rise(1);
  await new Promise(setImmediate);
  assert.deepEqual(returned, []);
  move(withMargin(lease) + 1);
  await answer();
  assert.deepEqual(returned, [1]);
});

test('R10: a head of another log at a number that was read is found out by its mark', () => {
  const log = new LogFollower(
    { readLog: async () => [] },
    { onEntries() {}, onLost: assert.fail, onError: assert.fail },
  );
  const known = { sequence: 10, mark: 'a' };
  log.begin(known);
  const head = { incarnation: 'B', now: 0 };
  assert.equal(log.isContradictedBy({ ...head, ...known }, known), false);
  assert.equal(log.isContradictedBy({ ...head, sequence: 10, mark: 'b' }, known), true);
  assert.equal(log.isContradictedBy({ ...head, sequence: 9, mark: 'a' }, known), true);
});
