import assert from 'node:assert/strict';
import type { SessionId } from '../../domain/brand.ts';
import type { FactorShown } from '../../domain/factor-shown.ts';
import { newId } from '../../domain/ids.ts';
import { day, limits, minute } from '../../domain/limits.ts';
import type { StoredSession } from '../../domain/session.ts';
import type { SessionChange } from '../contract.ts';
import {
  allOfUser,
  type Case,
  changeOf,
  everyone,
  group,
  hour,
  logout,
  newAlias,
  note,
  random,
  start,
  user,
} from './harness.ts';

/** What an application may keep with a session: JSON in one line. */
const data = (text: string) => JSON.stringify({ text });

const shown = (at: number): FactorShown => ({ at, area: 'any', network: '192.0.2.1' });

export const sessionCases: Case[] = [
  {
    name: 'a session reads back unchanged',
    async run(fixture) {
      const full = {
        ...fixture.plan({ userId: 'Ünï©ode/🦉', groups: ['a', 'ünï'], ip: '2001:db8::1', userAgent: 'curl/8.5.0' }),
        metadata: { text: 'ü"\\\u0001', list: [1, 2.5, null, true], deep: { a: {} } },
        factorShown: { at: start, area: 'sessions', network: '20010db800000000/64' } as const,
        openedWith: ['sessions.create', 'events.read'] as const,
        aliases: [newAlias('express'), { ...newAlias('django'), spentAt: start }],
        data: data('ü\\u0000"\\'),
      };
      const bare = fixture.plan();
      for (const session of [full, bare, { ...fixture.plan(), openedWith: [] }]) {
        assert.equal((await fixture.tryCreate(session)).kind, 'created');
        assert.deepEqual(await fixture.snapshot(session.id), { stored: session, epochEnd: undefined });
      }
    },
  },
  {
    name: 'the permissions of a session’s creator stay with it, whatever changes',
    async run(fixture) {
      const openedWith = ['sessions.create'] as const;
      const { id } = { ...fixture.plan() };
      await fixture.tryCreate({ ...fixture.plan(), id, openedWith });
      const now = start + minute;
      const stays = async () => assert.deepEqual((await fixture.snapshot(id)).stored.openedWith, openedWith);
      const set = { tokenHash: random(32), lastSeenAt: now, factorShown: shown(now) };
      const changed = await fixture.store.changeSession({ id, version: 1, set, logged: true, now });
      assert.ok(changed.kind === 'changed');
      assert.deepEqual(changed.session.openedWith, openedWith);
      await stays();
      await fixture.store.touchSessions([{ id, at: now + 1 }]);
      await stays();
      const groups = { add: group('a'), remove: [] };
      await fixture.store.changeGroups({ userId: user('ada'), change: groups, by: 'key:test', now });
      await stays();
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser(now + 2), { except: id });
      await stays();
      const { version } = (await fixture.snapshot(id)).stored;
      await fixture.store.changeSession({ id, version, set: { suspended: true }, logged: true, now });
      await stays();
      await fixture.store.endSession(id, logout(now + 3));
      await fixture.sweep(now + 4);
      await stays();
    },
  },
  {
    name: 'the data of a session changes only when it is told to, and is there until the session is deleted',
    async run(fixture) {
      const { store } = fixture;
      const { id } = await fixture.create({ groups: ['a'] });
      const now = start + minute;
      let kept: string | undefined;
      const stays = async () => assert.equal((await fixture.snapshot(id)).stored.data, kept);
      const change = async (set: SessionChange['set'], version?: number) => {
        const present = (await fixture.snapshot(id)).stored.version;
        return (await store.changeSession({ id, version: version ?? present, set, logged: true, now })).kind;
      };
      await stays();
      for (const text of [data('a'), 'x'.repeat(limits.dataBytes), '🦉'.repeat(limits.dataBytes / 4), '']) {
        assert.equal(await change({ data: text === '' ? undefined : text }), 'changed');
        kept = text || undefined;
        await stays();
      }
      kept = data('"\\u0000\\');
      assert.equal(await change({ data: kept }), 'changed');
      assert.equal(await change({ data: data('late') }, 1), 'conflict');
      await stays();
      await change({ suspended: true });
      await change({ suspended: false, tokenHash: random(32) });
      await stays();
      await store.touchSessions([{ id, at: now + 1 }]);
      await store.changeGroups({ userId: user('ada'), change: { add: group('b'), remove: [] }, by: 'key:test', now });
      await store.endSessionsOfUser(user('ada'), allOfUser(now + 2), { except: id });
      await stays();
      await store.endSession(id, logout(now + 3));
      assert.equal(await change({ data: data('late') }), 'ended');
      await stays();
      await fixture.sweep(now + 4);
      await stays();
      await fixture.sweep(now + 2 * day, hour);
      assert.equal(await store.readSession(id), undefined);
    },
  },
  {
    name: 'a session whose idle limit was raised lives for that long',
    async run(fixture) {
      const { store } = fixture;
      const { id } = await fixture.create({ idle: hour, name: 'desk' });
      const now = start + 50 * minute;
      const change = { id, version: 1, set: { idle: 3 * hour, lastSeenAt: now }, logged: true, now };
      assert.equal((await store.changeSession(change)).kind, 'changed');
      const until = now + 3 * hour;
      for (const at of [start + hour, start + 2 * hour, until - 1]) {
        await fixture.sweep(at);
        assert.equal(await store.countActive(at), 1);
        assert.deepEqual(
          [(await fixture.snapshot(id)).stored.end, await store.countActive(at, user('ada'))],
          [undefined, 1],
        );
      }
      assert.equal(await store.countActive(until), 0);
      await fixture.sweep(until);
      assert.equal((await fixture.snapshot(id)).stored.end?.reason, 'idle');
    },
  },
  {
    name: 'a session that does not exist is an answer, not an error',
    async run(fixture) {
      const id = newId('nobody', start, random) as SessionId;
      assert.equal(await fixture.store.readSession(id), undefined);
      assert.deepEqual(await fixture.store.endSession(id, logout()), { kind: 'not_found' });
      const change = { id, version: 1, set: { suspended: true }, logged: true, now: start };
      assert.deepEqual(await fixture.store.changeSession(change), { kind: 'not_found' });
      await fixture.store.touchSessions([{ id, at: start + 1 }]);
      assert.equal(await fixture.store.readSession(id), undefined, 'a touch created a session');
      assert.deepEqual(await fixture.list(), []);
      assert.equal(await fixture.store.countActive(start), 0);
      assert.equal(await fixture.head(), 0);
      assert.deepEqual((await fixture.log()).map(changeOf), []);
    },
  },
  {
    name: 'a creation that is repeated after its session has ended reports that end, with its number in the log',
    async run(fixture) {
      const session = fixture.plan({ userId: 'cyd' });
      // Other users' entries come before it.
      for (const other of ['ada', 'bob', 'eve']) await fixture.store.endSessionsOfUser(user(other), logout());
      await fixture.tryCreate(session);
      const ended = await fixture.store.endSession(session.id, logout());
      const again = await fixture.tryCreate(session);
      assert.deepEqual(again.kind === 'created' && again.session.end, ended.kind === 'ended' && ended.end);
    },
  },
  {
    name: 'a repeated creation happens once',
    async run(fixture) {
      const session = fixture.plan({ name: 'desk' });
      const first = await fixture.tryCreate(session);
      assert.deepEqual(await fixture.tryCreate(session), first);
      assert.equal((await fixture.list()).length, 1);
      assert.equal((await fixture.events()).length, 1);
      assert.equal(await fixture.store.countActive(start), 1);
    },
  },
  {
    name: 'a call that is made twice at the same moment happens once',
    async run(fixture) {
      const [plan, other] = [fixture.plan(), fixture.plan()];
      const made = await Promise.all([plan, other, plan].map((each) => fixture.tryCreate(each)));
      assert.deepEqual(
        made.map(({ kind }) => kind),
        ['created', 'created', 'created'],
      );
      assert.equal(await fixture.store.countActive(start, user('ada')), 2);
      assert.equal((await fixture.events()).length, 2);
      const ends = [plan, other, plan].map(({ id }) => fixture.store.endSession(id, logout()));
      const kinds = (await Promise.all(ends)).map(({ kind }) => kind);
      assert.deepEqual(kinds.sort(), ['already', 'ended', 'ended']);
      assert.deepEqual(
        (await fixture.log()).map(({ sequence }) => sequence),
        [1, 2],
      );
      assert.equal((await fixture.events()).length, 4);
      assert.equal(await fixture.store.countActive(start, user('ada')), 0);
      assert.equal(await fixture.store.countActive(start), 0);
    },
  },
  {
    name: 'concurrent calls each get their own answer',
    async run(fixture) {
      const { store } = fixture;
      await store.endSessionsOfUser(user('moved'), allOfUser());
      const there = await fixture.create({ userId: 'there' });
      const full = await fixture.create({ userId: 'full' });
      const created = await Promise.all([
        fixture.tryCreate(fixture.plan({ userId: 'plain' })),
        fixture.tryCreate(there),
        fixture.tryCreate(fixture.plan({ userId: 'moved' }), { epochs: { user: 0, everyone: 0 } }),
        fixture.tryCreate(fixture.plan({ userId: 'one', name: 'desk' })),
        fixture.tryCreate(fixture.plan({ userId: 'two', name: 'desk' })),
        fixture.tryCreate(fixture.plan({ userId: 'full' }), { limit: { max: 1, excess: 'refuse' } }),
        fixture.tryCreate(fixture.plan({ userId: 'full' }), { limit: { max: 1, excess: 'replace' } }),
        fixture.tryCreate(fixture.plan({ userId: 'moved' })),
      ]);
      assert.deepEqual(
        created.map(({ kind }) => kind),
        ['created', 'created', 'epoch_moved', 'created', 'name_taken', 'too_many', 'created', 'created'],
      );
      const sessions = created.flatMap((one) => (one.kind === 'created' ? [one.session] : []));
      const [plain, , named, newer, moved] = sessions as [StoredSession, ...StoredSession[]];
      assert.equal(moved!.epochs.user, 1);
      assert.equal(await store.countActive(start), 5);

      const unknown = fixture.plan({ userId: 'plain' });
      const ended = await Promise.all([
        store.endSession(plain.id, logout()),
        store.endSession(full.id, logout()),
        store.endSession(unknown.id, logout()),
        store.endSession(named!.id, logout(), { userId: named!.userId }),
        store.endSession(moved!.id, logout(), { userId: user('somebody else') }),
        store.endSession(newer!.id, logout(start + day)),
        store.endSession(there.id, { ...logout(), reason: 'ended_by_admin' }),
        store.endSession(there.id, logout()),
      ]);
      assert.deepEqual(
        ended.map(({ kind }) => kind),
        ['ended', 'already', 'not_found', 'ended', 'not_found', 'ended', 'ended', 'already'],
      );
      const ends = ended.flatMap((one) => (one.kind === 'not_found' ? [] : [one]));
      assert.deepEqual(
        ends.map(({ end }) => end.reason),
        ['logout', 'replaced', 'logout', 'logout', 'ended_by_admin', 'ended_by_admin'],
      );
      for (const { session, end } of ends) {
        assert.deepEqual((await fixture.snapshot(session.id)).stored, session);
        assert.deepEqual(session.end, end);
      }
      assert.equal((await fixture.view(moved!.id)).status, 'active');
      assert.equal(await store.countActive(start), 1);
      const log = await fixture.log();
      assert.deepEqual(
        log.map(({ sequence }) => sequence),
        [1, 2, 3, 4, 5, 6],
      );
    },
  },
  {
    name: 'ending a suspended session does not change the count of active ones',
    async run(fixture) {
      const [{ id, version }] = [await fixture.create(), await fixture.create()];
      await fixture.store.changeSession({ id, version, set: { suspended: true }, logged: true, now: start });
      assert.equal((await fixture.store.endSession(id, logout())).kind, 'ended');
      assert.equal(await fixture.store.countActive(start, user('ada')), 1);
      assert.equal(await fixture.store.countActive(start), 1);
    },
  },
  {
    name: 'a creation alters no verification, so it writes an event but no log entry',
    async run(fixture) {
      const outcome = await fixture.tryCreate(fixture.plan());
      assert.ok(outcome.kind === 'created' && outcome.sequence === undefined);
      assert.deepEqual((await fixture.log()).map(changeOf), []);
      assert.deepEqual(
        (await fixture.events()).map(({ type, by, userId }) => ({ type, by, userId })),
        [{ type: 'session.created', by: 'key:test', userId: 'ada' }],
      );
    },
  },
  {
    name: 'an end is recorded with its reason, its log entry and its event',
    async run(fixture) {
      const { id } = await fixture.create();
      const end = logout(start + 5);
      const outcome = await fixture.store.endSession(id, end);
      assert.ok(outcome.kind === 'ended');
      assert.deepEqual(outcome.end, { ...end, sequence: 1 });
      assert.deepEqual((await fixture.log()).map(changeOf), [{ sequence: 1, at: start + 5, sessionId: id }]);
      const seen = await fixture.view(id, start + 6);
      assert.deepEqual(
        [seen.status, seen.endedAt, seen.endedBy, seen.endReason],
        ['ended', start + 5, 'user:ada', 'logout'],
      );
      assert.ok(seen.version > 1);
      assert.deepEqual(
        (await fixture.events()).map(({ type, reason, sessionId }) => ({ type, reason, sessionId })).slice(1),
        [{ type: 'session.ended', reason: 'logout', sessionId: id }],
      );
    },
  },
  {
    name: 'R18: ending again confirms the first end and its sequence',
    async run(fixture) {
      const [one, other] = [await fixture.create(), await fixture.create()];
      await fixture.store.endSession(one.id, logout(start + 1));
      await fixture.store.endSession(other.id, logout(start + 2));
      const again = await fixture.store.endSession(one.id, { at: start + 9, by: 'key:late', reason: 'ended_by_admin' });
      assert.ok(again.kind === 'already');
      assert.deepEqual(again.end, { ...logout(start + 1), sequence: 1 });
      assert.equal((await fixture.log()).length, 2);
      assert.equal((await fixture.events()).length, 4);
    },
  },
  {
    name: "another user's session is not found and stays active",
    async run(fixture) {
      const { id } = await fixture.create({ userId: 'ada' });
      assert.deepEqual(await fixture.store.endSession(id, logout(), { userId: user('bob') }), { kind: 'not_found' });
      assert.equal((await fixture.view(id)).status, 'active');
      assert.equal((await fixture.store.endSession(id, logout(), { userId: user('ada') })).kind, 'ended');
    },
  },
  {
    name: 'an end after a deadline confirms the deadline, and gives it a sequence',
    async run(fixture) {
      const idle = await fixture.create({ idle: hour });
      const expired = await fixture.create({ idle: day, absolute: day });
      const late = logout(start + 2 * day);
      const [a, b] = [await fixture.store.endSession(idle.id, late), await fixture.store.endSession(expired.id, late)];
      assert.ok(a.kind === 'already' && b.kind === 'already');
      assert.deepEqual([a.end.reason, a.end.at, a.end.by], ['idle', start + hour, 'policy']);
      assert.deepEqual([b.end.reason, b.end.at], ['expired', start + day]);
      assert.deepEqual(
        (await fixture.log()).map((entry) => entry.sequence),
        [a.end.sequence, b.end.sequence],
      );
    },
  },
  {
    name: 'an end returns the session as later reads return it',
    async run(fixture) {
      const idle = hour;
      const ways: [string[], number][] = [
        [[], start],
        [['a'], start],
        [[], start + idle],
      ];
      for (const [groups, at] of ways) {
        const { id } = await fixture.create({ idle, groups });
        const outcome = await fixture.store.endSession(id, logout(at));
        assert.ok(outcome.kind !== 'not_found');
        assert.deepEqual(outcome.session, (await fixture.snapshot(id)).stored);
      }
    },
  },
  {
    name: 'an end after an epoch confirms the epoch',
    async run(fixture) {
      const { id } = await fixture.create();
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + 1));
      const outcome = await fixture.store.endSession(id, logout(start + 2));
      assert.ok(outcome.kind === 'already');
      assert.deepEqual(outcome.end, { ...allOfUser(start + 1), sequence: 1 });
      assert.equal(await fixture.head(), 1);
      const later = await fixture.create();
      await fixture.store.endEveryone(everyone(start + 3));
      const again = await fixture.store.endSession(later.id, logout(start + 4));
      assert.ok(again.kind === 'already');
      assert.deepEqual(again.end, { ...everyone(start + 3), sequence: 2 });
      assert.equal(await fixture.head(), 2);
    },
  },
  {
    name: 'a change is compare-and-set: another version changes nothing',
    async run(fixture) {
      const before = await fixture.create();
      const change = { id: before.id, version: 1, set: { tokenHash: random(32) }, logged: true, now: start + 1 };
      const done = await fixture.store.changeSession(change);
      assert.ok(done.kind === 'changed' && done.sequence === 1);
      assert.ok(done.session.version > 1);
      assert.deepEqual(done.session.tokenHash, change.set.tokenHash);
      const conflict = await fixture.store.changeSession({ ...change, set: { tokenHash: random(32) } });
      assert.deepEqual(conflict, { kind: 'conflict' });
      assert.deepEqual((await fixture.snapshot(before.id)).stored, done.session);
      assert.equal(await fixture.head(), 1);
    },
  },
  {
    name: 'only a change that can alter a verification is logged',
    async run(fixture) {
      const { id } = await fixture.create();
      const quiet = { id, version: 1, set: { factorShown: shown(start) }, logged: false, now: start };
      const done = await fixture.store.changeSession(quiet);
      assert.ok(done.kind === 'changed' && done.sequence === undefined);
      assert.equal(await fixture.head(), 0);
      const event = { ...note('session.suspended'), sessionId: id };
      const loud = { id, version: done.session.version, set: { suspended: true }, logged: true, event, now: start };
      assert.equal((await fixture.store.changeSession(loud)).kind, 'changed');
      assert.deepEqual((await fixture.log()).map(changeOf), [{ sequence: 1, at: start, sessionId: id }]);
      assert.equal((await fixture.view(id)).status, 'suspended');
      assert.equal((await fixture.events()).at(-1)?.type, 'session.suspended');
    },
  },
  {
    name: 'keycloak 51127, express-session 632: R20: an ended session never changes, however it ended',
    async run(fixture) {
      const ways: [string, (id: SessionId) => Promise<unknown>, number][] = [
        ['written', (id) => fixture.store.endSession(id, logout()), start],
        ['deadline', async () => {}, start + 8 * day],
        ['user epoch', () => fixture.store.endSessionsOfUser(user('user epoch'), allOfUser()), start],
        ['everyone', () => fixture.store.endEveryone(everyone()), start],
      ];
      for (const [userId, end, now] of ways) {
        const { id } = await fixture.create({ userId, groups: ['a'] });
        await end(id);
        const before = await fixture.snapshot(id);
        const { version } = before.stored;
        const change = { id, version, set: { suspended: true, tokenHash: random(32) }, logged: true, now };
        assert.deepEqual(await fixture.store.changeSession(change), { kind: 'ended' }, userId);
        await fixture.store.touchSessions([{ id, at: now + 1 }]);
        const groups = {
          userId: user(userId),
          change: { add: ['b' as never], remove: [] },
          by: 'policy' as const,
          now,
        };
        const changed = await fixture.store.changeGroups(groups);
        assert.ok(changed.kind === 'changed' && changed.updated === 0, userId);
        assert.deepEqual(await fixture.snapshot(id), before, userId);
      }
    },
  },
  {
    name: 'activity only moves forward, and writes no version, log entry or event',
    async run(fixture) {
      const before = await fixture.create();
      const events = await fixture.events();
      await fixture.store.touchSessions([{ id: before.id, at: start + minute }]);
      await fixture.store.touchSessions([{ id: before.id, at: start + 1 }]);
      assert.deepEqual((await fixture.snapshot(before.id)).stored, { ...before, lastSeenAt: start + minute });
      const change = {
        id: before.id,
        version: before.version,
        set: { lastSeenAt: start + 5 },
        logged: false,
        now: start,
      };
      const done = await fixture.store.changeSession(change);
      assert.ok(done.kind === 'changed' && done.session.lastSeenAt === start + minute, 'a change turned activity back');
      assert.equal(await fixture.head(), 0);
      assert.deepEqual(await fixture.events(), events);
    },
  },
  {
    name: 'activity extends the idle deadline, and is too late once that has passed',
    async run(fixture) {
      const { id } = await fixture.create({ idle: hour });
      await fixture.store.touchSessions([{ id, at: start + 59 * minute }]);
      assert.equal((await fixture.view(id, start + 90 * minute)).status, 'active');
      assert.equal((await fixture.view(id, start + 119 * minute)).endReason, 'idle');
      await fixture.store.touchSessions([{ id, at: start + 119 * minute }]);
      assert.equal((await fixture.view(id, start + 119 * minute)).endReason, 'idle', 'late activity revived a session');
    },
  },
];
