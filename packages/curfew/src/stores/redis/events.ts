import { type Event, isFilter, matchesEvent } from '../../domain/events.ts';
import type { EventPage, EventQuery } from '../contract.ts';
import { type ReadTimes, skipBlocks } from '../event-times.ts';
import { decodeEvent } from './codec.ts';
import type { Link } from './link.ts';
import { readEvents as readPage, readTimes } from './scripts/streams.ts';

/** An entry of a stream: its id, and its one field's name and text. */
export type StreamEntry = [id: string, fields: [name: string, row: string]];

/** Entries of both streams are `0-<number>`; each stream has its own numbers. */
export const numberOf = (id: string): number => Number(id.slice(id.indexOf('-') + 1));

/** Entries that one script reads. */
const fewest = 200;
const most = 1000;

export async function readEvents(link: Link, query: EventQuery): Promise<EventPage> {
  const { after, before, limit, budget = Number.POSITIVE_INFINITY } = query;
  const began = performance.now();
  const events: Event[] = [];
  const downwards = after === undefined;
  const size = isFilter(query) ? fewest : Math.min(limit + 1, most);
  const timesOf: ReadTimes = async (first, last) => {
    const rows = (await link.run(readTimes, [String(first), String(last)])) as string[];
    return new Map(
      rows.map((row) => {
        const [block, earliest, latest] = row.split(' ').map(Number) as [number, number, number];
        return [block, { earliest, latest }];
      }),
    );
  };
  let reached = after ?? before;
  for (;;) {
    if (reached !== undefined) reached = await skipBlocks(query, !downwards, reached, timesOf);
    const from = reached === undefined ? '+' : `(0-${reached}`;
    const reply = await link.run(readPage, [from, downwards ? '-' : '+', downwards ? '1' : '0', String(size)]);
    const page = reply as StreamEntry[];
    for (const [id, [, row]] of page) {
      const event = decodeEvent(row);
      if (matchesEvent(event, query)) {
        if (events.length === limit) return { events, next: reached, reached: reached!, partial: false };
        events.push({ sequence: numberOf(id), ...event });
      }
      reached = numberOf(id);
    }
    if (page.length < size) return { events, next: undefined, reached: reached ?? 0, partial: false };
    if (performance.now() - began >= budget) return { events, next: reached, reached: reached!, partial: true };
  }
}
