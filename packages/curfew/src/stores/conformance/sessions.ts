import assert from 'node:assert/strict';
import type { SessionId } from '../../domain/brand.ts';
import type { FactorShown } from '../../domain/factor-shown.ts';
import { newId } from '../../domain/ids.ts';
import { day, minute } from '../../domain/limits.ts';
import type { StoredSession } from '../../domain/session.ts';
import { allOfUser, type Case, changeOf, everyone, group, hour, logout, note, random, start, user } from './harness.ts';

const shown = (at: number): FactorShown => ({ at, area: 'any', network: '192.0.2.1' });

export const sessionCases: Case[] = [
  {
    name: 'a session reads back as it was written',
    async run(world) {
      const full = {
        ...world.plan({ userId: 'Ünï©ode/🦉', groups: ['a', 'ünï'], ip: '2001:db8::1', userAgent: 'curl/8.5.0' }),
        metadata: { text: 'ü"\\\u0001', list: [1, 2.5, null, true], deep: { a: {} } },
        factorShown: { at: start, area: 'sessions', network: '20010db800000000/64' } as const,
        openedWith: ['sessions.create', 'events.read'] as const,
      };
      const bare = world.plan();
      for (const session of [full, bare, { ...world.plan(), openedWith: [] }]) {
        assert.equal((await world.tryCreate(session)).kind, 'created');
        assert.deepEqual(await world.snapshot(session.id), { stored: session, epochEnd: undefined });
      }
    },
  },
  {
    name: 'what whoever opened a session may do stays with it, whatever changes',
    async run(world) {
      const openedWith = ['sessions.create'] as const;
      const { id } = { ...world.plan() };
      await world.tryCreate({ ...world.plan(), id, openedWith });
      const now = start + minute;
      const stays = async () => assert.deepEqual((await world.snapshot(id)).stored.openedWith, openedWith);
      const set = { tokenHash: random(32), lastSeenAt: now, factorShown: shown(now) };
      const changed = await world.store.changeSession({ id, version: 1, set, logged: true, now });
      assert.ok(changed.kind === 'changed');
      assert.deepEqual(changed.session.openedWith, openedWith);
      await stays();
      await world.store.touchSessions([{ id, at: now + 1 }]);
      await stays();
      const groups = { add: group('a'), remove: [] };
      await world.store.changeGroups({ userId: user('ada'), change: groups, by: 'key:test', now });
      await stays();
      await world.store.endSessionsOfUser(user('ada'), allOfUser(now + 2), { except: id });
      await stays();
      const { version } = (await world.snapshot(id)).stored;
      await world.store.changeSession({ id, version, set: { suspended: true }, logged: true, now });
      await stays();
      await world.store.endSession(id, logout(now + 3));
      await world.sweep(now + 4);
      await stays();
    },
  },
  {
    name: 'what is not there is an answer, not an error',
    async run(world) {
      const id = newId('nobody', start, random) as SessionId;
      assert.equal(await world.store.readSession(id), undefined);
      assert.deepEqual(await world.store.endSession(id, logout()), { kind: 'not_found' });
      const change = { id, version: 1, set: { suspended: true }, logged: true, now: start };
      assert.deepEqual(await world.store.changeSession(change), { kind: 'not_found' });
      await world.store.touchSessions([{ id, at: start + 1 }]);
      assert.equal(await world.store.readSession(id), undefined, 'a touch created a session');
      assert.deepEqual(await world.list(), []);
      assert.equal(await world.store.countActive(start), 0);
      assert.equal(await world.head(), 0);
      assert.deepEqual((await world.log()).map(changeOf), []);
    },
  },
  {
    name: 'a creation that is repeated happens once',
    async run(world) {
      const session = world.plan({ name: 'desk' });
      const first = await world.tryCreate(session);
      assert.deepEqual(await world.tryCreate(session), first);
      assert.equal((await world.list()).length, 1);
      assert.equal((await world.events()).length, 1);
      assert.equal(await world.store.countActive(start), 1);
    },
  },
  {
    name: 'what is asked for twice at the same moment happens once',
    async run(world) {
      const [plan, other] = [world.plan(), world.plan()];
      const made = await Promise.all([plan, other, plan].map((each) => world.tryCreate(each)));
      assert.deepEqual(
        made.map(({ kind }) => kind),
        ['created', 'created', 'created'],
      );
      assert.equal(await world.store.countActive(start, user('ada')), 2);
      assert.equal((await world.events()).length, 2);
      const ends = [plan, other, plan].map(({ id }) => world.store.endSession(id, logout()));
      const kinds = (await Promise.all(ends)).map(({ kind }) => kind);
      assert.deepEqual(kinds.sort(), ['already', 'ended', 'ended']);
      assert.deepEqual(
        (await world.log()).map(({ sequence }) => sequence),
        [1, 2],
      );
      assert.equal((await world.events()).length, 4);
      assert.equal(await world.store.countActive(start, user('ada')), 0);
      assert.equal(await world.store.countActive(start), 0);
    },
  },
  {
    name: 'of what is asked for at the same moment, each gets its own answer',
    async run(world) {
      const { store } = world;
      await store.endSessionsOfUser(user('moved'), allOfUser());
      const there = await world.create({ userId: 'there' });
      const full = await world.create({ userId: 'full' });
      const created = await Promise.all([
        world.tryCreate(world.plan({ userId: 'plain' })),
        world.tryCreate(there),
        world.tryCreate(world.plan({ userId: 'moved' }), { epochs: { user: 0, everyone: 0 } }),
        world.tryCreate(world.plan({ userId: 'one', name: 'desk' })),
        world.tryCreate(world.plan({ userId: 'two', name: 'desk' })),
        world.tryCreate(world.plan({ userId: 'full' }), { limit: { max: 1, excess: 'refuse' } }),
        world.tryCreate(world.plan({ userId: 'full' }), { limit: { max: 1, excess: 'replace' } }),
        world.tryCreate(world.plan({ userId: 'moved' })),
      ]);
      assert.deepEqual(
        created.map(({ kind }) => kind),
        ['created', 'created', 'epoch_moved', 'created', 'name_taken', 'too_many', 'created', 'created'],
      );
      const sessions = created.flatMap((one) => (one.kind === 'created' ? [one.session] : []));
      const [plain, , named, newer, moved] = sessions as [StoredSession, ...StoredSession[]];
      assert.equal(moved!.epochs.user, 1);
      assert.equal(await store.countActive(start), 5);

      const unknown = world.plan({ userId: 'plain' });
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
        assert.deepEqual((await world.snapshot(session.id)).stored, session);
        assert.deepEqual(session.end, end);
      }
      assert.equal((await world.view(moved!.id)).status, 'active');
      assert.equal(await store.countActive(start), 1);
      const log = await world.log();
      assert.deepEqual(
        log.map(({ sequence }) => sequence),
        [1, 2, 3, 4, 5, 6],
      );
    },
  },
  {
    name: 'the end of a suspended session counts no active one',
    async run(world) {
      const [{ id, version }] = [await world.create(), await world.create()];
      await world.store.changeSession({ id, version, set: { suspended: true }, logged: true, now: start });
      assert.equal((await world.store.endSession(id, logout())).kind, 'ended');
      assert.equal(await world.store.countActive(start, user('ada')), 1);
      assert.equal(await world.store.countActive(start), 1);
    },
  },
  {
    name: 'a creation changes nothing that a verification may say: no log entry; but an event',
    async run(world) {
      const outcome = await world.tryCreate(world.plan());
      assert.ok(outcome.kind === 'created' && outcome.sequence === undefined);
      assert.deepEqual((await world.log()).map(changeOf), []);
      assert.deepEqual(
        (await world.events()).map(({ type, by, userId }) => ({ type, by, userId })),
        [{ type: 'session.created', by: 'key:test', userId: 'ada' }],
      );
    },
  },
  {
    name: 'an end is written with its reason, its log entry and its event',
    async run(world) {
      const { id } = await world.create();
      const end = logout(start + 5);
      const outcome = await world.store.endSession(id, end);
      assert.ok(outcome.kind === 'ended');
      assert.deepEqual(outcome.end, { ...end, sequence: 1 });
      assert.deepEqual((await world.log()).map(changeOf), [{ sequence: 1, at: start + 5, sessionId: id }]);
      const seen = await world.view(id, start + 6);
      assert.deepEqual(
        [seen.status, seen.endedAt, seen.endedBy, seen.endReason],
        ['ended', start + 5, 'user:ada', 'logout'],
      );
      assert.ok(seen.version > 1);
      assert.deepEqual(
        (await world.events()).map(({ type, reason, sessionId }) => ({ type, reason, sessionId })).slice(1),
        [{ type: 'session.ended', reason: 'logout', sessionId: id }],
      );
    },
  },
  {
    name: 'R18: ending again confirms the first end and its sequence',
    async run(world) {
      const [one, other] = [await world.create(), await world.create()];
      await world.store.endSession(one.id, logout(start + 1));
      await world.store.endSession(other.id, logout(start + 2));
      const again = await world.store.endSession(one.id, { at: start + 9, by: 'key:late', reason: 'ended_by_admin' });
      assert.ok(again.kind === 'already');
      assert.deepEqual(again.end, { ...logout(start + 1), sequence: 1 });
      assert.equal((await world.log()).length, 2);
      assert.equal((await world.events()).length, 4);
    },
  },
  {
    name: "another user's session is not found, and stays",
    async run(world) {
      const { id } = await world.create({ userId: 'ada' });
      assert.deepEqual(await world.store.endSession(id, logout(), { userId: user('bob') }), { kind: 'not_found' });
      assert.equal((await world.view(id)).status, 'active');
      assert.equal((await world.store.endSession(id, logout(), { userId: user('ada') })).kind, 'ended');
    },
  },
  {
    name: 'an end after a deadline confirms the deadline, and gives it a sequence',
    async run(world) {
      const idle = await world.create({ idle: hour });
      const expired = await world.create({ idle: day, absolute: day });
      const late = logout(start + 2 * day);
      const [a, b] = [await world.store.endSession(idle.id, late), await world.store.endSession(expired.id, late)];
      assert.ok(a.kind === 'already' && b.kind === 'already');
      assert.deepEqual([a.end.reason, a.end.at, a.end.by], ['idle', start + hour, 'policy']);
      assert.deepEqual([b.end.reason, b.end.at], ['expired', start + day]);
      assert.deepEqual(
        (await world.log()).map((entry) => entry.sequence),
        [a.end.sequence, b.end.sequence],
      );
    },
  },
  {
    name: 'an end answers with the session as it is read from then on',
    async run(world) {
      const idle = hour;
      const ways: [string[], number][] = [
        [[], start],
        [['a'], start],
        [[], start + idle],
      ];
      for (const [groups, at] of ways) {
        const { id } = await world.create({ idle, groups });
        const outcome = await world.store.endSession(id, logout(at));
        assert.ok(outcome.kind !== 'not_found');
        assert.deepEqual(outcome.session, (await world.snapshot(id)).stored);
      }
    },
  },
  {
    name: 'an end after an epoch confirms the epoch',
    async run(world) {
      const { id } = await world.create();
      await world.store.endSessionsOfUser(user('ada'), allOfUser(start + 1));
      const outcome = await world.store.endSession(id, logout(start + 2));
      assert.ok(outcome.kind === 'already');
      assert.deepEqual(outcome.end, { ...allOfUser(start + 1), sequence: 1 });
      assert.equal(await world.head(), 1);
      const later = await world.create();
      await world.store.endEveryone(everyone(start + 3));
      const again = await world.store.endSession(later.id, logout(start + 4));
      assert.ok(again.kind === 'already');
      assert.deepEqual(again.end, { ...everyone(start + 3), sequence: 2 });
      assert.equal(await world.head(), 2);
    },
  },
  {
    name: 'a change is compare-and-set: another version changes nothing',
    async run(world) {
      const before = await world.create();
      const change = { id: before.id, version: 1, set: { tokenHash: random(32) }, logged: true, now: start + 1 };
      const done = await world.store.changeSession(change);
      assert.ok(done.kind === 'changed' && done.sequence === 1);
      assert.ok(done.session.version > 1);
      assert.deepEqual(done.session.tokenHash, change.set.tokenHash);
      const conflict = await world.store.changeSession({ ...change, set: { tokenHash: random(32) } });
      assert.deepEqual(conflict, { kind: 'conflict' });
      assert.deepEqual((await world.snapshot(before.id)).stored, done.session);
      assert.equal(await world.head(), 1);
    },
  },
  {
    name: 'only what a verification may say is logged',
    async run(world) {
      const { id } = await world.create();
      const quiet = { id, version: 1, set: { factorShown: shown(start) }, logged: false, now: start };
      const done = await world.store.changeSession(quiet);
      assert.ok(done.kind === 'changed' && done.sequence === undefined);
      assert.equal(await world.head(), 0);
      const event = { ...note('session.suspended'), sessionId: id };
      const loud = { id, version: done.session.version, set: { suspended: true }, logged: true, event, now: start };
      assert.equal((await world.store.changeSession(loud)).kind, 'changed');
      assert.deepEqual((await world.log()).map(changeOf), [{ sequence: 1, at: start, sessionId: id }]);
      assert.equal((await world.view(id)).status, 'suspended');
      assert.equal((await world.events()).at(-1)?.type, 'session.suspended');
    },
  },
  {
    name: 'keycloak 51127, express-session 632: R20: an ended session takes no change, whichever way it ended',
    async run(world) {
      const ways: [string, (id: SessionId) => Promise<unknown>, number][] = [
        ['written', (id) => world.store.endSession(id, logout()), start],
        ['deadline', async () => {}, start + 8 * day],
        ['user epoch', () => world.store.endSessionsOfUser(user('user epoch'), allOfUser()), start],
        ['everyone', () => world.store.endEveryone(everyone()), start],
      ];
      for (const [userId, end, now] of ways) {
        const { id } = await world.create({ userId, groups: ['a'] });
        await end(id);
        const before = await world.snapshot(id);
        const { version } = before.stored;
        const change = { id, version, set: { suspended: true, tokenHash: random(32) }, logged: true, now };
        assert.deepEqual(await world.store.changeSession(change), { kind: 'ended' }, userId);
        await world.store.touchSessions([{ id, at: now + 1 }]);
        const groups = {
          userId: user(userId),
          change: { add: ['b' as never], remove: [] },
          by: 'policy' as const,
          now,
        };
        const changed = await world.store.changeGroups(groups);
        assert.ok(changed.kind === 'changed' && changed.updated === 0, userId);
        assert.deepEqual(await world.snapshot(id), before, userId);
      }
    },
  },
  {
    name: 'activity only goes forward: no version, no log entry, no event',
    async run(world) {
      const before = await world.create();
      const events = await world.events();
      await world.store.touchSessions([{ id: before.id, at: start + minute }]);
      await world.store.touchSessions([{ id: before.id, at: start + 1 }]);
      assert.deepEqual((await world.snapshot(before.id)).stored, { ...before, lastSeenAt: start + minute });
      const change = {
        id: before.id,
        version: before.version,
        set: { lastSeenAt: start + 5 },
        logged: false,
        now: start,
      };
      const done = await world.store.changeSession(change);
      assert.ok(done.kind === 'changed' && done.session.lastSeenAt === start + minute, 'a change turned activity back');
      assert.equal(await world.head(), 0);
      assert.deepEqual(await world.events(), events);
    },
  },
  {
    name: 'activity slides the idle deadline, and comes too late at it',
    async run(world) {
      const { id } = await world.create({ idle: hour });
      await world.store.touchSessions([{ id, at: start + 59 * minute }]);
      assert.equal((await world.view(id, start + 90 * minute)).status, 'active');
      assert.equal((await world.view(id, start + 119 * minute)).endReason, 'idle');
      await world.store.touchSessions([{ id, at: start + 119 * minute }]);
      assert.equal((await world.view(id, start + 119 * minute)).endReason, 'idle', 'late activity revived a session');
    },
  },
];
