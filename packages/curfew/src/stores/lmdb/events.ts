import { type Event, matchesEvent } from '../../domain/events.ts';
import type { EventPage, EventQuery } from '../contract.ts';
import { decodeEvent } from './codec.ts';
import type { State } from './commit.ts';
import type { Tables } from './tables.ts';

/** Events to examine before others get their turn. */
const slice = 500;

export async function readEvents(tables: Tables, state: State, query: EventQuery): Promise<EventPage> {
  const { after, before, limit, budget = Number.POSITIVE_INFINITY } = query;
  const began = performance.now();
  const events: Event[] = [];
  let reached = after ?? before ?? state.lastEvent + 1;
  for (;;) {
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
