import assert from 'node:assert/strict';
import type { SessionId } from '../../domain/brand.ts';
import type { StoredSession } from '../../domain/session.ts';
import { allOfUser, type Case, changeOf, everyone, ids, logout, start, user } from './harness.ts';

export const epochCases: Case[] = [
  {
    name: 'R19: ending all of a user is one epoch, one log entry, one event, whatever the count',
    async run(world) {
      const mine = await world.createMany(25, { userId: 'ada' });
      const other = await world.create({ userId: 'bob' });
      const outcome = await world.store.endSessionsOfUser(user('ada'), allOfUser(start + 9));
      assert.deepEqual(outcome, { kind: 'ended', sequence: 1, ended: 25 });
      for (const { id } of mine) {
        const seen = await world.view(id, start + 10);
        assert.deepEqual(
          [seen.status, seen.endReason, seen.endedBy, seen.endedAt],
          ['ended', 'all_of_user', 'key:root', start + 9],
        );
        assert.equal((await world.snapshot(id)).epochEnd?.sequence, 1);
      }
      assert.equal((await world.view(other.id)).status, 'active');
      assert.deepEqual((await world.log()).map(changeOf), [{ sequence: 1, at: start + 9, userId: 'ada' }]);
      const told = (await world.events()).slice(26);
      assert.deepEqual(
        told.map(({ type, userId, details }) => ({ type, userId, details })),
        [{ type: 'user.sessions_ended', userId: 'ada', details: { ended: 25 } }],
      );
    },
  },
  {
    name: 'R19: ending everyone is one epoch, and every count and list says so',
    async run(world) {
      await world.createMany(10, { userId: 'ada' });
      await world.createMany(10, { userId: 'bob', groups: ['staff'], ip: '10.0.0.1' });
      assert.deepEqual(await world.store.endEveryone(everyone(start + 50)), { sequence: 1, ended: 20 });
      assert.deepEqual((await world.log()).map(changeOf), [{ sequence: 1, at: start + 50, all: true }]);
      assert.equal(await world.store.countActive(start + 51), 0);
      assert.equal(await world.store.countActive(start + 51, user('ada')), 0);
      assert.deepEqual(await world.list({ status: 'active' }, start + 51), []);
      assert.equal((await world.list({ status: 'ended' }, start + 51)).length, 20);
      assert.deepEqual(await world.list({ accessGroup: 'staff' as never, status: 'active' }, start + 51), []);
      assert.ok((await world.list({}, start + 51)).every((session) => session.endReason === 'everyone'));
    },
  },
  {
    name: 'what is created after an epoch lives',
    async run(world) {
      await world.store.endSessionsOfUser(user('ada'), allOfUser());
      await world.store.endEveryone(everyone());
      const { id, epochs } = await world.create({ userId: 'ada' });
      assert.deepEqual(epochs, { user: 1, everyone: 1 });
      assert.equal((await world.view(id)).status, 'active');
      assert.equal(await world.store.countActive(start), 1);
    },
  },
  {
    name: 'R19: a creation from a credential that was read before an end of all writes nothing',
    async run(world) {
      const { epochs } = await world.store.readUser(user('ada'));
      assert.deepEqual(epochs, { user: 0, everyone: 0 });
      await world.store.endSessionsOfUser(user('ada'), allOfUser());
      const stale = world.plan({ userId: 'ada', name: 'desk', groups: ['staff'] });
      const events = await world.events();
      assert.deepEqual(await world.tryCreate(stale, { epochs }), { kind: 'epoch_moved' });
      assert.equal(await world.store.readSession(stale.id), undefined);
      assert.equal(await world.store.readNamed('desk' as never), undefined);
      assert.deepEqual(await world.list(), []);
      assert.deepEqual(await world.events(), events);
      const before = (await world.store.readUser(user('ada'))).epochs;
      await world.store.endEveryone(everyone());
      assert.deepEqual(await world.tryCreate(stale, { epochs: before }), { kind: 'epoch_moved' });
      const present = (await world.store.readUser(user('ada'))).epochs;
      assert.deepEqual(present, { user: 1, everyone: 1 });
      assert.equal((await world.tryCreate(stale, { epochs: present })).kind, 'created');
    },
  },
  {
    name: 'a creation that races an end of all is ended by it or refused: none is left over',
    async run(world) {
      for (let round = 0; round < 20; round++) {
        const userId = `racer ${round}`;
        const { epochs } = await world.store.readUser(user(userId));
        const plans = Array.from({ length: 8 }, () => world.plan({ userId }));
        const [, ...outcomes] = await Promise.all([
          world.store.endSessionsOfUser(user(userId), allOfUser(start + 1)),
          ...plans.map((plan) => world.tryCreate(plan, { epochs })),
        ]);
        assert.equal(outcomes.length, 8);
        for (const session of await world.list({ userId: user(userId) }, start + 2)) {
          assert.equal(session.status, 'ended');
        }
        assert.equal(await world.store.countActive(start + 2, user(userId)), 0);
      }
    },
  },
  {
    name: 'all but one: the excepted session is stamped with the new epoch in the same write',
    async run(world) {
      const [kept, ...others] = await world.createMany(5);
      const outcome = await world.store.endSessionsOfUser(user('ada'), allOfUser(start + 9), { except: kept!.id });
      assert.deepEqual(outcome, { kind: 'ended', sequence: 1, ended: 4 });
      assert.equal((await world.view(kept!.id)).status, 'active');
      for (const { id } of others) assert.equal((await world.view(id, start + 9)).status, 'ended');
      assert.deepEqual(ids(await world.list({ userId: user('ada'), status: 'active' }, start + 9)), [kept!.id]);
      assert.equal(await world.store.countActive(start + 9, user('ada')), 1);
      assert.equal(await world.store.countActive(start + 9), 1);
      await world.store.endSessionsOfUser(user('ada'), allOfUser(start + 10));
      assert.equal((await world.view(kept!.id, start + 10)).status, 'ended');
      assert.equal(await world.store.countActive(start + 10), 0);
    },
  },
  {
    name: "an exception that is unknown, another user's or ended ends nothing",
    async run(world) {
      const mine = await world.create({ userId: 'ada' });
      const other = await world.create({ userId: 'bob' });
      const ended = await world.create({ userId: 'ada' });
      await world.store.endSession(ended.id, logout());
      const head = await world.head();
      for (const except of ['0'.repeat(22) as SessionId, other.id, ended.id]) {
        const outcome = await world.store.endSessionsOfUser(user('ada'), allOfUser(), { except });
        assert.deepEqual(outcome, { kind: 'not_found' });
      }
      assert.equal((await world.view(mine.id)).status, 'active');
      assert.equal(await world.head(), head);
      assert.deepEqual((await world.store.readUser(user('ada'))).epochs, { user: 0, everyone: 0 });
    },
  },
  {
    name: 'CVE-2026-8922: of several ends the first is told, and any of them ends',
    async run(world) {
      // A deterministic walk over creations and ends of both scopes, against the plainest model of it.
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
          model.push({ session: await world.create({ userId, at: now }), endedBy: undefined, userId });
        } else if (act < 7) {
          by = `key:${step}`;
          await world.store.endSessionsOfUser(user(userId), { ...allOfUser(now), by: `key:${step}` });
        } else {
          by = `key:${step}`;
          await world.store.endEveryone({ ...everyone(now), by: `key:${step}` });
        }
        if (by) for (const entry of model) if (act === 7 || entry.userId === userId) entry.endedBy ??= by;
      }
      for (const { session, endedBy } of model) {
        assert.equal((await world.view(session.id, start + 200)).endedBy, endedBy);
      }
      const live = model.filter(({ endedBy }) => !endedBy);
      assert.equal(await world.store.countActive(start + 200), live.length);
      assert.deepEqual(
        ids(await world.list({ status: 'active' }, start + 200)).sort(),
        live.map(({ session }) => session.id).sort(),
      );
      await world.sweep(start + 200);
      for (const { session, endedBy } of model) {
        assert.equal((await world.view(session.id, start + 200)).endedBy, endedBy, 'the sweep changed who ended it');
      }
      assert.equal(await world.store.countActive(start + 200), live.length);
    },
  },
];
