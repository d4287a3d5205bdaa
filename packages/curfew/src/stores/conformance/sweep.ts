import assert from 'node:assert/strict';
import { day, limits, minute } from '../../domain/limits.ts';
import {
  allOfUser,
  type Case,
  everyone,
  forever,
  hour,
  ids,
  logout,
  name,
  positionOf,
  start,
  user,
} from './harness.ts';

export const sweepCases: Case[] = [
  {
    name: 'the sweep writes down ends by deadline, with log entry and event',
    async run(world) {
      const [idle] = await world.createMany(3, { idle: hour });
      const expired = await world.create({ idle: day, absolute: day });
      const alive = await world.create();
      const events = (await world.events()).length;
      await world.sweep(start + day);
      const log = await world.log();
      assert.equal(log.length, 4);
      const seen = await world.snapshot(idle!.id);
      assert.deepEqual([seen.stored.end?.reason, seen.stored.end?.at], ['idle', start + hour]);
      assert.ok(log.some((entry) => entry.sequence === seen.stored.end?.sequence));
      assert.equal((await world.snapshot(expired.id)).stored.end?.reason, 'expired');
      assert.equal((await world.snapshot(alive.id)).stored.end, undefined);
      assert.deepEqual(
        (await world.events()).slice(events).map(({ type, by }) => `${type} ${by}`),
        Array(4).fill('session.ended policy'),
      );
      assert.equal(await world.store.countActive(start + day), 1);
    },
  },
  {
    name: 'the sweep writes down ends by epoch as they were, without entries of their own',
    async run(world) {
      const mine = await world.createMany(12, { userId: 'ada' });
      const theirs = await world.createMany(12, { userId: 'bob' });
      await world.store.endSessionsOfUser(user('ada'), allOfUser(start + 20));
      await world.store.endEveryone(everyone(start + 30));
      const later = await world.create({ userId: 'ada', at: start + 40 });
      const [log, events] = [await world.log(), await world.events()];
      const before = await world.list({}, start + 50);
      await world.sweep(start + 50, forever, 5);
      assert.deepEqual((await world.snapshot(mine[0]!.id)).stored.end, { ...allOfUser(start + 20), sequence: 1 });
      assert.deepEqual((await world.snapshot(theirs[0]!.id)).stored.end, { ...everyone(start + 30), sequence: 2 });
      assert.deepEqual(
        (await world.list({}, start + 50)).map(({ version: _, ...session }) => session),
        before.map(({ version: _, ...session }) => session),
      );
      assert.deepEqual(await world.log(), log);
      assert.deepEqual(await world.events(), events);
      assert.equal((await world.view(later.id, start + 50)).status, 'active');
      assert.equal(await world.store.countActive(start + 50), 1);
    },
  },
  {
    name: 'however much is due at once, a count is that of the active ones and of some that nobody has written down yet',
    async run(world) {
      const more = 50;
      await world.createMany(limits.dueCounted + more, { userId: 'ada', idle: hour });
      await world.createMany(20, { userId: 'bob', idle: hour });
      const alive = await world.create({ userId: 'bob', idle: day, at: start + 1 });
      // Placed in the indexes, where there are such.
      await world.sweep(start + minute);
      const now = start + 2 * hour;
      const counted = await world.store.countActive(now);
      assert.ok(counted >= 1 && counted <= 1 + more + 20, String(counted));
      assert.equal(await world.store.countActive(now, user('bob')), 1);
      const active = await world.list({ userId: user('bob'), status: 'active' }, now);
      assert.deepEqual(
        active.map(({ id }) => id),
        [alive.id],
      );
      const ended = await world.store.listSessions({ filter: { status: 'ended' }, limit: 10, now, budget: 10_000 });
      assert.equal(ended.sessions.length, 10);
      await world.sweep(now);
      assert.equal(await world.store.countActive(now), 1);
    },
  },
  {
    name: 'the sweep does not end what was active meanwhile',
    async run(world) {
      const { id } = await world.create({ idle: hour });
      for (let now = start; now <= start + day; now += 30 * minute) {
        await world.store.touchSessions([{ id, at: now }]);
        await world.sweep(now);
      }
      assert.equal((await world.view(id, start + day)).status, 'active');
      await world.sweep(start + day + hour);
      assert.equal((await world.view(id, start + day + hour)).endReason, 'idle');
    },
  },
  {
    name: 'a piece of work is bounded, and several sweeps at once do each thing once',
    async run(world) {
      await world.createMany(50, { idle: hour });
      const task = { now: start + day, keepEnded: forever, keepEvents: forever, batch: 10 };
      const first = await world.store.sweep(task);
      assert.ok(first.expired <= 10 && first.more);
      await Promise.all(Array.from({ length: 12 }, () => world.store.sweep(task)));
      await world.sweep(start + day);
      assert.equal(await world.head(), 50);
      assert.equal((await world.events()).filter(({ type }) => type === 'session.ended').length, 50);
    },
  },
  {
    name: 'R20: a tombstone keeps its sequence as long as it is kept, and the numbering of the log goes on when it is forgotten',
    async run(world) {
      const [one, two] = await world.createMany(2);
      await world.store.endSession(one!.id, logout(start));
      await world.store.endSession(two!.id, logout(start + 2 * hour));
      await world.sweep(start + 3 * hour, 2 * hour);
      assert.equal(await world.store.readSession(one!.id), undefined);
      assert.equal((await world.snapshot(two!.id)).stored.end?.sequence, 2);
      assert.deepEqual(ids(await world.list({}, start + 3 * hour)), [two!.id]);
      await world.sweep(start + 9 * hour, 2 * hour);
      assert.equal(await world.store.readSession(two!.id), undefined);
      assert.equal(await world.head(), 2);
      const three = await world.create({ at: start + 9 * hour });
      const outcome = await world.store.endSession(three.id, logout(start + 9 * hour));
      assert.ok(outcome.kind === 'ended' && outcome.end.sequence === 3);
    },
  },
  {
    name: 'R10: of the log entries that are too old the sweep keeps the newest: whoever has read that far can read on',
    async run(world) {
      const sessions = await world.createMany(32);
      for (const [i, { id }] of sessions.entries()) await world.store.endSession(id, logout(start + i * hour));
      const log = await world.log();
      // A piece of work that is smaller than what there is to forget, and ends anywhere.
      for (const [now, kept] of [
        [start + 2 * hour, 0],
        [start + 3 * hour, 1],
        [start + 19 * hour, 17],
        [start + 29 * hour, 27],
        [start + 90 * hour, 31],
      ] as const) {
        await world.sweep(now, 2 * hour, 3);
        assert.deepEqual(await world.log(), log.slice(kept), `${(now - start) / hour} hours later`);
        assert.deepEqual(positionOf(await world.store.logHead()), positionOf(log.at(-1)!));
      }
      const next = await world.logOne();
      assert.deepEqual(await world.store.readLog(32, 10), [log[31], next]);
    },
  },
  {
    name: 'spring-session 2230, spring-session 1843: when all is ended and forgotten, every count and index is as it was at first',
    async run(world) {
      const count = async () => (await world.opened.entries?.()) ?? 0;
      const empty = await count();
      for (let i = 0; i < 20; i++) {
        const groups = ['a', `g${i}`];
        await world.create({
          userId: `user ${i % 4}`,
          groups,
          ip: `10.0.0.${i}`,
          name: `n${i}`,
          idle: hour,
          at: start + i,
        });
      }
      const all = await world.list();
      await world.store.endSession(all[0]!.id, logout(start + 50));
      await world.store.endSessionsOfUser(user('user 1'), allOfUser(start + 60));
      await world.store.endSessionsOfUser(user('user 2'), allOfUser(start + 61), {
        except: all.find((s) => s.userId === 'user 2')!.id,
      });
      const suspended = all.find((session) => session.userId === 'user 3')!;
      await world.store.changeSession({
        id: suspended.id,
        version: 1,
        set: { suspended: true },
        logged: true,
        now: start + 62,
      });
      await world.store.endEveryone(everyone(start + 70));
      await world.create({ at: start + 80, groups: ['z'], name: 'last', idle: hour });
      await world.store.takeAttempt('login:ada', { max: 5, window: hour }, start);
      await world.sweep(start + 2 * hour, hour, 7);
      await world.sweep(start + 2 * day, hour, 7);
      assert.deepEqual(await world.list({}, start + 2 * day), []);
      assert.equal(await world.store.countActive(start + 2 * day), 0);
      assert.equal(await world.store.readNamed(name('last')), undefined);
      assert.deepEqual((await world.store.listNamed({ limit: 100 })).slots, []);
      // The newest entry of the log stays for good: it tells this log from another.
      assert.equal((await world.log()).length, 1);
      assert.equal(await count(), world.opened.entries ? empty + 1 : 0);
    },
  },
  {
    name: 'events are kept as long as they are asked to be',
    async run(world) {
      await world.create({ idle: 30 * day });
      await world.create({ idle: 30 * day, at: start + day });
      const task = { now: start + 2 * day, keepEnded: forever, keepEvents: 36 * hour, batch: 100 };
      await world.store.sweep(task);
      assert.deepEqual(
        (await world.store.readEvents({ after: 0, limit: 10 })).events.map(({ sequence }) => sequence),
        [2],
      );
      await world.store.sweep({ ...task, now: start + 9 * day });
      await world.create({ at: start + 9 * day });
      const { events } = await world.store.readEvents({ after: 0, limit: 10 });
      assert.deepEqual(
        events.map(({ sequence }) => sequence),
        [3],
      );
    },
  },
];
