import assert from 'node:assert/strict';
import { day, limits } from '../../domain/limits.ts';
import type { AttemptOutcome } from '../contract.ts';
import { allOfUser, type Case, changeOf, group, hour, ids, logout, name, note, start, user } from './harness.ts';

export const limitCases: Case[] = [
  {
    name: '7.1.2: over the limit, the oldest session is replaced, with a log entry and an event',
    async run(fixture) {
      const limit = { max: 3, excess: 'replace' } as const;
      const [oldest, ...others] = await fixture.createMany(3);
      const fourth = fixture.plan({ at: start + 10 });
      const outcome = await fixture.tryCreate(fourth, { limit });
      assert.ok(outcome.kind === 'created');
      assert.deepEqual([outcome.replaced, outcome.sequence], [[oldest!.id], 1]);
      const seen = await fixture.view(oldest!.id, start + 10);
      assert.deepEqual([seen.status, seen.endReason, seen.endedBy], ['ended', 'replaced', 'policy']);
      for (const { id } of others) assert.equal((await fixture.view(id)).status, 'active');
      assert.deepEqual((await fixture.log()).map(changeOf), [{ sequence: 1, at: start + 10, sessionId: oldest!.id }]);
      assert.equal((await fixture.events()).filter(({ reason }) => reason === 'replaced').length, 1);
      const lower = await fixture.tryCreate(fixture.plan({ at: start + 20 }), { limit: { ...limit, max: 1 } });
      assert.ok(lower.kind === 'created' && lower.replaced.length === 3 && lower.sequence === 4);
      assert.equal(await fixture.store.countActive(start + 20), 1);
    },
  },
  {
    name: '7.1.2: over the limit, the new session can be refused instead, and nothing is written',
    async run(fixture) {
      const limit = { max: 2, excess: 'refuse' } as const;
      await fixture.createMany(2, { idle: hour });
      const third = fixture.plan({ at: start + 10, name: 'desk' });
      const events = await fixture.events();
      assert.deepEqual(await fixture.tryCreate(third, { limit }), { kind: 'too_many', active: 2 });
      assert.equal(await fixture.store.readSession(third.id), undefined);
      assert.equal(await fixture.store.readNamed(name('desk')), undefined);
      assert.deepEqual(await fixture.events(), events);
      // Sessions that have ended by deadline meanwhile do not count.
      const later = fixture.plan({ at: start + 2 * hour });
      assert.equal((await fixture.tryCreate(later, { limit })).kind, 'created');
    },
  },
  {
    name: 'of a user with very many sessions, not all change their groups at once, but one does; a limit ends all but a few',
    async run(fixture) {
      const { store } = fixture;
      const many = await fixture.createMany(limits.changedAtOnce + 1);
      const [first, last] = [many[0]!, many.at(-1)!];
      const change = {
        userId: user('ada'),
        change: { add: group('new'), remove: [] },
        by: 'policy',
        now: start,
      } as const;
      await assert.rejects(store.changeGroups(change), { code: 'too_many_to_change' });
      assert.deepEqual([await fixture.head(), await fixture.list({ accessGroup: group('new')[0] })], [0, []]);
      assert.deepEqual(await store.changeGroups({ ...change, only: last.id }), {
        kind: 'changed',
        updated: 1,
        sequence: 1,
      });
      const at = start + 2 * many.length;
      const refuse = { max: 2, excess: 'refuse' } as const;
      assert.equal((await fixture.tryCreate(fixture.plan({ at }), { limit: refuse })).kind, 'too_many');
      assert.equal(await fixture.head(), 1);
      const made = await fixture.tryCreate(fixture.plan({ at }), { limit: { max: 2, excess: 'replace' } });
      assert.ok(made.kind === 'created');
      assert.deepEqual(made.replaced.toSorted(), ids(many.slice(0, -1)).toSorted());
      assert.equal(made.sequence, await fixture.head());
      assert.equal((await fixture.view(first.id, at)).endReason, 'replaced');
      assert.deepEqual(ids(await fixture.list({ userId: user('ada'), status: 'active' }, at)), [
        made.session.id,
        last.id,
      ]);
      assert.deepEqual(await store.changeGroups({ ...change, now: at }), {
        kind: 'changed',
        updated: 1,
        sequence: made.sequence! + 1,
      });
    },
  },
  {
    name: 'concurrent creations never exceed the limit',
    async run(fixture) {
      const limit = { max: 3, excess: 'refuse' } as const;
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, () => fixture.tryCreate(fixture.plan(), { limit })),
      );
      assert.equal(outcomes.filter(({ kind }) => kind === 'created').length, 3);
      assert.equal(await fixture.store.countActive(start), 3);
      const replace = { max: 3, excess: 'replace' } as const;
      const again = Array.from({ length: 12 }, (_, i) => fixture.plan({ at: start + 1 + i }));
      await Promise.all(again.map((plan) => fixture.tryCreate(plan, { limit: replace })));
      assert.equal(await fixture.store.countActive(start + 20), 3);
    },
  },
  {
    name: 'a name is held by one live session, and is free again once that has ended, however it ended',
    async run(fixture) {
      const taken = async (now: number) => (await fixture.tryCreate(fixture.plan({ name: 'desk', at: now }), {})).kind;
      const first = await fixture.create({ name: 'desk', idle: hour });
      assert.equal(await taken(start + 1), 'name_taken');
      assert.equal((await fixture.store.readNamedSession(name('desk')))?.stored.id, first.id);
      await fixture.store.endSession(first.id, logout(start + 2));
      const second = await fixture.create({ name: 'desk', at: start + 3, idle: hour });
      assert.equal((await fixture.store.readNamedSession(name('desk')))?.stored.id, second.id);
      // The second session has ended by its deadline, and nobody has recorded that yet.
      const third = await fixture.create({ name: 'desk', at: start + 3 + hour });
      assert.equal(await taken(start + 4 + hour), 'name_taken');
      // The third one ends by an epoch.
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + 5 + hour));
      const fourth = await fixture.create({ name: 'desk', at: start + 6 + hour });
      // Recording the ends of earlier sessions late does not take the name from the current one.
      await fixture.sweep(start + 7 + hour);
      await fixture.store.endSession(third.id, logout(start + 7 + hour));
      assert.equal((await fixture.store.readNamedSession(name('desk')))?.stored.id, fourth.id);
      assert.equal(await taken(start + 8 + hour), 'name_taken');
    },
  },
  {
    name: 'of concurrent creations with one name, one succeeds',
    async run(fixture) {
      const plans = Array.from({ length: 10 }, (_, i) => fixture.plan({ name: 'desk', userId: `user ${i}` }));
      const kinds = (await Promise.all(plans.map((plan) => fixture.tryCreate(plan)))).map(({ kind }) => kind);
      assert.deepEqual(kinds.sort(), ['created', ...Array(9).fill('name_taken')]);
      assert.equal((await fixture.list()).length, 1);
    },
  },
  {
    name: 'a slot outlives its sessions; one that a creation made is removed with its session',
    async run(fixture) {
      const slot = fixture.slot('kept');
      assert.equal(await fixture.store.createNamed(slot, note('named_session.created')), 'created');
      assert.equal(await fixture.store.createNamed(slot, note('named_session.created')), 'exists');
      assert.deepEqual(await fixture.store.readNamed(slot.name), slot);
      for (const text of ['kept', 'passing']) {
        const { id } = await fixture.create({ name: text });
        assert.equal((await fixture.store.readNamed(name(text)))?.sessionId, id);
        await fixture.store.endSession(id, logout());
      }
      assert.ok(await fixture.store.readNamed(name('kept')));
      assert.equal(await fixture.store.readNamed(name('passing')), undefined);
      assert.equal(await fixture.store.readNamedSession(name('passing')), undefined);
    },
  },
  {
    name: 'a slot is removed only as its reader has seen it, and never under a session that has not ended; again is no error',
    async run(fixture) {
      const { store } = fixture;
      const desk = name('desk');
      const remove = (version: number, at = start) =>
        store.removeNamed(desk, version, note('named_session.deleted', at));
      const versionOf = async () => (await store.readNamed(desk))!.version;
      await store.createNamed(fixture.slot('desk'), note('named_session.created'));
      const first = await versionOf();
      const change = { name: desk, version: first, set: { started: true }, now: start, event: undefined };
      assert.equal(typeof (await store.changeNamed(change)), 'object');
      assert.equal(await remove(first), 'conflict');
      const { id } = await fixture.create({ name: 'desk', idle: hour });
      assert.equal(await remove(await versionOf()), 'conflict');
      assert.equal((await store.readNamedSession(desk))?.stored.id, id);
      await store.endSession(id, logout());
      const again = await fixture.create({ name: 'desk', idle: hour });
      const events = (await fixture.events()).length;
      // Its deadline has passed by then, although nobody has recorded that.
      assert.equal(await remove(await versionOf(), again.createdAt + hour), 'removed');
      assert.equal(await store.readNamed(desk), undefined);
      assert.equal(await remove(1), 'removed');
      const told = (await fixture.events()).slice(events).map(({ type }) => type);
      assert.deepEqual(told, ['named_session.deleted']);
      assert.deepEqual(
        await fixture.tryCreate(fixture.plan({ name: 'desk', at: start + hour })).then(({ kind }) => kind),
        'created',
      );
    },
  },
  {
    name: 'a stopped slot refuses sessions; a change of a slot is compare-and-set and keeps it',
    async run(fixture) {
      await fixture.create({ name: 'passing' });
      const read = await fixture.store.readNamed(name('passing'));
      assert.ok(read && !read.kept && read.started);
      const change = {
        name: read.name,
        version: read.version,
        set: { config: { a: 1 } },
        now: start,
        event: undefined,
      };
      const changed = await fixture.store.changeNamed(change);
      assert.ok(typeof changed === 'object' && changed.kept && changed.version > read.version);
      assert.deepEqual(changed.config, { a: 1 });
      assert.equal(await fixture.store.changeNamed(change), 'conflict');
      const stopped = await fixture.store.changeNamed({ ...change, version: changed.version, set: { started: false } });
      assert.ok(typeof stopped === 'object' && !stopped.started);
      await fixture.store.endSession(stopped.sessionId!, logout());
      assert.deepEqual(await fixture.tryCreate(fixture.plan({ name: 'passing' })), { kind: 'name_stopped' });
      assert.equal(await fixture.store.changeNamed({ ...change, name: name('nobody') }), 'not_found');
    },
  },
  {
    name: 'slots are listed by name, page by page',
    async run(fixture) {
      for (const text of ['delta', 'alpha', 'charlie', 'bravo']) {
        await fixture.store.createNamed(fixture.slot(text), note('named_session.created'));
      }
      const first = await fixture.store.listNamed({ limit: 3 });
      assert.deepEqual(
        first.slots.map((slot) => slot.name),
        ['alpha', 'bravo', 'charlie'],
      );
      const second = await fixture.store.listNamed({ limit: 3, after: first.next });
      assert.deepEqual(
        second.slots.map((slot) => slot.name),
        ['delta'],
      );
      assert.equal(second.next, undefined);
    },
  },
  {
    name: 'as many attempts as the rule allows in its window, counted in one step for all',
    async run(fixture) {
      const rule = { max: 5, window: hour };
      const take = async (now: number, bucket = 'login:ada') =>
        counted(await fixture.store.takeAttempt(bucket, rule, now));
      const race = await Promise.all(Array.from({ length: 20 }, () => take(start)));
      assert.equal(race.filter(({ allowed }) => allowed).length, 5);
      assert.equal((await take(start, 'login:bob')).remaining, 4);
      assert.deepEqual(await take(start + hour - 1), { allowed: false, remaining: 0, resetAt: start + hour });
      assert.deepEqual(await take(start + hour), { allowed: true, remaining: 4, resetAt: start + 2 * hour });
      await fixture.store.clearAttempts('login:ada');
      assert.equal((await take(start + day)).remaining, 4);
    },
  },
  {
    name: 'N4.6: a flood of buckets of attempts evicts none, and they survive reopening the store',
    async run(fixture) {
      const rule = { max: 2, window: hour };
      const take = async (bucket: string, now = start) => counted(await fixture.store.takeAttempt(bucket, rule, now));
      await Promise.all([take('kept'), take('kept'), take('cleared')]);
      await fixture.store.clearAttempts('cleared');
      for (let i = 0; i < 20; i++) {
        await Promise.all(Array.from({ length: fixture.opened.reopen ? 200 : 5 }, (_, j) => take(`flood ${i} ${j}`)));
      }
      await fixture.sweep(start + hour - 1);
      if (fixture.opened.reopen) await fixture.reopen();
      assert.deepEqual(await take('kept', start + hour - 1), { allowed: false, remaining: 0, resetAt: start + hour });
      assert.equal((await take('cleared')).remaining, 1);
      assert.equal((await take('flood 7 3')).remaining, 0);
    },
  },
  {
    name: 'the sweep counts no session twice after a limit replaced one',
    async run(fixture) {
      const limit = { max: 1, excess: 'replace' } as const;
      await fixture.create();
      await fixture.create({ at: start + 1 }, { limit });
      await fixture.sweep(start + 2);
      assert.equal(await fixture.store.countActive(start + 2), 1);
      assert.equal(ids(await fixture.list({ status: 'active' }, start + 2)).length, 1);
    },
  },
];

/** The part of an attempt's outcome that every store gives; only stores that nodes share count open attempts. */
const counted = ({ allowed, remaining, resetAt }: AttemptOutcome) => ({ allowed, remaining, resetAt });
