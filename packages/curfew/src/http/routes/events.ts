import { Readable } from 'node:stream';
import { actorOf } from '../../authority/caller.ts';
import { longestSeries, seriesIntervals } from '../../authority/event-series.ts';
import type { Gap } from '../../authority/list-events.ts';
import { type Event as CurfewEvent, eventTypes } from '../../domain/events.ts';
import { limits } from '../../domain/limits.ts';
import { quoted } from '../../domain/parse.ts';
import { CurfewError } from '../../errors.ts';
import { operation } from '../operation.ts';
import { presentEvent, presentSeries } from '../present.ts';
import { Event, maybe, oneOf, paging, ref, sessionId, Type, text, time, userId } from '../schemas.ts';

/** Milliseconds after which a browser reconnects; it then gets the events that it has missed. */
const retry = 2000;
/** Milliseconds without an event after which a comment keeps the connection open. */
const heartbeat = 15_000;

export const listEvents = operation({
  id: 'listEvents',
  method: 'GET',
  path: '/v1/events',
  tag: 'Audit',
  summary: 'List events, newest first, or follow them as they happen',
  description:
    'With `accept: text/event-stream`, events are sent as they happen; `last-event-id` continues after an event (0: from ' +
    'the first that is kept). If events after that are no longer kept, or the store was failed over or restored and may have ' +
    'lost some, a message of the type `gap` says so, with `after` and `before`, the sequences of the events around it, and ' +
    '`reason`: `no_longer_kept` or `store_replaced`. The stream ends when the key that opened it is revoked, when the session that opened it ends ' +
    'or gets a new token, and when its account is disabled or may no longer read events. A search by time (`since`, ' +
    '`until`) passes over what is outside it; one by any of the filters ' +
    'stops after half a second: then `partial` is true, the page may be empty, and `nextCursor` continues where it ' +
    `stopped. A key or user may have ${limits.streamsOfCaller} streams open on a server, and an address ` +
    `${limits.streamsOfAddress}; one more is refused with \`too_many_streams\`. For a failed sign-in, the name is kept as ` +
    'a keyed hash (`loginHash`), because people sometimes type their password there.',
  access: { permission: 'events.read' },
  query: Type.Object(
    {
      type: maybe(oneOf(eventTypes)),
      types: maybe(text(1000, 'Several types, separated by commas; instead of `type`.')),
      user: maybe(userId),
      session: maybe(sessionId),
      actor: maybe(
        text(limits.userIdBytes + 'user:'.length, 'Who did it: `user:…`, `key:…`, `policy` or `library`.', {
          examples: ['user:ada'],
        }),
      ),
      since: maybe(time('Only events at or after this time.')),
      until: maybe(time('Only events before this time.')),
      ...paging,
    },
    { additionalProperties: false, examples: [{ user: 'ada', type: 'session.ended' }] },
  ),
  answer: {
    status: 200,
    description: 'A page of events.',
    schema: Type.Object({ events: Type.Array(ref(Event)), nextCursor: maybe(Type.String()), partial: Type.Boolean() }),
  },
  errors: [
    'too_many_streams',
    'limit_out_of_range',
    'cursor_invalid',
    'cursor_of_another_query',
    'session_not_found',
    'user_id_too_long',
  ],
  async handle({ authority, caller, closing, streams, query: asked, request, reply }) {
    const query = { ...asked, since: momentOf(asked.since), until: momentOf(asked.until) };
    if (!request.headers.accept?.includes('text/event-stream')) {
      const list = await authority.listEvents(query);
      return { ...list, events: list.events.map(presentEvent) };
    }
    const leave = streams.admit(actorOf(caller), request.ip);
    const gone = new AbortController();
    const end = () => {
      leave();
      gone.abort();
    };
    reply.raw.once('close', end);
    // The client may have disconnected while it was being authenticated.
    if (request.raw.socket.destroyed) end();
    const last = request.headers['last-event-id'];
    const after = typeof last === 'string' && /^\d{1,15}$/.test(last) ? Number(last) : undefined;
    const events = authority.followEvents(caller, { ...query, after }, AbortSignal.any([closing, gone.signal]));
    reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-store, no-transform')
      // Otherwise nginx would hold events back until they fill a buffer.
      .header('x-accel-buffering', 'no');
    // No schema serializes a stream.
    return reply.send(Readable.from(asServerSent(events)));
  },
});

export const eventSeries = operation({
  id: 'eventSeries',
  method: 'GET',
  path: '/v1/events/series',
  tag: 'Audit',
  summary:
    'How many sessions were opened and ended, and how many sign-ins were refused, in each interval of the last hours',
  description:
    'With the number of sessions that are active now. The numbers of an interval with `exact` are complete; for the last ' +
    'one, until now. Each server counts for about a second and keeps the numbers, so if there are very many events, the ' +
    'first answers are `partial`: ask again. An end by a deadline counts at its deadline, once it is recorded.',
  access: { permission: 'events.read' },
  query: Type.Object(
    {
      hours: maybe(
        Type.Integer({ minimum: 1, maximum: longestSeries, default: 24, description: 'How many hours back.' }),
      ),
      interval: maybe(
        oneOf(seriesIntervals.map(String), { default: '3600', description: 'Seconds of each interval.' }),
      ),
    },
    { additionalProperties: false },
  ),
  answer: {
    status: 200,
    description: 'The intervals, the oldest first.',
    schema: Type.Object({
      since: time('When the first interval begins.'),
      until: time('The time of the last interval’s end so far.'),
      intervals: Type.Array(
        Type.Object({
          at: time('When it begins.'),
          opened: Type.Integer({ description: 'Sessions opened, by signing in or by an application.' }),
          ended: Type.Integer({ description: 'Sessions ended.' }),
          refused: Type.Integer({
            description: 'Sign-ins refused, also for a wrong code; one that was only asked for its code is not.',
          }),
          exact: Type.Boolean({ description: 'Whether all events of the interval were counted.' }),
        }),
      ),
      partial: Type.Boolean({ description: 'Some intervals are not exact yet.' }),
      active: Type.Integer({ description: 'Sessions that are active now.' }),
    }),
  },
  async handle({ authority, query: { hours, interval } }) {
    return presentSeries(await authority.eventSeries({ hours, interval: Number(interval ?? 3600) }));
  },
});

/** Epoch milliseconds. A leap second has a valid shape, but cannot be represented. @throws `invalid_value` */
function momentOf(text: string | undefined): number | undefined {
  const moment = text === undefined ? undefined : Date.parse(text);
  if (moment === undefined || !Number.isNaN(moment)) return moment;
  throw new CurfewError('invalid_value', { detail: `${quoted(text!)} is not a valid time.` });
}

/** Events in the format of server-sent events, with a comment if nothing happens for a while. */
async function* asServerSent(events: AsyncIterable<CurfewEvent | Gap>): AsyncIterable<string> {
  const source = events[Symbol.asyncIterator]();
  try {
    yield `retry: ${retry}\n: events follow\n\n`;
    let next = source.next();
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const quiet = new Promise<'quiet'>((resolve) => {
        timer = setTimeout(() => resolve('quiet'), heartbeat);
      });
      const turn = await Promise.race([next, quiet]).finally(() => clearTimeout(timer));
      if (turn === 'quiet') {
        yield ': nothing yet\n\n';
        continue;
      }
      if (turn.done) return;
      yield 'kind' in turn.value ? gapMessage(turn.value) : eventMessage(turn.value);
      next = source.next();
    }
  } finally {
    // The client may have gone while it was too slow to be sent more.
    await source.return?.();
  }
}

function eventMessage(one: CurfewEvent): string {
  const event = presentEvent(one);
  return `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Its id is that of the last event before the next, so a client that reconnects is not told again. */
function gapMessage({ after, before, reason }: Gap): string {
  return `id: ${before - 1}\nevent: gap\ndata: ${JSON.stringify({ after, before, reason })}\n\n`;
}
