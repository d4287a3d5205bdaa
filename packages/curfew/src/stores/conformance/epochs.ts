import assert from 'node:assert/strict';
import type { SessionId } from '../../domain/brand.ts';
import type { StoredSession } from '../../domain/session.ts';
import { allOfUser, type Case, changeOf, everyone, hour, ids, logout, start, user } from './harness.ts';

export const epochCases: Case[] = [
  {
    name: 'R19: ending all sessions of a user is one epoch, one log entry, one event, whatever the count',
    async run(fixture) {
      const mine = await fixture.createMany(25, { userId: 'ada' });
      const other = await fixture.create({ userId: 'bob' });
      const outcome = await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + 9));
      assert.deepEqual(outcome, { kind: 'ended', sequence: 1, ended: 25 });
      for (const { id } of mine) {
        const seen = await fixture.view(id, start + 10);
        assert.deepEqual(
          [seen.status, seen.endReason, seen.endedBy, seen.endedAt],
          ['ended', 'all_of_user', 'key:root', start + 9],
        );
        assert.equal((await fixture.snapshot(id)).epochEnd?.sequence, 1);
      }
      assert.equal((await fixture.view(other.id)).status, 'active');
      assert.deepEqual((await fixture.log()).map(changeOf), [{ sequence: 1, at: start + 9, userId: 'ada' }]);
      const told = (await fixture.events()).slice(26);
      assert.deepEqual(
        told.map(({ type, userId, details }) => ({ type, userId, details })),
        [{ type: 'user.sessions_ended', userId: 'ada', details: { ended: 25 } }],
      );
    },
  },
  {
    name: 'R19: ending everyone is one epoch, and every count and list reflects it',
    async run(fixture) {
      await fixture.createMany(10, { userId: 'ada' });
      await fixture.createMany(10, { userId: 'bob', groups: ['staff'], ip: '10.0.0.1' });
      assert.deepEqual(await fixture.store.endEveryone(everyone(start + 50)), { sequence: 1, ended: 20 });
      assert.deepEqual((await fixture.log()).map(changeOf), [{ sequence: 1, at: start + 50, all: true }]);
      assert.equal(await fixture.store.countActive(start + 51), 0);
      assert.equal(await fixture.store.countActive(start + 51, user('ada')), 0);
      assert.deepEqual(await fixture.list({ status: 'active' }, start + 51), []);
      assert.equal((await fixture.list({ status: 'ended' }, start + 51)).length, 20);
      assert.deepEqual(await fixture.list({ accessGroup: 'staff' as never, status: 'active' }, start + 51), []);
      assert.ok((await fixture.list({}, start + 51)).every((session) => session.endReason === 'everyone'));
    },
  },
  {
    name: 'a session that is created after an epoch stays active',
    async run(fixture) {
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser());
      await fixture.store.endEveryone(everyone());
      const { id, epochs } = await fixture.create({ userId: 'ada' });
      assert.deepEqual(epochs, { user: 1, everyone: 1 });
      assert.equal((await fixture.view(id)).status, 'active');
      assert.equal(await fixture.store.countActive(start), 1);
    },
  },
  {
    name: 'R19: a creation from a credential that was read before all sessions were ended writes nothing',
    async run(fixture) {
      const { epochs } = await fixture.store.readUser(user('ada'));
      assert.deepEqual(epochs, { user: 0, everyone: 0 });
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser());
      const stale = fixture.plan({ userId: 'ada', name: 'desk', groups: ['staff'] });
      const events = await fixture.events();
      assert.deepEqual(await fixture.tryCreate(stale, { epochs }), { kind: 'epoch_moved' });
      assert.equal(await fixture.store.readSession(stale.id), undefined);
      assert.equal(await fixture.store.readNamed('desk' as never), undefined);
      assert.deepEqual(await fixture.list(), []);
      assert.deepEqual(await fixture.events(), events);
      const before = (await fixture.store.readUser(user('ada'))).epochs;
      await fixture.store.endEveryone(everyone());
      assert.deepEqual(await fixture.tryCreate(stale, { epochs: before }), { kind: 'epoch_moved' });
      const present = (await fixture.store.readUser(user('ada'))).epochs;
      assert.deepEqual(present, { user: 1, everyone: 1 });
      assert.equal((await fixture.tryCreate(stale, { epochs: present })).kind, 'created');
    },
  },
  {
    name: 'a creation concurrent with ending all sessions is ended by it or refused, never left over',
    async run(fixture) {
      for (let round = 0; round < 20; round++) {
        const userId = `racer ${round}`;
        const { epochs } = await fixture.store.readUser(user(userId));
        const plans = Array.from({ length: 8 }, () => fixture.plan({ userId }));
        const [, ...outcomes] = await Promise.all([
          fixture.store.endSessionsOfUser(user(userId), allOfUser(start + 1)),
          ...plans.map((plan) => fixture.tryCreate(plan, { epochs })),
        ]);
        assert.equal(outcomes.length, 8);
        for (const session of await fixture.list({ userId: user(userId) }, start + 2)) {
          assert.equal(session.status, 'ended');
        }
        assert.equal(await fixture.store.countActive(start + 2, user(userId)), 0);
      }
    },
  },
  {
    name: 'all but one: the excepted session gets the new epoch in the same write',
    async run(fixture) {
      const [kept, ...others] = await fixture.createMany(5);
      const outcome = await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + 9), { except: kept!.id });
      assert.deepEqual(outcome, { kind: 'ended', sequence: 1, ended: 4 });
      assert.equal((await fixture.view(kept!.id)).status, 'active');
      for (const { id } of others) assert.equal((await fixture.view(id, start + 9)).status, 'ended');
      assert.deepEqual(ids(await fixture.list({ userId: user('ada'), status: 'active' }, start + 9)), [kept!.id]);
      assert.equal(await fixture.store.countActive(start + 9, user('ada')), 1);
      assert.equal(await fixture.store.countActive(start + 9), 1);
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + 10));
      assert.equal((await fixture.view(kept!.id, start + 10)).status, 'ended');
      assert.equal(await fixture.store.countActive(start + 10), 0);
    },
  },
  {
    name: "an exception that is unknown, another user's or ended ends nothing",
    async run(fixture) {
      const mine = await fixture.create({ userId: 'ada' });
      const other = await fixture.create({ userId: 'bob' });
      const ended = await fixture.create({ userId: 'ada' });
      await fixture.store.endSession(ended.id, logout());
      const head = await fixture.head();
      for (const except of ['0'.repeat(22) as SessionId, other.id, ended.id]) {
        const outcome = await fixture.store.endSessionsOfUser(user('ada'), allOfUser(), { except });
        assert.deepEqual(outcome, { kind: 'not_found' });
      }
      assert.equal((await fixture.view(mine.id)).status, 'active');
      assert.equal(await fixture.head(), head);
      assert.deepEqual((await fixture.store.readUser(user('ada'))).epochs, { user: 0, everyone: 0 });
    },
  },
  {
    name: "a user's epoch is kept as long as any session of the user, live or ended, and as tombstones are",
    async run(fixture) {
      const epochOf = async (userId: string) => (await fixture.store.readUser(user(userId))).epochs.user;
      const epochs = () => Promise.all(['ada', 'bob', 'cyd', 'dan'].map(epochOf));
      const ended = await fixture.create({ userId: 'ada' });
      const live = await fixture.create({ userId: 'bob' });
      await fixture.store.endSession(ended.id, logout(start + hour));
      for (const userId of ['ada', 'cyd']) {
        await fixture.store.endSessionsOfUser(user(userId), allOfUser(start));
      }
      await fixture.store.endSessionsOfUser(user('bob'), allOfUser(start), { except: live.id });
      await fixture.store.endSessionsOfUser(user('dan'), allOfUser(start + hour));
      const sweep = (hours: number) => fixture.sweep(start + hours * hour, 2 * hour, 3);
      await sweep(1);
      assert.deepEqual(await epochs(), [1, 1, 1, 1]);
      // By now there are only the tombstone of one user and a live session of another, and nothing of the other two.
      await sweep(2);
      assert.deepEqual(await epochs(), [1, 1, 0, 1]);
      await sweep(3);
      assert.deepEqual(await epochs(), [0, 1, 0, 0]);
      await fixture.store.endSession(live.id, logout(start + 3 * hour));
      await sweep(4);
      assert.deepEqual(await epochs(), [0, 1, 0, 0]);
      await fixture.store.endEveryone(everyone(start + 4 * hour));
      await sweep(5);
      assert.deepEqual(await epochs(), [0, 0, 0, 0]);
      await sweep(9);
      assert.deepEqual((await fixture.store.readUser(user('ada'))).epochs, { user: 0, everyone: 1 });
    },
  },
  {
    name: 'no epoch ends a session whose end is recorded',
    async run(fixture) {
      const { id } = await fixture.create();
      await fixture.store.endSession(id, logout(start + 1));
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + 2));
      await fixture.store.endEveryone(everyone(start + 3));
      for (const now of [start + 4, start + 5]) {
        assert.equal((await fixture.snapshot(id)).epochEnd, undefined);
        await fixture.sweep(now);
      }
    },
  },
  {
    name: 'CVE-2026-8922: of several ends the first is reported, and any of them ends the session',
    async run(fixture) {
      // A deterministic mix of creations and of ends of both scopes, compared with the simplest model.
      const model: { session: StoredSession; endedBy: string | undefined; userId: string }[] = [];
      let state = 12345;
      const die = (sides: number) => {
        state = (state * 1103515245 + 12345) % 2147483648;
        return Math.floor((state / 2147483648) * sides);
      };
      for (let step = 0; step < 150; step++) {
        const now = start + step;
        const userId = `user ${die(3)}`;
        const act = die(8);
        let by: string | undefined;
        if (act < 5) {
          model.push({ session: await fixture.create({ userId, at: now }), endedBy: undefined, userId });
        } else if (act < 7) {
          by = `key:${step}`;
          await fixture.store.endSessionsOfUser(user(userId), { ...allOfUser(now), by: `key:${step}` });
        } else {
          by = `key:${step}`;
          await fixture.store.endEveryone({ ...everyone(now), by: `key:${step}` });
        }
        if (by) for (const entry of model) if (act === 7 || entry.userId === userId) entry.endedBy ??= by;
      }
      for (const { session, endedBy } of model) {
        assert.equal((await fixture.view(session.id, start + 200)).endedBy, endedBy);
      }
      const live = model.filter(({ endedBy }) => !endedBy);
      assert.equal(await fixture.store.countActive(start + 200), live.length);
      assert.deepEqual(
        ids(await fixture.list({ status: 'active' }, start + 200)).sort(),
        live.map(({ session }) => session.id).sort(),
      );
      await fixture.sweep(start + 200);
      for (const { session, endedBy } of model) {
        assert.equal((await fixture.view(session.id, start + 200)).endedBy, endedBy, 'the sweep changed who ended it');
      }
      assert.equal(await fixture.store.countActive(start + 200), live.length);
    },
  },
];
