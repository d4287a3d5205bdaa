import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SessionId } from '../../src/domain/brand.ts';
import { idAbove, isId, newId } from '../../src/domain/ids.ts';
import { Distinct, partOf, Tally } from '../../src/domain/tally.ts';
import { random } from '../support/ports.ts';

const ids = (count: number) =>
  Array.from({ length: count }, (_, i) => newId('ada', 1_700_000_000_000 + i, random) as SessionId).reverse();

test('the parts of a tally are what each of its ranges of ids would be, however many ids there are', () => {
  const all = ids(3000);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 1, max: 40 }), (count, size) => {
      const tally = new Tally(size);
      const counted = all.slice(0, count);
      for (const id of counted) tally.add(id);
      let begin = 0;
      for (const part of tally.parts) {
        assert.deepEqual(part, partOf(counted.slice(begin, begin + part.count)));
        begin += part.count;
      }
      assert.deepEqual([begin, tally.count], [count, count]);
      assert.ok(tally.parts.length <= 64);
    }),
    { numRuns: 200 },
  );
});

test('another set of as many ids is another part, even if one id differs in one digit', () => {
  const [a, b, c] = ids(3) as [SessionId, SessionId, SessionId];
  const near = `${b.slice(0, -1)}${b.endsWith('0') ? '1' : '0'}` as SessionId;
  assert.notEqual(partOf([a, b, c]).sum, partOf([a, near, c]).sum);
});

test('the id above another is the next in order', () => {
  for (const [id, next] of [
    ['0V7oZk3H8e9Jb2Yw4tQxLm', '0V7oZk3H8e9Jb2Yw4tQxLn'],
    ['0V7oZk3H8e9Jb2Yw4tQxL9', '0V7oZk3H8e9Jb2Yw4tQxLA'],
    ['0V7oZk3H8e9Jb2Yw4tQzzz', '0V7oZk3H8e9Jb2Yw4tR000'],
  ]) {
    assert.equal(idAbove(id as SessionId), next);
    assert.ok(isId(next!) && next > id!);
  }
});

test('different texts are counted once each', () => {
  const distinct = new Distinct();
  for (let i = 0; i < 30_000; i++) distinct.add(`user ${i % 10_000}`);
  assert.equal(distinct.count, 10_000);
});
