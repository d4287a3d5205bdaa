import type { SessionId } from '../domain/brand.ts';
import { type Event, type EventFilter, type EventType, eventTypes } from '../domain/events.ts';
import { limits } from '../domain/limits.ts';
import { parseActor, parseSessionId, parseUserId, quoted } from '../domain/parse.ts';
import { CurfewError } from '../errors.ts';
import type { Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { budget } from './match-sessions.ts';
import { Standing } from './standing.ts';

export type EventsRequest = {
  type?: EventType | undefined;
  /** Several types, separated by commas; instead of `type`. */
  types?: string | undefined;
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

/** Events that a stream could not show: those after `after`, up to `before`, exclusive. */
export type Gap = {
  kind: 'gap';
  after: number;
  before: number;
  /** They are no longer kept; or the store was failed over or restored, and may have lost some, or have others. */
  reason: 'no_longer_kept' | 'store_replaced';
};

/**
 * Events as they happen: those after the sequence number `after` (by default, after the newest event), until the signal
 * is aborted or the caller may no longer read them. What cannot be shown is reported as a gap.
 * @throws `invalid_value`, `user_id_too_long`, `session_not_found`, at once, if a filter is invalid
 */
export function followEvents(
  context: AuthorityContext,
  caller: Caller,
  request: Omit<EventsRequest, 'limit' | 'cursor'> & { after?: number | undefined },
  until: AbortSignal,
): AsyncIterable<Event | Gap> {
  return follow(context, caller, filterOf(request), request.after, until);
}

async function* follow(
  context: AuthorityContext,
  caller: Caller,
  filter: EventFilter,
  from: number | undefined,
  until: AbortSignal,
): AsyncIterable<Event | Gap> {
  // Begins with the first read: a stream that nobody reads has no end at which to stop watching.
  const standing = new Standing(context, caller, 'events.read', until);
  const { signal } = standing;
  try {
    // Changes from before the watch began have not been reported.
    if (!(await standing.holds())) return;
    let { replacements } = context.fence;
    let after = from ?? (await newestOf(context));
    // 0: from the first that is kept.
    let gap = from ? await gapAfter(context, from) : undefined;
    while (!signal.aborted) {
      if (context.fence.replacements !== replacements) {
        ({ replacements } = context.fence);
        gap = { kind: 'gap', after, before: (await newestOf(context)) + 1, reason: 'store_replaced' };
      }
      if (gap) {
        yield gap;
        // In the other store, the next event may have a number that another event had.
        after = gap.reason === 'no_longer_kept' ? gap.before - 1 : Math.min(after, gap.before - 1);
        gap = undefined;
      }
      const { events, next, reached } = await context.store.readEvents({
        ...filter,
        after,
        limit: limits.pageMax,
        budget,
      });
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

/** The sequence of the newest event; 0 if there is none. */
async function newestOf({ store }: AuthorityContext): Promise<number> {
  return (await store.readEvents({ limit: 1 })).events[0]?.sequence ?? 0;
}

/** What is missing between the last event that a reader has seen and the next one that there is. */
async function gapAfter(context: AuthorityContext, after: number): Promise<Gap | undefined> {
  const newest = await newestOf(context);
  if (newest < after) return { kind: 'gap', after, before: newest + 1, reason: 'store_replaced' };
  const [next] = (await context.store.readEvents({ after, limit: 1 })).events;
  if (!next || next.sequence === after + 1) return undefined;
  return { kind: 'gap', after, before: next.sequence, reason: 'no_longer_kept' };
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

function filterOf(request: Omit<EventsRequest, 'limit' | 'cursor'>): EventFilter {
  const { type, types, user, session, actor, since, until } = request;
  return {
    type: types === undefined ? type : parseTypes(types, type),
    userId: user === undefined ? undefined : parseUserId(user),
    sessionId: session === undefined ? undefined : (parseSessionId(session) as SessionId),
    by: actor === undefined ? undefined : parseActor(actor),
    since,
    until,
  };
}

/** @throws `invalid_value` */
function parseTypes(texts: string, type: EventType | undefined): EventType[] {
  if (type !== undefined) throw new CurfewError('invalid_value', { detail: 'Send type or types, not both.' });
  return texts.split(',').map((text) => {
    const found = eventTypes.find((one) => one === text);
    if (found) return found;
    throw new CurfewError('invalid_value', { detail: `types: there are no events of the type ${quoted(text)}.` });
  });
}
