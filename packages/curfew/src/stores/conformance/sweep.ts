import assert from 'node:assert/strict';
import type { SessionId } from '../../domain/brand.ts';
import { day, limits, minute } from '../../domain/limits.ts';
import type { StoredSession } from '../../domain/session.ts';
import {
  allOfUser,
  type Case,
  everyone,
  forever,
  hour,
  ids,
  logout,
  name,
  newAlias,
  note,
  positionOf,
  start,
  user,
} from './harness.ts';

export const sweepCases: Case[] = [
  {
    name: 'the sweep records ends by deadline, with a log entry and an event',
    async run(fixture) {
      const [idle] = await fixture.createMany(3, { idle: hour });
      const expired = await fixture.create({ idle: day, absolute: day });
      const alive = await fixture.create();
      const events = (await fixture.events()).length;
      await fixture.sweep(start + day);
      const log = await fixture.log();
      assert.equal(log.length, 4);
      const seen = await fixture.snapshot(idle!.id);
      assert.deepEqual([seen.stored.end?.reason, seen.stored.end?.at], ['idle', start + hour]);
      assert.ok(log.some((entry) => entry.sequence === seen.stored.end?.sequence));
      assert.equal((await fixture.snapshot(expired.id)).stored.end?.reason, 'expired');
      assert.equal((await fixture.snapshot(alive.id)).stored.end, undefined);
      assert.deepEqual(
        (await fixture.events()).slice(events).map(({ type, by }) => `${type} ${by}`),
        Array(4).fill('session.ended policy'),
      );
      assert.equal(await fixture.store.countActive(start + day), 1);
    },
  },
  {
    name: 'the sweep records ends by epoch as they were, without entries of their own',
    async run(fixture) {
      const mine = await fixture.createMany(12, { userId: 'ada' });
      const theirs = await fixture.createMany(12, { userId: 'bob' });
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + 20));
      await fixture.store.endEveryone(everyone(start + 30));
      const later = await fixture.create({ userId: 'ada', at: start + 40 });
      const [log, events] = [await fixture.log(), await fixture.events()];
      const before = await fixture.list({}, start + 50);
      await fixture.sweep(start + 50, forever, 5);
      assert.deepEqual((await fixture.snapshot(mine[0]!.id)).stored.end, { ...allOfUser(start + 20), sequence: 1 });
      assert.deepEqual((await fixture.snapshot(theirs[0]!.id)).stored.end, { ...everyone(start + 30), sequence: 2 });
      assert.deepEqual(
        (await fixture.list({}, start + 50)).map(({ version: _, ...session }) => session),
        before.map(({ version: _, ...session }) => session),
      );
      assert.deepEqual(await fixture.log(), log);
      assert.deepEqual(await fixture.events(), events);
      assert.equal((await fixture.view(later.id, start + 50)).status, 'active');
      assert.equal(await fixture.store.countActive(start + 50), 1);
    },
  },
  {
    name: 'however many sessions are due, a count exceeds the active ones only by some that no sweep has recorded yet',
    async run(fixture) {
      const more = 50;
      await fixture.createMany(limits.dueCounted + more, { userId: 'ada', idle: hour });
      await fixture.createMany(20, { userId: 'bob', idle: hour });
      const alive = await fixture.create({ userId: 'bob', idle: day, at: start + 1 });
      // This sweep enters the sessions in the indexes, if the store has any.
      await fixture.sweep(start + minute);
      const now = start + 2 * hour;
      const counted = await fixture.store.countActive(now);
      assert.ok(counted >= 1 && counted <= 1 + more + 20, String(counted));
      assert.equal(await fixture.store.countActive(now, user('bob')), 1);
      const active = await fixture.list({ userId: user('bob'), status: 'active' }, now);
      assert.deepEqual(
        active.map(({ id }) => id),
        [alive.id],
      );
      const ended = await fixture.store.listSessions({ filter: { status: 'ended' }, limit: 10, now, budget: 10_000 });
      assert.equal(ended.sessions.length, 10);
      await fixture.sweep(now);
      assert.equal(await fixture.store.countActive(now), 1);
    },
  },
  {
    name: 'the sweep does not end a session that was active meanwhile',
    async run(fixture) {
      const { id } = await fixture.create({ idle: hour });
      for (let now = start; now <= start + day; now += 30 * minute) {
        await fixture.store.touchSessions([{ id, at: now }]);
        await fixture.sweep(now);
      }
      assert.equal((await fixture.view(id, start + day)).status, 'active');
      await fixture.sweep(start + day + hour);
      assert.equal((await fixture.view(id, start + day + hour)).endReason, 'idle');
    },
  },
  {
    name: 'the sweep does not end a session as idle whose latest use is known and not written yet, but all others',
    async run(fixture) {
      const [used, unused] = await fixture.createMany(2, { idle: hour });
      const now = start + hour + minute;
      const lastSeen = ({ id, lastSeenAt }: StoredSession) => (id === used!.id ? start + minute + 1 : lastSeenAt);
      const task = { now, keepEnded: forever, keepEvents: forever, batch: 100, lastSeen };
      while ((await fixture.store.sweep(task)).more);
      assert.equal((await fixture.snapshot(used!.id)).stored.end, undefined);
      assert.equal((await fixture.snapshot(unused!.id)).stored.end?.reason, 'idle');
      await fixture.sweep(now + hour);
      assert.equal((await fixture.snapshot(used!.id)).stored.end?.reason, 'idle');
    },
  },
  {
    name: 'one sweep does bounded work, and concurrent sweeps do everything once',
    async run(fixture) {
      await fixture.createMany(50, { idle: hour });
      const task = { now: start + day, keepEnded: forever, keepEvents: forever, batch: 10 };
      const first = await fixture.store.sweep(task);
      assert.ok(first.expired <= 10 && first.more);
      await Promise.all(Array.from({ length: 12 }, () => fixture.store.sweep(task)));
      await fixture.sweep(start + day);
      assert.equal(await fixture.head(), 50);
      assert.equal((await fixture.events()).filter(({ type }) => type === 'session.ended').length, 50);
    },
  },
  {
    name: 'R20: a tombstone keeps its sequence as long as it is kept, and the log continues its numbering after that',
    async run(fixture) {
      const [one, two] = await fixture.createMany(2);
      await fixture.store.endSession(one!.id, logout(start));
      await fixture.store.endSession(two!.id, logout(start + 2 * hour));
      await fixture.sweep(start + 3 * hour, 2 * hour);
      assert.equal(await fixture.store.readSession(one!.id), undefined);
      assert.equal((await fixture.snapshot(two!.id)).stored.end?.sequence, 2);
      assert.deepEqual(ids(await fixture.list({}, start + 3 * hour)), [two!.id]);
      await fixture.sweep(start + 9 * hour, 2 * hour);
      assert.equal(await fixture.store.readSession(two!.id), undefined);
      assert.equal(await fixture.head(), 2);
      const three = await fixture.create({ at: start + 9 * hour });
      const outcome = await fixture.store.endSession(three.id, logout(start + 9 * hour));
      assert.ok(outcome.kind === 'ended' && outcome.end.sequence === 3);
    },
  },
  {
    name: 'a tombstone is kept from the time at which its end was recorded, however late the sweep comes',
    async run(fixture) {
      const isThere = async (id: SessionId) => (await fixture.store.readSession(id)) !== undefined;
      const [early, changed, late, behind] = await Promise.all(
        ['ada', 'ada', 'bob', 'cyd'].map((userId) => fixture.create({ userId, idle: hour })),
      );
      await fixture.store.endSession(early!.id, logout(start));
      await fixture.store.touchSessions([{ id: changed!.id, at: start + hour - 1 }]);
      const suspension = { id: changed!.id, version: 1, set: { suspended: true }, logged: true };
      await fixture.store.changeSession({ ...suspension, now: start });
      await fixture.store.endSession(changed!.id, logout(start + 1.5 * hour));
      await fixture.store.endSessionsOfUser(user('cyd'), allOfUser(start));
      // An end by deadline, recorded two hours later; the other one is recorded by the sweep.
      await fixture.store.endSession(late!.id, logout(start + 3 * hour));
      await fixture.sweep(start + 3 * hour, 2 * hour);
      const kept = async () => Promise.all([early!, changed!, late!, behind!].map(({ id }) => isThere(id)));
      assert.deepEqual(await kept(), [false, true, true, true]);
      await fixture.sweep(start + 3.5 * hour, 2 * hour);
      assert.deepEqual(await kept(), [false, false, true, true]);
      await fixture.sweep(start + 5 * hour - 1, 2 * hour);
      assert.deepEqual(await kept(), [false, false, true, true]);
      await fixture.sweep(start + 5 * hour, 2 * hour);
      assert.deepEqual(await kept(), [false, false, false, false]);
    },
  },
  {
    name: 'a sweep has finished only when every end is recorded, however the kinds of ends follow each other',
    async run(fixture) {
      const all = [];
      for (const idle of [hour, hour, day, hour, day]) all.push(await fixture.create({ idle, at: start + all.length }));
      await fixture.store.endEveryone(everyone(start + 2 * hour));
      await fixture.sweep(start + 2 * hour, forever, 2);
      const reasons = await Promise.all(all.map(async ({ id }) => (await fixture.snapshot(id)).stored.end?.reason));
      assert.deepEqual(reasons, ['idle', 'idle', 'everyone', 'idle', 'everyone']);
      // Those that were idle had been counted off by the epoch.
      await fixture.create({ at: start + 2 * hour });
      assert.equal(await fixture.store.countActive(start + 2 * hour), 1);
    },
  },
  {
    name: 'a sweep has finished only when every end is recorded, however the users of the sessions follow each other',
    async run(fixture) {
      const users = ['ada', 'bob', 'cyd'];
      const all = [];
      for (const userId of users) all.push(await fixture.create({ userId, idle: hour }));
      for (const userId of users.slice(1)) all.push(await fixture.create({ userId, idle: day }));
      for (const userId of users) await fixture.store.endSessionsOfUser(user(userId), allOfUser(start + 2 * hour));
      await fixture.sweep(start + 2 * hour, forever, 4);
      const reasons = await Promise.all(all.map(async ({ id }) => (await fixture.snapshot(id)).stored.end?.reason));
      assert.deepEqual(reasons, ['idle', 'idle', 'idle', 'all_of_user', 'all_of_user']);
    },
  },
  {
    name: 'a sweep has finished only when every end is recorded, even if a single user has all the sessions that ended',
    async run(fixture) {
      const all = await fixture.createMany(12, { userId: 'ada' });
      const others = await fixture.createMany(12, { userId: 'bob' });
      // Then nothing else is left to do.
      await fixture.sweep(start + hour);
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + hour));
      await fixture.sweep(start + hour, forever, 5);
      const reasons = async (sessions: readonly { id: SessionId }[]) =>
        Promise.all(sessions.map(async ({ id }) => (await fixture.snapshot(id)).stored.end?.reason));
      assert.deepEqual(await reasons(all), Array(12).fill('all_of_user'));
      await fixture.store.endEveryone(everyone(start + hour));
      await fixture.sweep(start + hour, forever, 5);
      assert.deepEqual(await reasons(others), Array(12).fill('everyone'));
    },
  },
  {
    name: 'an end of everyone during the sweep of an earlier one is recorded with every session, in whatever order they are',
    async run(fixture) {
      const first = await fixture.createMany(30, { at: start + hour });
      await fixture.store.endEveryone(everyone(start + 2 * hour));
      const task = { now: start + 2 * hour, keepEnded: forever, keepEvents: forever, batch: 5 };
      for (let recorded = 0; recorded < 10; ) recorded += (await fixture.store.sweep(task)).endsWritten;
      // Their ids come before those that the sweep has come to.
      const second = await fixture.createMany(10, { at: start });
      await fixture.store.endEveryone({ ...everyone(start + 3 * hour), by: 'key:root' });
      await fixture.sweep(start + 3 * hour, forever, 5);
      const endedBy = async ({ id }: { id: SessionId }) => (await fixture.snapshot(id)).stored.end?.by;
      assert.deepEqual(await Promise.all(first.map(endedBy)), Array(30).fill('user:root'));
      assert.deepEqual(await Promise.all(second.map(endedBy)), Array(10).fill('key:root'));
    },
  },
  {
    name: 'a sweep reports how many ends by deadline and by epoch it recorded, each once',
    async run(fixture) {
      const [ended] = await fixture.createMany(3, { userId: 'ada', idle: hour });
      await fixture.createMany(2, { userId: 'bob', idle: hour });
      await fixture.store.endSession(ended!.id, logout(start + 9));
      await fixture.store.endSessionsOfUser(user('bob'), allOfUser(start + 9));
      const totals = { expired: 0, endsWritten: 0 };
      const task = { now: start + 2 * hour, keepEnded: forever, keepEvents: forever, batch: 100 };
      for (let more = true; more; ) {
        const outcome = await fixture.store.sweep(task);
        totals.expired += outcome.expired;
        totals.endsWritten += outcome.endsWritten;
        more = outcome.more;
      }
      assert.deepEqual(totals, { expired: 2, endsWritten: 2 });
    },
  },
  {
    name: 'R10: of the log entries that are too old the sweep keeps the newest, so that a reader there can continue',
    async run(fixture) {
      const sessions = await fixture.createMany(32);
      for (const [i, { id }] of sessions.entries()) await fixture.store.endSession(id, logout(start + i * hour));
      const log = await fixture.log();
      // The batch is smaller than the work, and ends at an arbitrary point of it.
      for (const [now, kept] of [
        [start + 2 * hour, 0],
        [start + 3 * hour, 1],
        [start + 19 * hour, 17],
        [start + 29 * hour, 27],
        [start + 90 * hour, 31],
      ] as const) {
        await fixture.sweep(now, 2 * hour, 3);
        assert.deepEqual(await fixture.log(), log.slice(kept), `${(now - start) / hour} hours later`);
        assert.deepEqual(positionOf(await fixture.store.logHead()), positionOf(log.at(-1)!));
      }
      const next = await fixture.logOne();
      assert.deepEqual(await fixture.store.readLog(32, 10), [log[31], next]);
    },
  },
  {
    name: 'spring-session 2230, spring-session 1843: when all sessions have ended and been deleted, every count and index is as at first',
    async run(fixture) {
      const count = async () => (await fixture.opened.entries?.()) ?? 0;
      const empty = await count();
      for (let i = 0; i < 20; i++) {
        const groups = ['a', `g${i}`];
        await fixture.create({
          userId: `user ${i % 4}`,
          groups,
          ip: `10.0.0.${i}`,
          name: `n${i}`,
          aliases: i % 2 === 0 ? [newAlias(), newAlias('django')] : [],
          idle: hour,
          at: start + i,
        });
      }
      const all = await fixture.list();
      await fixture.store.endSession(all[0]!.id, logout(start + 50));
      await fixture.store.endSessionsOfUser(user('user 1'), allOfUser(start + 60));
      await fixture.store.endSessionsOfUser(user('user 2'), allOfUser(start + 61), {
        except: all.find((s) => s.userId === 'user 2')!.id,
      });
      const suspended = all.find((session) => session.userId === 'user 3')!;
      await fixture.store.changeSession({
        id: suspended.id,
        version: 1,
        set: { suspended: true },
        logged: true,
        now: start + 62,
      });
      await fixture.store.endEveryone(everyone(start + 70));
      await fixture.create({ at: start + 80, groups: ['z'], name: 'last', idle: hour });
      await fixture.store.takeAttempt('login:ada', { max: 5, window: hour }, start);
      await fixture.sweep(start + 2 * hour, hour, 7);
      await fixture.sweep(start + 2 * day, hour, 7);
      assert.deepEqual(await fixture.list({}, start + 2 * day), []);
      assert.equal(await fixture.store.countActive(start + 2 * day), 0);
      assert.equal(await fixture.store.readNamed(name('last')), undefined);
      assert.deepEqual((await fixture.store.listNamed({ limit: 100 })).slots, []);
      // The newest entry of the log is always kept: it distinguishes this log from another.
      assert.equal((await fixture.log()).length, 1);
      assert.equal(await count(), fixture.opened.entries ? empty + 1 : 0);
    },
  },
  {
    name: 'events are deleted in the order of their sequences, up to the first that is not old enough',
    async run(fixture) {
      for (const at of [start, start + 2 * hour, start + hour]) {
        await fixture.store.appendEvent(note('login.failed', at));
      }
      const kept = async () => (await fixture.store.readEvents({ after: 0, limit: 10 })).events.map((e) => e.sequence);
      await fixture.sweep(start + 3 * hour, forever, 100, 2 * hour);
      assert.deepEqual(await kept(), [2, 3]);
      await fixture.sweep(start + 4 * hour, forever, 100, 2 * hour);
      assert.deepEqual(await kept(), []);
    },
  },
  {
    name: 'events are kept as long as requested',
    async run(fixture) {
      await fixture.create({ idle: 30 * day });
      await fixture.create({ idle: 30 * day, at: start + day });
      await fixture.sweep(start + 2 * day, forever, 100, 36 * hour);
      assert.deepEqual(
        (await fixture.store.readEvents({ after: 0, limit: 10 })).events.map(({ sequence }) => sequence),
        [2],
      );
      await fixture.sweep(start + 9 * day, forever, 100, 36 * hour);
      await fixture.create({ at: start + 9 * day });
      const { events } = await fixture.store.readEvents({ after: 0, limit: 10 });
      assert.deepEqual(
        events.map(({ sequence }) => sequence),
        [3],
      );
    },
  },
];
