import assert from 'node:assert/strict';
import { minute, second } from '../../domain/limits.ts';
import { eventsPerBlock } from '../event-times.ts';
import { type Case, note, start } from './harness.ts';

export const eventCases: Case[] = [
  {
    name: 'a search of events by time passes over what is outside it, and finds events that were recorded late',
    async run(fixture) {
      const count = 28 * eventsPerBlock + 40;
      const [late, lateAt] = [15 * eventsPerBlock + 7, start + 100 * second];
      const at = (sequence: number) => (sequence === late ? lateAt : start + sequence * second);
      for (let first = 1; first <= count; first += 500) {
        const some = Array.from({ length: Math.min(500, count + 1 - first) }, (_, i) => first + i);
        await Promise.all(some.map((sequence) => fixture.store.appendEvent(note('login.failed', at(sequence)))));
      }
      // The events of one batch may have been recorded in another order.
      const all = (await fixture.store.readEvents({ after: 0, limit: count })).events;
      const sequences = (from: number, to: number) =>
        all.filter((event) => event.at >= from && event.at < to).map(({ sequence }) => sequence);
      const search = async (from: number, to: number, upwards: boolean) => {
        const found: number[] = [];
        let pages = 1;
        for (let place: number | undefined = upwards ? 0 : undefined; ; pages++) {
          const page: Awaited<ReturnType<typeof fixture.store.readEvents>> = await fixture.store.readEvents({
            ...(upwards ? { after: place } : { before: place }),
            ...{ since: from, until: to, limit: 1000, budget: 0 },
          });
          found.push(...page.events.map(({ sequence }) => sequence));
          if (page.next === undefined) return { found, pages };
          place = page.next;
        }
      };
      const end = start + count * second;
      await fixture.sweep(end + minute);
      for (const [from, to] of [
        [lateAt - 5 * second, lateAt + 5 * second],
        [start + 8 * eventsPerBlock * second, start + 8 * eventsPerBlock * second + minute],
        [start - minute, start],
        [end - minute, end + second],
      ] as const) {
        const expected = sequences(from, to);
        const [down, up] = [await search(from, to, false), await search(from, to, true)];
        assert.deepEqual(down.found, expected.toReversed());
        assert.deepEqual(up.found, expected);
        // The newest events, and a piece around each block with a match: not all of them.
        assert.ok(down.pages <= 6, `it took ${down.pages} pages downwards`);
        assert.ok(up.pages <= 6, `it took ${up.pages} pages upwards`);
      }
      // Deleted events take nothing with them that others are found by.
      const kept = start + 10 * eventsPerBlock * second;
      for (let more = true; more; ) {
        const task = { now: end, keepEnded: minute, keepEvents: end - kept, batch: 1000 };
        ({ more } = await fixture.store.sweep(task));
      }
      const window = [kept + 5 * minute, kept + 6 * minute] as const;
      assert.deepEqual((await search(...window, false)).found, sequences(...window).toReversed());
      assert.deepEqual((await search(...window, true)).found, sequences(...window));
    },
  },
];
