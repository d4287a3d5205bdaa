import assert from 'node:assert/strict';
import { test } from 'node:test';
import { library } from '../../src/authority/caller.ts';
import { encodeCursor } from '../../src/authority/cursor.ts';
import { followEvents, listEvents } from '../../src/authority/list-events.ts';
import type { Event } from '../../src/domain/events.ts';
import { hour } from '../../src/domain/limits.ts';
import type { EventQuery } from '../../src/stores/contract.ts';
import { manualClock } from '../support/ports.ts';
import { TestServer } from '../support/server.ts';

const failed = { type: 'login.failed', at: Date.now(), by: 'policy' } as const;
const wanted = { ...failed, type: 'second_factor.failed' } as const;

test('N3.2: a stream of events that finds no match continues after the last event examined', {
  timeout: 60_000,
}, async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { store } = server.context;
  const asked: EventQuery[] = [];
  const context = {
    ...server.context,
    store: Object.assign(Object.create(store), {
      readEvents(query: EventQuery) {
        asked.push(query);
        return store.readEvents(query);
      },
    }),
  };
  const stop = new AbortController();
  const events = followEvents(context, library, { type: wanted.type, after: 0 }, stop.signal)[Symbol.asyncIterator]();
  const first = events.next();
  for (let i = 0; i < 20; i++) await store.appendEvent(failed);
  const { sequence } = (await store.readEvents({ limit: 1 })).events[0]!;
  // Until it has examined all of them, and then once more.
  while (asked.at(-1)?.after !== sequence) await new Promise(setImmediate);
  await store.appendEvent(wanted);
  assert.equal(((await first).value as Event).sequence, sequence + 1);
  const places = asked.map(({ after }) => after!);
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
  stop.abort();
  await events.return?.();
});

test('N3.2: a page of the audit trail that ran out of time says so, and its cursor continues there', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { store } = server.context;
  await store.appendEvent(wanted);
  await Promise.all(Array.from({ length: 2000 }, () => store.appendEvent(failed)));
  const context = {
    ...server.context,
    store: Object.assign(Object.create(store), {
      readEvents: (query: EventQuery) => store.readEvents({ ...query, budget: 0 }),
    }),
  };
  const found = [];
  let [cursor, stopped]: [string | undefined, number] = [undefined, 0];
  do {
    const page: Awaited<ReturnType<typeof listEvents>> = await listEvents(context, { type: wanted.type, cursor });
    assert.equal(page.partial, page.nextCursor !== undefined);
    stopped += Number(page.partial);
    found.push(...page.events);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  assert.equal(found.length, 1);
  assert.ok(stopped > 0);
  const { body } = await server.call('GET', `/v1/events?type=${wanted.type}`);
  assert.deepEqual([body.events.length, body.partial], [1, false]);
});

test('a made-up cursor is refused, and is not reported as damage of the store', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  for (const position of ['NaN', '', '0', '-1', '1.5', '1e308', '99999999999999999999']) {
    const cursor = encodeCursor(position, { list: 'events' });
    await assert.rejects(listEvents(server.context, { cursor }), { code: 'cursor_invalid' }, position);
  }
});

test('the audit trail is searched by actor and by time, together with the other filters', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { store } = server.context;
  const at = Date.UTC(2026, 0, 1);
  const note = (by: 'user:ada' | 'key:x', moment: number) => ({ ...failed, by, at: moment }) as const;
  for (const event of [note('user:ada', at), note('key:x', at + 1000), note('user:ada', at + 2000)]) {
    await store.appendEvent(event);
  }
  const moments = async (query: string) => {
    const { status, body } = await server.call('GET', `/v1/events?type=login.failed&${query}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body.events.map((event: { at: string }) => event.at.slice(17, 19));
  };
  assert.deepEqual(await moments('actor=user:ada'), ['02', '00']);
  assert.deepEqual(await moments('since=2026-01-01T00:00:01Z'), ['02', '01']);
  assert.deepEqual(await moments('until=2026-01-01T00:00:01Z'), ['00']);
  assert.deepEqual(await moments('since=2026-01-01T00:00:01Z&until=2026-01-01T00:00:02Z&actor=user:ada'), []);
  const page = await server.call('GET', '/v1/events?type=login.failed&actor=user:ada&limit=1');
  const other = await server.call('GET', `/v1/events?type=login.failed&actor=key:x&cursor=${page.body.nextCursor}`);
  assert.equal(other.body.code, 'cursor_of_another_query');
  for (const wrong of ['actor=ada', 'actor=user:', 'since=yesterday', 'until=2016-12-31T23:59:60Z']) {
    assert.equal((await server.call('GET', `/v1/events?${wrong}`)).body.code, 'invalid_value', wrong);
  }
});

test('events of several types are one list and one stream; an unknown type, or both parameters, is refused, also by a stream', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { store } = server.context;
  for (const type of ['login.failed', 'factor.enrolled', 'second_factor.failed'] as const) {
    await store.appendEvent({ ...failed, type });
  }
  const { body } = await server.call('GET', '/v1/events?types=second_factor.failed,login.failed');
  assert.deepEqual(
    body.events.map((event: { type: string }) => event.type),
    ['second_factor.failed', 'login.failed'],
  );
  for (const wrong of ['types=', 'types=login.failed,', 'types=nothing', 'types=login.failed&type=login.failed']) {
    for (const accept of ['application/json', 'text/event-stream']) {
      const answer = await server.call('GET', `/v1/events?${wrong}`, undefined, { headers: { accept } });
      assert.deepEqual([answer.status, answer.body.code], [400, 'invalid_value'], `${wrong} as ${accept}`);
    }
  }
  const stream = await server.call('GET', '/v1/events?actor=nobody', undefined, {
    headers: { accept: 'text/event-stream' },
  });
  assert.equal(stream.status, 400);
});

test('a stream reports what it cannot show: events that are no longer kept, or that a failover may have lost', async (t) => {
  const clock = manualClock();
  const server = await TestServer.start({}, clock);
  t.after(() => server.close());
  const { context } = server;
  const { store } = context;
  const stop = new AbortController();
  t.after(() => stop.abort());
  const follow = (after: number | undefined, of = context) =>
    followEvents(of, library, { after }, stop.signal)[Symbol.asyncIterator]();
  const newest = async () => (await store.readEvents({ limit: 1 })).events[0]!.sequence;
  const first = await newest();
  await Promise.all(Array.from({ length: 300 }, () => store.appendEvent({ ...failed, at: clock.now() })));
  clock.advance(2 * hour);
  await store.appendEvent({ ...failed, at: clock.now() });
  const last = await newest();

  const complete = follow(first);
  assert.equal(((await complete.next()).value as Event).sequence, first + 1, 'nothing is missing yet');
  for (let more = true; more; ) {
    ({ more } = await store.sweep({ now: clock.now(), keepEnded: hour, keepEvents: hour, batch: 500 }));
  }
  const [kept] = (await store.readEvents({ after: 0, limit: 1 })).events;
  assert.ok(kept!.sequence > first + 1, 'some were forgotten');
  const trimmed = follow(first);
  const gap = { kind: 'gap', after: first, before: kept!.sequence, reason: 'no_longer_kept' };
  assert.deepEqual((await trimmed.next()).value, gap);
  assert.equal(((await trimmed.next()).value as Event).sequence, kept!.sequence);
  assert.equal(((await follow(0).next()).value as Event).sequence, kept!.sequence, 'from the first that is kept');

  const lost = follow(last + 50);
  assert.deepEqual((await lost.next()).value, {
    kind: 'gap',
    after: last + 50,
    before: last + 1,
    reason: 'store_replaced',
  });
  let replacements = 0;
  const fence = Object.create(context.fence, { replacements: { get: () => replacements } });
  const replaced = follow(last, { ...context, fence });
  const next = replaced.next();
  await store.appendEvent({ ...failed, at: clock.now() });
  assert.equal(((await next).value as Event).sequence, last + 1);
  replacements = 1;
  assert.deepEqual((await replaced.next()).value, {
    kind: 'gap',
    after: last + 1,
    before: last + 2,
    reason: 'store_replaced',
  });
  // Told once, in the form of a message.
  const response = await fetch(`${server.url}/v1/events`, {
    headers: { authorization: `Bearer ${server.key}`, accept: 'text/event-stream', 'last-event-id': String(last + 50) },
    signal: stop.signal,
  });
  let told = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    told += chunk;
    if (told.includes('event: gap')) break;
  }
  assert.match(
    told,
    new RegExp(
      `id: ${last + 1}\nevent: gap\ndata: {"after":${last + 50},"before":${last + 2},"reason":"store_replaced"}\n\n`,
    ),
  );
});
