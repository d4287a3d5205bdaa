import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withMargin } from 'curfew-client/fence';
import { OutstandingGrants } from '../../src/fence/outstanding-grants.ts';

const length = 1000;
const over = withMargin(length);

test('R9: only a holder of a lease from before a change owes an ack for it', () => {
  const outstanding = new OutstandingGrants();
  assert.equal(outstanding.owe(1, 0), false);
  outstanding.grant(1, length, 0);
  assert.equal(outstanding.owe(2, over), false, 'the lease has run out');
  assert.equal(outstanding.owe(3, over - 1), true);
  assert.equal(outstanding.oldest, 3);
});

test('R9: a lease granted after a change does not make it wait longer', () => {
  const outstanding = new OutstandingGrants();
  outstanding.grant(0, length, 0);
  outstanding.owe(1, 1);
  outstanding.grant(1, length, 900);
  assert.deepEqual(outstanding.expire(over - 1), []);
  assert.deepEqual(outstanding.expire(over), [1]);
  assert.equal(outstanding.oldest, undefined);
});

test('R1: an ack for a change is owed until the last lease from before it has run out', () => {
  const outstanding = new OutstandingGrants();
  outstanding.grant(0, length, 0);
  outstanding.grant(0, length, 500);
  outstanding.owe(1, 600);
  assert.deepEqual(outstanding.expire(over + 499), []);
  assert.deepEqual(outstanding.expire(over + 500), [1]);
});

test('an ack covers earlier changes only', () => {
  const outstanding = new OutstandingGrants();
  outstanding.grant(0, length, 0);
  for (const sequence of [1, 4, 7]) outstanding.owe(sequence, 1);
  assert.deepEqual(outstanding.acknowledge(5), [1, 4]);
  assert.ok(outstanding.owes(7) && !outstanding.owes(4));
  assert.deepEqual(outstanding.acknowledge(5), []);
});

test('R8: a holder that has emptied its cache owes nothing', () => {
  const outstanding = new OutstandingGrants();
  outstanding.grant(0, length, 0);
  outstanding.owe(1, 1);
  assert.deepEqual(outstanding.forgive(), [1]);
  assert.ok(outstanding.until < 0);
  assert.equal(outstanding.oldest, undefined);
});

test('many grants with changes between them are merged, and last longer, never shorter', () => {
  const outstanding = new OutstandingGrants();
  for (let i = 0; i < 20; i++) {
    outstanding.grant(i, length, i * 10);
    outstanding.owe(i + 1, i * 10);
  }
  assert.deepEqual(outstanding.expire(over), [1]);
  assert.deepEqual(outstanding.expire(over + 189).at(-1), 7);
  assert.deepEqual(outstanding.expire(over + 190).at(-1), 20);
});
