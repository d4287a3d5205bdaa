import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withMargin } from 'curfew-client/fence';
import { LogFollower } from '../../src/fence/log-follower.ts';
import { PropagationWaits } from '../../src/fence/propagation-waits.ts';
import type { NodeList } from '../../src/stores/contract.ts';
import { steps } from './steps.ts';

/*
 * Orders of events that are rare in random schedules: the test gives every answer of the store. This file finds the
 * mutants in `simulation/mutants.ts` that name it.
 */
const lease = 1000;
const alone: NodeList = { nodes: [], follows: true, incarnation: 'B', confirmed: true };

/** A node that has applied everything, and the changes that wait there. */
function context({ assumedLease = lease } = {}) {
  const { timing, move, stand } = steps();
  const questions: ((list: NodeList) => void)[] = [];
  const confirmed: string[] = [];
  let lowWatermark = 100;
  const waits = new PropagationWaits(
    {
      timing,
      lease,
      assumedLease,
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
    /** Applies changes here, from now on. */
    rise(to: number) {
      lowWatermark = to;
      waits.lowWatermarkRose();
    },
    returned,
    confirmed,
    /** Starts ends that wait, by their sequences in the log. */
    settle: (sequence: number) => void waits.awaitEverywhere(sequence).then(() => returned.push(sequence)),
    /** Answers the oldest open question. */
    async answer(list: Partial<NodeList> = {}) {
      const question = questions.shift();
      assert.ok(question, 'nothing was asked');
      question({ ...alone, ...list });
      await new Promise(setImmediate);
    },
  };
}

const other = (applied: number, current = true, id = 'other') => ({
  id,
  counter: 1,
  applied,
  tail: { sequence: applied, mark: 'a' },
  current,
});

test('R16: a list that was requested before a change was committed does not count for it', async () => {
  const { settle, answer, move, returned } = context();
  settle(1);
  settle(2);
  await answer();
  assert.deepEqual(returned, [1]);
  move(20);
  await answer({ nodes: [other(1)] });
  assert.deepEqual(returned, [1], 'the end did not wait for a node that joined meanwhile');
  move(60);
  await answer({ nodes: [other(2)] });
  assert.deepEqual(returned, [1, 2]);
});

test('R17: a read of the list counts for half a lease from its start, and is repeated after that', async () => {
  const slow = context();
  slow.settle(1);
  slow.move(lease / 2);
  await slow.answer();
  assert.deepEqual(slow.returned, [1], 'the answer of a busy store was not accepted');
  const { settle, answer, move, rise, returned } = context();
  rise(0);
  settle(1);
  await answer();
  move(lease / 2 + 1);
  rise(1);
  await new Promise(setImmediate);
  assert.deepEqual(returned, [], 'the store may have been replaced by now');
  await answer();
  assert.deepEqual(returned, [1]);
});

test('R17: a node that stood still does not accept an old answer as the store’s last word', async () => {
  const { waits, rise, answer, move, stand } = context();
  rise(0);
  const propagation = waits.awaitEverywhere(1);
  await answer({ nodes: [other(0)] });
  const due = withMargin(lease);
  move(due);
  // A read that began before the time ran out is not the last word.
  await answer({ nodes: [other(0)] });
  move(due + 20);
  stand(due + lease);
  await answer({ nodes: [other(0)] });
  move(due + lease + 1);
  await assert.rejects(propagation, { code: 'outcome_unknown' });
});

test('the receipt counts a node as expired, even if its row has been removed before the last look at the list', async () => {
  const { waits, answer, move } = context();
  const third = { ...other(1), id: 'third' };
  const propagation = waits.awaitEverywhere(1);
  await answer({ nodes: [other(0), third] });
  // The store answers late: the row of a node that is dead by now is removed, and the answer is too old to count.
  move(20);
  move(withMargin(lease));
  await answer({ nodes: [other(0), { ...third, counter: 2 }] });
  move(withMargin(lease) + 20);
  await answer({ nodes: [{ ...third, counter: 3 }] });
  assert.deepEqual((await propagation).nodes, { applied: 2, expired: 1 });
});

test('R10: what a node has applied of a replaced log does not count for the new one', async () => {
  const { settle, answer, move, returned } = context();
  settle(3);
  await answer({ nodes: [other(99, false)] });
  assert.deepEqual(returned, []);
  move(50);
  await answer({ nodes: [other(3)] });
  assert.deepEqual(returned, [3]);
});

test('R10: a starting process trusts the rows once the incarnation is confirmed, or the longest lease has run out', async () => {
  const sure = context();
  sure.settle(1);
  await sure.answer();
  assert.deepEqual(sure.returned, [1]);
  const unsure = context();
  unsure.settle(1);
  await unsure.answer({ confirmed: false });
  assert.deepEqual(unsure.returned, [], 'rows were trusted although some may have been lost');
  const over = withMargin(lease);
  unsure.move(over - 1);
  await unsure.answer({ confirmed: false });
  assert.deepEqual(unsure.returned, []);
  unsure.move(over + 50);
  await unsure.answer({ confirmed: false });
  assert.deepEqual(unsure.returned, [1]);
});

test('R10: an incarnation is confirmed once all grants of the previous one have run out', async () => {
  const { settle, answer, move, confirmed } = context();
  settle(1);
  await answer({ confirmed: false });
  assert.deepEqual(confirmed, []);
  move(withMargin(lease) + 1);
  await answer({ confirmed: false });
  assert.deepEqual(confirmed, ['B']);
});

test('R10: a starting process allows for leases that are longer than all that it has seen: their rows may be lost', async () => {
  const { settle, answer, move, returned, confirmed } = context({ assumedLease: 3 * lease });
  const unsure = { confirmed: false, nodes: [other(9)] };
  const asked = async (at: number) => {
    move(at);
    await answer(unsure);
  };
  settle(1);
  await answer(unsure);
  // Beyond the leases that have been seen, the time of a wait is not over either, and nothing is confirmed.
  for (const at of [withMargin(lease) + 1, withMargin(2 * lease), withMargin(3 * lease) - 1]) {
    await asked(at);
    assert.deepEqual([returned, confirmed], [[], []], `after ${at} ms`);
  }
  // A wait that began later needs no more time than that either.
  settle(2);
  await asked(withMargin(3 * lease) + 50);
  assert.deepEqual([returned, confirmed], [[1, 2], ['B']]);
  // From then on only what has been seen counts.
  settle(3);
  move(withMargin(3 * lease) + 100);
  await answer({ nodes: [other(0)] });
  const over = withMargin(3 * lease) + 50 + withMargin(lease);
  move(over + 1);
  // The question that was open meanwhile is too old by now.
  await answer({ nodes: [other(0)] });
  move(over + 60);
  await answer({ nodes: [other(0)] });
  assert.deepEqual(returned, [1, 2, 3]);
});

test('R10: a node that starts over discards the list it had read: no list has what it granted under its earlier id', async () => {
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

test('R10: a head of another log at a sequence already read is detected by its mark', () => {
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

test('R2: each node is judged by the length of its own leases, which its id says', async () => {
  const { settle, answer, move, returned } = context();
  settle(1);
  const long = other(0, true, `other.${4 * lease}`);
  await answer({ nodes: [long] });
  // A lease of the node that waits, and more: the other one may still answer from what it knew.
  for (let at = 100; at < withMargin(4 * lease); at += 100) {
    move(at);
    await answer({ nodes: [long] });
    assert.deepEqual(returned, [], `the other node was given up after ${at} ms`);
  }
  move(withMargin(4 * lease) + 100);
  await answer({ nodes: [long] });
  assert.deepEqual(returned, [1]);
  settle(2);
  const short = other(0, true, `another.${lease / 4}`);
  await answer({ nodes: [short] });
  const seen = withMargin(4 * lease) + 100;
  move(seen + withMargin(lease / 4));
  await answer({ nodes: [short] });
  assert.deepEqual(returned, [1, 2], 'a node with short leases was waited for longer than it could be trusted');
});

test('R16: a wait lasts for the longest lease of all nodes, also if that is only learned when its time seems to be over', async () => {
  const { waits, settle, answer, move, returned } = context();
  // Rows decide nothing for a while, so only time counts.
  waits.distrustRows();
  settle(1);
  await answer({ nodes: [other(1, true, `other.${3 * lease}`)] });
  move(withMargin(lease) + 1);
  await answer({ nodes: [other(1, true, `other.${3 * lease}`)] });
  assert.deepEqual(returned, []);
  move(withMargin(3 * lease) + 1);
  // The question that was open meanwhile is too old by now.
  await answer({ nodes: [other(1, true, `other.${3 * lease}`)] });
  move(withMargin(3 * lease) + 60);
  await answer({ nodes: [other(1, true, `other.${3 * lease}`)] });
  assert.deepEqual(returned, [1]);
});
