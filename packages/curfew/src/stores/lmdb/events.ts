import { type Event, matchesEvent } from '../../domain/events.ts';
import type { EventPage, EventQuery } from '../contract.ts';
import { eventsPerBlock, type ReadTimes, skipBlocks } from '../event-times.ts';
import { decodeEvent } from './codec.ts';
import type { Draft, State } from './commit.ts';
import type { Tables } from './tables.ts';

/** How many events are examined before others get their turn. */
const slice = 500;

export async function readEvents(tables: Tables, state: State, query: EventQuery): Promise<EventPage> {
  const { after, before, limit, budget = Number.POSITIVE_INFINITY } = query;
  const began = performance.now();
  const events: Event[] = [];
  const readTimes: ReadTimes = async (first, last) =>
    new Map(
      [...tables.times.getRange({ start: first, end: last + 1 })].map(({ key, value: [earliest, latest] }) => [
        key,
        { earliest, latest },
      ]),
    );
  let reached = after ?? before ?? state.lastEvent + 1;
  for (;;) {
    reached = await skipBlocks(query, after !== undefined, reached, readTimes);
    // Only events that are visible together with their change: a commit may be in the file before it is in memory.
    const newest = state.lastEvent;
    const range =
      after === undefined
        ? { reverse: true, start: Math.min(newest, reached - 1) }
        : { start: reached + 1, end: newest + 1 };
    let looked = 0;
    for (const { key: sequence, value } of tables.events.getRange({ ...range, limit: slice })) {
      looked += 1;
      const event = decodeEvent(value);
      if (matchesEvent(event, query)) {
        if (events.length === limit) return { events, next: reached, reached, partial: false };
        events.push({ sequence, ...event });
      }
      reached = sequence;
    }
    if (looked < slice) return { events, next: undefined, reached, partial: false };
    if (performance.now() - began >= budget) return { events, next: reached, reached, partial: true };
    await new Promise(setImmediate);
  }
}

/** Records the times of the next complete block of events that lacks them. Returns whether there was one. */
export function recordTimes(draft: Draft, lastEvent: number): boolean {
  const { events, times } = draft.tables;
  const [oldest] = events.getKeys({ limit: 1 });
  if (oldest === undefined) return false;
  const [recorded = -1] = times.getKeys({ reverse: true, limit: 1 });
  const block = Math.max(Math.floor(oldest / eventsPerBlock), recorded + 1);
  const end = (block + 1) * eventsPerBlock;
  if (lastEvent < end - 1) return false;
  const ats = [...events.getRange({ start: block * eventsPerBlock, end })].map(({ value }) => decodeEvent(value).at);
  times.put(block, [Math.min(...ats), Math.max(...ats)]);
  return true;
}

/** Deletes a bounded number of records of blocks whose events have been deleted. */
export function forgetTimes({ tables: { events, times } }: Draft, most: number): void {
  const [oldest] = events.getKeys({ limit: 1 });
  if (oldest === undefined) return;
  const gone = [...times.getKeys({ end: Math.floor(oldest / eventsPerBlock), limit: most })];
  for (const block of gone) times.remove(block);
}
