import assert from 'node:assert/strict';
import { day, minute } from '../../domain/limits.ts';
import { endOf } from '../../domain/session.ts';
import type { Store } from '../contract.ts';
import {
  allOfUser,
  type Case,
  everyone,
  forever,
  group,
  hour,
  logout,
  name,
  nodeRow,
  note,
  positionOf,
  random,
  StoreFixture,
  start,
  user,
} from './harness.ts';

/** A rule for two nodes on one store; there is nothing to test if one process owns the data. */
function twoNodes(title: string, run: (one: StoreFixture, other: StoreFixture) => Promise<void>): Case {
  return {
    name: `two nodes: ${title}`,
    async run(fixture) {
      if (!fixture.opened.another) return;
      const other = new StoreFixture({ ...fixture.opened, store: await fixture.opened.another() });
      await run(fixture, other);
    },
  };
}

export const nodeCases: Case[] = [
  twoNodes('what one writes, the other reads at once', async (one, other) => {
    const { id } = await one.create({ userId: 'ada' });
    assert.equal((await other.view(id)).status, 'active');
    await other.store.endSession(id, logout());
    assert.equal((await one.view(id)).status, 'ended');
    const second = await one.create({ userId: 'ada' });
    await other.store.endSessionsOfUser(user('ada'), allOfUser(start + 1));
    assert.equal((await one.view(second.id, start + 1)).status, 'ended');
    const third = await other.create({ userId: 'ada', at: start + 2 });
    await one.store.endEveryone(everyone(start + 3));
    assert.equal((await other.view(third.id, start + 3)).status, 'ended');
    assert.equal(await other.store.countActive(start + 3), 0);
    assert.equal(await other.head(), 3);
  }),
  twoNodes(
    'the log is dense, and a reader of an entry sees its change, whichever node wrote it',
    async (one, other) => {
      const sessions = await one.createMany(60);
      let applied = 0;
      let open = true;
      const reader = async (store: Store) => {
        let seen = 0;
        while (open || seen < (await store.logHead()).sequence) {
          for (const entry of await store.readLog(seen + 1, 100)) {
            assert.equal(entry.sequence, seen + 1, 'an entry was skipped');
            seen = entry.sequence;
            assert.ok('sessionId' in entry);
            const found = await store.readSession(entry.sessionId);
            assert.ok(endOf(found!.stored, found!.epochEnd, start), 'an entry was visible before its change');
          }
          await new Promise(setImmediate);
        }
        applied += seen;
      };
      const writers = Promise.all(
        sessions.map(({ id }, i) => (i % 2 ? one : other).store.endSession(id, logout())),
      ).finally(() => {
        open = false;
      });
      await Promise.all([reader(one.store), reader(other.store), writers]);
      assert.equal(applied, 120);
    },
  ),
  {
    name: 'a watcher of the log hears that it has grown, here or elsewhere, until it stops watching',
    async run(fixture) {
      const { store } = fixture;
      if (!store.watchLog) return;
      const end = (writer: Store) => writer.endEveryone(everyone());
      const { hears, hints, stop } = fixture.watch();
      await hears(() => end(store));
      const another = await fixture.opened.another?.();
      if (another) await hears(() => end(another));
      // A creation changes nothing that a follower of the log needs to know.
      const before = hints();
      await fixture.createMany(5);
      let changes = 0;
      await hears(() => {
        changes += 1;
        return end(store);
      });
      assert.ok(hints() - before <= changes, `${hints() - before} hints of ${changes} changes`);
      stop();
      const last = hints();
      await end(store);
      assert.equal(hints(), last);
    },
  },
  twoNodes('of concurrent changes with one version, one wins', async (one, other) => {
    for (let round = 0; round < 10; round++) {
      const { id, version } = await one.create({ userId: `racer ${round}` });
      const change = ({ store }: StoreFixture) =>
        store.changeSession({ id, version, set: { tokenHash: random(32) }, logged: true, now: start });
      const outcomes = await Promise.all([one, other, one, other].map(change));
      assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), ['changed', 'conflict', 'conflict', 'conflict']);
    }
  }),
  twoNodes('of concurrent ends one is the first, and all report that one', async (one, other) => {
    for (const { id } of await one.createMany(20)) {
      const end = ({ store }: StoreFixture, by: 'key:one' | 'key:other') =>
        store.endSession(id, { at: start, by, reason: 'ended_by_admin' });
      const [a, b] = await Promise.all([end(one, 'key:one'), end(other, 'key:other')]);
      assert.ok(a.kind !== 'not_found' && b.kind !== 'not_found');
      assert.deepEqual([a.kind, b.kind].sort(), ['already', 'ended']);
      assert.deepEqual(a.end, b.end);
    }
    assert.equal(await one.head(), 20);
    assert.equal(await one.store.countActive(start), 0);
  }),
  twoNodes('concurrent creations respect limits and names', async (one, other) => {
    const limit = { max: 3, excess: 'refuse' } as const;
    const both = Array.from({ length: 12 }, (_, i) => (i % 2 ? one : other));
    const limited = await Promise.all(both.map((fixture) => fixture.tryCreate(fixture.plan(), { limit })));
    assert.equal(limited.filter(({ kind }) => kind === 'created').length, 3);
    const named = await Promise.all(
      both.map((fixture, i) => fixture.tryCreate(fixture.plan({ userId: `user ${i}`, name: 'desk' }))),
    );
    assert.equal(named.filter(({ kind }) => kind === 'created').length, 1);
    const accounts = await Promise.all(
      both.map((fixture) => fixture.store.createAccount(fixture.account('carol'), note('account.created'))),
    );
    assert.equal(accounts.filter((outcome) => outcome === 'created').length, 1);
    assert.equal(await one.store.countActive(start), 4);
  }),
  twoNodes('a creation does not survive a concurrent end of all sessions on the other', async (one, other) => {
    for (let round = 0; round < 15; round++) {
      const userId = `racer ${round}`;
      const { epochs } = await one.store.readUser(user(userId));
      await Promise.all([
        round % 3 === 0
          ? other.store.endEveryone(everyone(start + 1))
          : other.store.endSessionsOfUser(user(userId), allOfUser(start + 1)),
        ...Array.from({ length: 4 }, () => one.tryCreate(one.plan({ userId }), { epochs })),
      ]);
      assert.equal(await other.store.countActive(start + 2, user(userId)), 0);
      for (const session of await other.list({ userId: user(userId) }, start + 2)) {
        assert.equal(session.status, 'ended');
      }
    }
  }),
  twoNodes('concurrent changes of groups and ends leave nothing half-changed', async (one, other) => {
    for (let round = 0; round < 10; round++) {
      const userId = `racer ${round}`;
      const sessions = await one.createMany(6, { userId });
      const change = { add: group('staff'), remove: [] };
      await Promise.all([
        one.store.changeGroups({ userId: user(userId), change, by: 'policy', now: start + 9 }),
        other.store.endSession(sessions[2]!.id, logout(start + 9)),
        other.store.touchSessions(sessions.map(({ id }) => ({ id, at: start + minute }))),
      ]);
      for (const { id } of sessions) {
        const seen = await other.view(id, start + minute);
        if (seen.status === 'active') assert.deepEqual(seen.accessGroups, ['staff']);
      }
    }
  }),
  twoNodes('attempts are counted for both together', async (one, other) => {
    const rule = { max: 5, window: hour };
    const take = ({ store }: StoreFixture) => store.takeAttempt('login:ada', rule, start);
    const race = await Promise.all([one, other, one, other, one, other, one, other].map(take));
    assert.equal(race.filter(({ allowed }) => allowed).length, 5);
    await other.store.clearAttempts('login:ada');
    assert.equal((await take(one)).remaining, 4);
  }),
  twoNodes('attempts are open until one of the nodes has reported their result', async (one, other) => {
    const rule = { max: 2, window: hour };
    const take = async ({ store }: StoreFixture, now: number) => {
      const { allowed, open, latest } = await store.takeAttempt('login:ada', rule, now);
      return [allowed, open, latest - start];
    };
    assert.deepEqual(await take(one, start), [true, 1, 0]);
    assert.deepEqual(await take(other, start + 5), [true, 2, 5]);
    assert.deepEqual(await take(one, start + 9), [false, 2, 5]);
    await other.store.failAttempt('login:ada');
    assert.deepEqual(await take(other, start + 9), [false, 1, 5]);
    await one.store.failAttempt('login:ada');
    await one.store.failAttempt('login:ada');
    assert.deepEqual(await take(other, start + 9), [false, 0, 5]);
    assert.deepEqual(await take(other, start + hour), [true, 1, hour]);
    await one.store.clearAttempts('login:ada');
    await one.store.failAttempt('login:ada');
    assert.deepEqual(await take(other, start + hour), [true, 1, hour]);
  }),
  twoNodes('both may sweep at once while sessions change, and everything is done once', async (one, other) => {
    await one.createMany(60, { idle: hour });
    await one.createMany(30, { userId: 'bob' });
    await one.create({ userId: 'carol', name: 'desk' });
    await one.store.endSessionsOfUser(user('bob'), allOfUser(start + 50));
    await one.store.endSessionsOfUser(user('carol'), allOfUser(start + 51));
    const busy = (async () => {
      for (let i = 0; i < 20; i++) {
        const { id } = await one.create({ userId: `busy ${i}`, at: start + day });
        await one.store.endSession(id, logout(start + day));
      }
    })();
    const sweep = async ({ store }: StoreFixture) => {
      const total = { expired: 0, endsWritten: 0 };
      for (let turn = 0; turn < 500; turn++) {
        const task = { now: start + day, keepEnded: forever, keepEvents: forever, batch: 7 };
        const { expired, endsWritten, more } = await store.sweep(task);
        total.expired += expired;
        total.endsWritten += endsWritten;
        if (!more) return total;
      }
      return assert.fail('the sweep never finished');
    };
    const [a, b] = await Promise.all([sweep(one), sweep(other), busy]);
    // Work that one skipped because the other was doing it is left for the next time.
    const rest = await sweep(one);
    assert.deepEqual(
      [a.expired + b.expired + rest.expired, a.endsWritten + b.endsWritten + rest.endsWritten],
      [60, 31],
    );
    const told = (await one.events()).filter(({ type, reason }) => type === 'session.ended' && reason === 'idle');
    assert.equal(told.length, 60);
    assert.equal(await other.head(), 2 + 60 + 20);
    assert.equal(await other.store.countActive(start + day), 0);
    assert.equal(await one.store.readNamed(name('desk')), undefined);
  }),
  twoNodes('events are followed without a gap, whichever node writes them', async (one, other) => {
    let seen = 0;
    let open = true;
    const follower = (async () => {
      while (open || seen < 60) {
        for (const { sequence } of (await one.store.readEvents({ after: seen, limit: 10 })).events) {
          assert.equal(sequence, seen + 1, 'an event became visible after a later one');
          seen = sequence;
        }
        await new Promise(setImmediate);
      }
    })();
    await Promise.all(Array.from({ length: 60 }, (_, i) => (i % 2 ? one : other).create({ userId: `user ${i}` })));
    open = false;
    await follower;
    assert.equal(seen, 60);
  }),
  twoNodes('each keeps its row, and sees the other’s', async (one, other) => {
    await one.store.renewNode(nodeRow('n1', 1));
    await other.store.renewNode(nodeRow('n2', 7));
    assert.equal((await one.store.listNodes()).nodes.length, 2);
    const entry = await other.logOne();
    assert.deepEqual(positionOf(await one.store.renewNode(nodeRow('n1', 2))), positionOf(entry));
  }),
  twoNodes(
    'both see one incarnation, and an incarnation that one of them confirmed is confirmed',
    async (one, other) => {
      const { incarnation } = await one.store.logHead();
      assert.equal((await other.store.logHead()).incarnation, incarnation);
      await one.store.confirmIncarnation(incarnation);
      const said = await other.store.listNodes();
      assert.deepEqual([said.incarnation, said.confirmed], [incarnation, true]);
    },
  ),
];
