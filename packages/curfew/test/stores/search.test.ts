import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { searchPage } from '../../src/stores/search.ts';

/** A list of places from 1 on, of which every so many belong to the page, read in pieces. */
function reader({ length, every, size }: { length: number; every: number; size: number }) {
  return async (after: number | undefined) => {
    const from = (after ?? 0) + 1;
    const places = Array.from({ length: Math.min(size, length - from + 1) }, (_, i) => from + i);
    const looked = places.map((place) => [place, place % every === 0 ? `item ${place}` : undefined] as const);
    return { looked, more: places.length === size };
  };
}

const lists = fc.record({
  length: fc.nat({ max: 60 }),
  every: fc.integer({ min: 1, max: 7 }),
  size: fc.integer({ min: 1, max: 20 }),
});

test('pages that follow each other have everything once, in order, whatever the sizes and the time', async () => {
  await fc.assert(
    fc.asyncProperty(lists, fc.integer({ min: 1, max: 9 }), fc.boolean(), async (list, limit, isHurried) => {
      const read = reader(list);
      const found: string[] = [];
      let after: number | undefined;
      do {
        const { page, next, partial } = await searchPage({ after, limit, budget: isHurried ? 0 : undefined }, read);
        assert.ok(page.length <= limit);
        assert.ok(isHurried || !partial);
        // Without a lack of time, only the last page is not full.
        assert.ok(partial || next === undefined || page.length === limit);
        found.push(...page);
        after = next;
      } while (after !== undefined);
      const wanted = Array.from(
        { length: Math.floor(list.length / list.every) },
        (_, i) => `item ${(i + 1) * list.every}`,
      );
      assert.deepEqual(found, wanted);
    }),
  );
});

test('a full page has a next one only if something follows', async () => {
  const read = reader({ length: 10, every: 5, size: 3 });
  assert.deepEqual(await searchPage({ limit: 1 }, read), { page: ['item 5'], next: 5, partial: false });
  assert.deepEqual(await searchPage({ limit: 2 }, read), {
    page: ['item 5', 'item 10'],
    next: undefined,
    partial: false,
  });
});
