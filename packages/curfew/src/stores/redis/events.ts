import type { Event } from '../../domain/events.ts';
import type { EventQuery } from '../contract.ts';
import { decodeEvent } from './codec.ts';
import type { Link } from './link.ts';
import { readEvents as readPage } from './scripts/streams.ts';

/** An entry of a stream: its id, and its one field's name and text. */
export type StreamEntry = [id: string, fields: [name: string, row: string]];

/** Entries of both streams are `0-<number>`: each numbers its own. */
export const numberOf = (id: string): number => Number(id.slice(id.indexOf('-') + 1));

const eventsOfScan = 200;

export async function readEvents(
  link: Link,
  query: EventQuery,
): Promise<{ events: Event[]; next: number | undefined }> {
  const { after, before, limit, type, userId, sessionId } = query;
  const events: Event[] = [];
  const downwards = after === undefined;
  const filtered = type !== undefined || userId !== undefined || sessionId !== undefined;
  const size = filtered ? eventsOfScan : Math.min(limit + 1, eventsOfScan * 5);
  let from = downwards ? (before === undefined ? '+' : `(0-${before}`) : `(0-${after}`;
  for (;;) {
    const reply = await link.run(readPage, [from, downwards ? '-' : '+', downwards ? '1' : '0', String(size)]);
    const page = reply as StreamEntry[];
    for (const [id, [, row]] of page) {
      from = `(${id}`;
      const event = decodeEvent(row);
      if (type !== undefined && event.type !== type) continue;
      if (userId !== undefined && event.userId !== userId) continue;
      if (sessionId !== undefined && event.sessionId !== sessionId) continue;
      if (events.length === limit) return { events, next: events.at(-1)!.sequence };
      events.push({ sequence: numberOf(id), ...event });
    }
    if (page.length < size) return { events, next: undefined };
  }
}
