import type { SessionId } from '../domain/brand.ts';
import type { Event, EventFilter, EventType } from '../domain/events.ts';
import { limits } from '../domain/limits.ts';
import { parseActor, parseSessionId, parseUserId } from '../domain/parse.ts';
import { CurfewError } from '../errors.ts';
import type { Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { budget } from './match-sessions.ts';
import { Standing } from './standing.ts';

export type EventsRequest = {
  type?: EventType | undefined;
  user?: string | undefined;
  session?: string | undefined;
  /** Who did it: `user:…`, `key:…`, `policy` or `library`. */
  actor?: string | undefined;
  /** Events at or after `since` and before `until`; epoch milliseconds. */
  since?: number | undefined;
  until?: number | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
};

export type EventList = {
  events: Event[];
  /** For the next page; absent on the last one. */
  nextCursor: string | undefined;
  /** Whether the search ran out of time: the next page continues from there, and this one may be empty. */
  partial: boolean;
};

/** A page of the audit trail, newest first. @throws `cursor_invalid`, `cursor_of_another_query`, `invalid_value` */
export async function listEvents(context: AuthorityContext, request: EventsRequest): Promise<EventList> {
  const query = { list: 'events', ...filterOf(request) };
  const position = decodeCursor(request.cursor, query);
  const page = await context.store.readEvents({
    ...filterOf(request),
    before: position === undefined ? undefined : sequenceOf(position),
    limit: request.limit ?? limits.pageDefault,
    budget,
  });
  return {
    events: page.events,
    nextCursor: page.next === undefined ? undefined : encodeCursor(String(page.next), query),
    partial: page.partial,
  };
}

/** Anybody can make up a cursor, so its position is checked. */
function sequenceOf(position: string): number {
  const sequence = Number(position);
  if (/^[1-9]\d*$/.test(position) && Number.isSafeInteger(sequence)) return sequence;
  throw new CurfewError('cursor_invalid');
}

/** Milliseconds between two reads for new events. */
const pollInterval = 250;

/**
 * Events as they happen: those after the sequence number `after` (by default, after the newest event), until the signal
 * is aborted or the caller may no longer read them.
 */
export async function* followEvents(
  context: AuthorityContext,
  caller: Caller,
  request: Omit<EventsRequest, 'limit' | 'cursor'> & { after?: number | undefined },
  until: AbortSignal,
): AsyncIterable<Event> {
  const standing = new Standing(context, caller, 'events.read', until);
  const { signal } = standing;
  try {
    // Changes from before the watch began have not been reported.
    if (!(await standing.holds())) return;
    let after = request.after ?? (await context.store.readEvents({ limit: 1 })).events[0]?.sequence ?? 0;
    while (!signal.aborted) {
      const query = { ...filterOf(request), after, limit: limits.pageMax, budget };
      const { events, next, reached } = await context.store.readEvents(query);
      // Checked after the events were read: a caller must not see what happened after its access had ended.
      if ((events.length > 0 || standing.isDue) && !(await standing.holds())) return;
      for (const event of events) {
        if (signal.aborted) return;
        yield event;
      }
      // Events that were read and did not match are not read again.
      after = reached;
      if (next === undefined) await pause(pollInterval, signal);
    }
  } finally {
    standing.end();
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
    // A signal that is already aborted fires no event.
    if (signal.aborted) done();
  });
}

function filterOf({ type, user, session, actor, since, until }: Omit<EventsRequest, 'limit' | 'cursor'>): EventFilter {
  return {
    type,
    userId: user === undefined ? undefined : parseUserId(user),
    sessionId: session === undefined ? undefined : (parseSessionId(session) as SessionId),
    by: actor === undefined ? undefined : parseActor(actor),
    since,
    until,
  };
}
