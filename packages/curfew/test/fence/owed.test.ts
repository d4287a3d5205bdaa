import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withMargin } from 'curfew-client/fence';
import { Owed } from '../../src/fence/owed.ts';

const length = 1000;
const over = withMargin(length);

test('R9: only who holds a lease from before a change owes an ack for it', () => {
  const owed = new Owed();
  assert.equal(owed.owe(1, 0), false);
  owed.grant(1, length, 0);
  assert.equal(owed.owe(2, over), false, 'the lease is over');
  assert.equal(owed.owe(3, over - 1), true);
  assert.equal(owed.oldest, 3);
});

test('R9: a lease that was granted after a change does not make it wait longer', () => {
  const owed = new Owed();
  owed.grant(0, length, 0);
  owed.owe(1, 1);
  owed.grant(1, length, 900);
  assert.deepEqual(owed.expire(over - 1), []);
  assert.deepEqual(owed.expire(over), [1]);
  assert.equal(owed.oldest, undefined);
});

test('R1: a change is owed until the last lease from before it is over', () => {
  const owed = new Owed();
  owed.grant(0, length, 0);
  owed.grant(0, length, 500);
  owed.owe(1, 600);
  assert.deepEqual(owed.expire(over + 499), []);
  assert.deepEqual(owed.expire(over + 500), [1]);
});

test('an ack covers what came before it, and no more', () => {
  const owed = new Owed();
  owed.grant(0, length, 0);
  for (const sequence of [1, 4, 7]) owed.owe(sequence, 1);
  assert.deepEqual(owed.acknowledge(5), [1, 4]);
  assert.ok(owed.owes(7) && !owed.owes(4));
  assert.deepEqual(owed.acknowledge(5), []);
});

test('R8: a holder that has emptied itself owes nothing any more', () => {
  const owed = new Owed();
  owed.grant(0, length, 0);
  owed.owe(1, 1);
  assert.deepEqual(owed.forgive(), [1]);
  assert.ok(owed.until < 0);
  assert.equal(owed.oldest, undefined);
});

test('many grants with changes between them are remembered together, for longer and never shorter', () => {
  const owed = new Owed();
  for (let i = 0; i < 20; i++) {
    owed.grant(i, length, i * 10);
    owed.owe(i + 1, i * 10);
  }
  assert.deepEqual(owed.expire(over), [1]);
  assert.deepEqual(owed.expire(over + 189).at(-1), 7);
  assert.deepEqual(owed.expire(over + 190).at(-1), 20);
});
