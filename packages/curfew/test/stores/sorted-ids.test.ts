import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SessionId } from '../../src/domain/brand.ts';
import { SortedIds } from '../../src/stores/lmdb/sorted-ids.ts';

test('ids that come and go are in order in both directions, from just after any id', () => {
  const id = fc.integer({ min: 10, max: 60 }).map((number) => `${number}` as SessionId);
  fc.assert(
    fc.property(fc.array(id), id, (steps, after) => {
      const ids = new SortedIds();
      const there = new Set<SessionId>();
      for (const one of steps) {
        // An id that is there goes; one that is not comes.
        if (there.delete(one)) ids.remove(one);
        else {
          there.add(one);
          ids.add(one);
        }
      }
      const sorted = [...there].sort();
      assert.equal(ids.size, sorted.length);
      assert.deepEqual([...ids.ascending(undefined)], sorted);
      assert.deepEqual([...ids.descending(undefined)], sorted.toReversed());
      const above = sorted.filter((one) => one > after);
      const below = sorted.filter((one) => one < after);
      assert.deepEqual([...ids.ascending(after)], above);
      assert.deepEqual([...ids.descending(after)], below.toReversed());
    }),
    { numRuns: 500 },
  );
});
