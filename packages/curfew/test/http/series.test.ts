import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventCounts } from '../../src/authority/event-series.ts';
import { hour, minute } from '../../src/domain/limits.ts';
import type { EventQuery, Store } from '../../src/stores/contract.ts';
import { manualClock } from '../support/ports.ts';
import { type Json, TestServer } from '../support/server.ts';

const noon = Date.UTC(2026, 5, 1, 12);

test('sign-ins, ends and refused sign-ins are counted by the interval, with what is active now', async (t) => {
  const clock = manualClock(noon - 3 * hour);
  const server = await TestServer.start({}, clock);
  t.after(() => server.close());
  const series = async (query = ''): Promise<Json> => (await server.call('GET', `/v1/events/series${query}`)).body;
  const opened = [
    await server.createSession('ada'),
    await server.createSession('ada'),
    await server.createSession('bob'),
  ];
  await server.login('admin', 'wrong');
  clock.set(noon - 2 * hour + 5 * minute);
  await server.call('DELETE', `/v1/sessions/${opened[2]!.session.id}`);
  await server.call('DELETE', '/v1/users/ada/sessions');
  clock.set(noon - hour + minute);
  for (const userId of ['a', 'b', 'c']) await server.createSession(userId);
  await server.call('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' });
  clock.set(noon);
  await server.createSession('late');
  const { intervals, partial, active, since, until } = await series('?hours=3&interval=3600');
  assert.deepEqual([partial, active, since, until], [false, 1, '2026-06-01T09:00:00.000Z', '2026-06-01T12:00:00.000Z']);
  const row = ({ opened: o, ended, refused, exact }: Json) => [o, ended, refused, exact];
  assert.deepEqual(intervals.map(row), [
    [3, 0, 1, true],
    [0, 3, 0, true],
    [3, 3, 0, true],
    [1, 0, 0, true],
  ]);
  const fine = await series('?hours=2&interval=300');
  assert.equal(fine.intervals.length, 25);
  assert.deepEqual(row(fine.intervals[1]), [0, 3, 0, true], '5 minutes past ten');
  assert.equal((await series()).intervals.length, 25);
  // What happens later is added to what was counted.
  await server.createSession('later');
  assert.deepEqual(row((await series('?hours=1')).intervals.at(-1)), [2, 0, 0, true]);
  for (const wrong of ['?hours=0', '?hours=49', '?interval=7', '?hours=x', '?other=1']) {
    const { status } = await server.call('GET', `/v1/events/series${wrong}`);
    assert.equal(status, 400, wrong);
  }
});

test('a sign-in with a wrong code is a refused one, and one that is only asked for its code is not', async (t) => {
  const clock = manualClock(noon);
  const server = await TestServer.start({}, clock);
  t.after(() => server.close());
  const { id } = await server.createAccount('ada');
  const authenticator = await server.enrol(id);
  const refused = async () => (await server.call('GET', '/v1/events/series?hours=1')).body.intervals.at(-1).refused;
  assert.equal((await server.login('ada', 'ada password')).body.code, 'second_factor_required');
  assert.equal((await server.login('ada', 'ada password', authenticator.next())).status, 200);
  assert.equal(await refused(), 0);
  assert.equal((await server.login('ada', 'ada password', authenticator.wrong())).body.code, 'second_factor_invalid');
  assert.equal(await refused(), 1);
  // Both are in the audit trail, and so is the wrong code.
  const { events } = (await server.call('GET', '/v1/events?types=login.failed,second_factor.failed')).body;
  assert.deepEqual(
    events.map(({ type, details }: Json) => details?.factor ?? type),
    ['wrong', 'second_factor.failed', 'missing'],
  );
});

test('an end by a deadline that is recorded late counts at its deadline', async (t) => {
  const clock = manualClock(noon - 3 * hour);
  const server = await TestServer.start({}, clock);
  t.after(() => server.close());
  await server.createSession('ada', { lifetime: 60 });
  clock.set(noon);
  await server.running.opened.upkeep.sweep();
  const { intervals } = (await server.call('GET', '/v1/events/series?hours=3')).body;
  assert.deepEqual(
    intervals.map(({ ended }: Json) => ended),
    [1, 0, 0, 0],
  );
});

test('a count that ran out of time says which intervals are exact, and continues when asked again', async (t) => {
  const clock = manualClock(noon - 5 * hour);
  const server = await TestServer.start({}, clock);
  t.after(() => server.close());
  const { store } = server.context;
  for (let back = 5; back > 0; back--) {
    const at = noon - back * hour;
    await Promise.all(Array.from({ length: 700 }, () => store.appendEvent({ type: 'login.failed', at, by: 'policy' })));
  }
  // Recorded late, so their times do not show how far the count has come.
  const late = { type: 'session.ended', at: noon - 30 * hour, by: 'policy', reason: 'idle' } as const;
  await Promise.all(Array.from({ length: 1200 }, () => store.appendEvent(late)));
  const reads: EventQuery[] = [];
  const counted = new EventCounts({
    readEvents(query) {
      reads.push(query);
      return store.readEvents(query);
    },
  } as Store);
  const since = noon - 5 * hour;
  const froms: number[] = [];
  // The time that it may take is over after one read.
  for (let more = true; more; ) {
    const from = await counted.upTo(since, noon, 0.001);
    froms.push(from);
    for (let at = noon - 5 * hour; at < noon; at += hour) {
      if (at >= from) assert.equal(counted.between(at, at + hour).refused, 700, `since ${from}`);
    }
    more = from > since;
  }
  assert.ok(froms.length > 2, `${froms}`);
  assert.deepEqual(
    froms,
    [...froms].sort((a, b) => b - a),
    'it goes back further each time',
  );
  reads.length = 0;
  await counted.upTo(since, noon);
  assert.deepEqual([reads.length, reads[0]!.after !== undefined], [1, true], 'what was counted is not read again');
});

test('after a failover that lost events, they are counted anew', async (t) => {
  const server = await TestServer.start({}, manualClock(noon));
  t.after(() => server.close());
  const { store } = server.context;
  let lost = 0;
  const counted = new EventCounts({
    async readEvents(query) {
      const page = await store.readEvents(query);
      return { ...page, events: page.events.map((event) => ({ ...event, at: event.at + lost })) };
    },
  } as Store);
  await server.createSession('ada');
  await counted.upTo(noon - hour, noon);
  assert.equal(counted.between(noon, noon + minute).opened, 1);
  // Another history: the events of these numbers happened at other times.
  lost = minute;
  await counted.upTo(noon - hour, noon);
  assert.equal(counted.between(noon, noon + minute).opened, 0);
  assert.equal(counted.between(noon + minute, noon + 2 * minute).opened, 1);
});
