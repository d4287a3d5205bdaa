import assert from 'node:assert/strict';
import type { SessionId } from '../../domain/brand.ts';
import { endOf } from '../../domain/session.ts';
import { allOfUser, type Case, everyone, group, logout, note, random, start, user } from './harness.ts';

export const logCases: Case[] = [
  {
    name: 'R15: the log is dense under any mix of concurrent changes, and each answer names its entry',
    async run(fixture) {
      const sessions = await fixture.createMany(60, { groups: ['a'] });
      const answers = await Promise.all(
        sessions.map(async ({ id, userId, version }, i): Promise<number | undefined> => {
          const now = start + 100;
          if (i % 10 === 9) return (await fixture.store.endEveryone(everyone(now))).sequence;
          if (i % 5 === 3) {
            const outcome = await fixture.store.endSessionsOfUser(user(`other ${i}`), allOfUser(now));
            return outcome.kind === 'ended' ? outcome.sequence : undefined;
          }
          if (i % 3 === 0) {
            const change = { add: group(`g${i}`), remove: [] };
            await fixture.store.changeGroups({ userId, change, only: id, by: 'policy', now });
            return undefined;
          }
          if (i % 3 === 1) {
            const outcome = await fixture.store.changeSession({
              id,
              version,
              set: { suspended: true },
              logged: true,
              now,
            });
            return outcome.kind === 'changed' ? outcome.sequence : undefined;
          }
          const outcome = await fixture.store.endSession(id, logout(now));
          return outcome.kind === 'ended' ? outcome.end.sequence : undefined;
        }),
      );
      const log = await fixture.log();
      assert.deepEqual(
        log.map(({ sequence }) => sequence),
        log.map((_, i) => i + 1),
      );
      assert.equal(await fixture.head(), log.length);
      const named = answers.filter((sequence) => sequence !== undefined);
      assert.equal(new Set(named).size, named.length, 'two changes got one entry');
      for (const sequence of named) assert.ok(log[sequence - 1], `entry ${sequence} is not there`);
    },
  },
  {
    name: 'R15: a reader of an entry sees its change, and a caller with an answer sees its entry',
    async run(fixture) {
      const sessions = await fixture.createMany(80);
      let applied = 0;
      let open = true;
      const reader = (async () => {
        while (open || applied < (await fixture.head())) {
          for (const entry of await fixture.store.readLog(applied + 1, 100)) {
            assert.equal(entry.sequence, applied + 1, 'an entry was skipped');
            applied = entry.sequence;
            assert.ok('sessionId' in entry);
            const { stored, epochEnd } = await fixture.snapshot(entry.sessionId);
            assert.ok(endOf(stored, epochEnd, start), 'an entry was visible before its change');
          }
          await new Promise(setImmediate);
        }
      })();
      const writers = Promise.all(
        sessions.map(async ({ id }) => {
          const outcome = await fixture.store.endSession(id, logout());
          assert.ok(outcome.kind === 'ended');
          assert.ok((await fixture.head()) >= outcome.end.sequence);
          assert.ok(endOf((await fixture.snapshot(id)).stored, undefined, start));
        }),
      ).finally(() => {
        open = false;
      });
      await Promise.all([reader, writers]);
      assert.equal(applied, 80);
    },
  },
  {
    name: 'the log is read from any entry on, inclusive, a piece at a time',
    async run(fixture) {
      for (const { id } of await fixture.createMany(10)) await fixture.store.endSession(id, logout());
      const read = async (from: number, limit: number) =>
        (await fixture.store.readLog(from, limit)).map(({ sequence }) => sequence);
      assert.deepEqual(await read(0, 3), [1, 2, 3]);
      assert.deepEqual(await read(3, 100), [3, 4, 5, 6, 7, 8, 9, 10]);
      assert.deepEqual(await read(10, 100), [10]);
      assert.deepEqual(await read(11, 100), []);
    },
  },
  {
    name: 'keycloak 51127, better-auth 11073, express-session 632: R20: an end wins every race',
    async run(fixture) {
      for (let round = 0; round < 15; round++) {
        const { id, version, userId } = await fixture.create({ userId: `racer ${round}` });
        const now = start + 1;
        await Promise.all([
          fixture.store.touchSessions([{ id, at: now }]),
          fixture.store.changeSession({ id, version, set: { tokenHash: random(32) }, logged: true, now }),
          round % 2
            ? fixture.store.endSession(id, logout(now))
            : fixture.store.endSessionsOfUser(userId, allOfUser(now)),
          fixture.store.changeGroups({ userId, change: { add: group('a'), remove: [] }, by: 'policy', now }),
          fixture.store.changeSession({ id, version, set: { suspended: false }, logged: true, now }),
          fixture.store.touchSessions([{ id, at: now + 1 }]),
        ]);
        assert.equal((await fixture.view(id, now)).status, 'ended');
        const { version: last } = (await fixture.snapshot(id)).stored;
        assert.ok(last >= version, 'a version went back');
        const revive = { id, version: last, set: { suspended: false }, logged: true, now };
        assert.equal((await fixture.store.changeSession(revive)).kind, 'ended');
      }
    },
  },
  {
    name: 'CVE-2026-1035: of 64 concurrent changes with one version, one wins',
    async run(fixture) {
      const { id, version } = await fixture.create();
      const outcomes = await Promise.all(
        Array.from({ length: 64 }, () =>
          fixture.store.changeSession({ id, version, set: { tokenHash: random(32) }, logged: true, now: start }),
        ),
      );
      const won = outcomes.filter(({ kind }) => kind === 'changed');
      assert.equal(won.length, 1);
      assert.equal(outcomes.filter(({ kind }) => kind === 'conflict').length, 63);
      assert.equal(await fixture.head(), 1);
    },
  },
  {
    name: 'everything acknowledged is still there after reopening',
    async run(fixture) {
      if (!fixture.opened.reopen) return;
      const account = fixture.account('ada', 'ada@example.com');
      await fixture.store.createAccount(account, note('account.created'));
      const [live, ended, grouped] = await fixture.createMany(3, { userId: account.id });
      await fixture.create({ userId: 'bob' });
      await fixture.create({ userId: 'carol', name: 'desk' });
      await fixture.store.endSession(ended!.id, logout(start + 5));
      await fixture.store.endSessionsOfUser(user('bob'), allOfUser(start + 6));
      const change = { add: group('staff'), remove: [] };
      await fixture.store.changeGroups({ userId: account.id, change, only: grouped!.id, by: 'policy', now: start + 7 });
      const contents = async () => ({
        sessions: await fixture.list({}, start + 9),
        log: await fixture.log(),
        events: await fixture.events(),
        account: await fixture.store.findAccount({ username: 'ada' }),
        active: await fixture.store.countActive(start + 9),
        time: await fixture.store.latestTime(),
      });
      const before = await contents();
      assert.ok(before.time >= start + 7);
      await fixture.reopen();
      assert.deepEqual(await contents(), before);
      assert.deepEqual((await fixture.store.readUser(user('bob'))).epochs, { user: 1, everyone: 0 });
      assert.equal((await fixture.tryCreate(fixture.plan({ name: 'desk' }))).kind, 'name_taken');
      const next = await fixture.store.endSession(live!.id, logout(start + 9));
      assert.ok(next.kind === 'ended' && next.end.sequence === before.log.length + 1, 'a sequence was used again');
      assert.deepEqual(ids(await fixture.list({ accessGroup: group('staff')[0] })), [grouped!.id]);
    },
  },
  {
    name: 'a trial of writing leaves nothing behind',
    async run(fixture) {
      await fixture.store.tryWriting();
      const { id } = await fixture.create();
      const seen = async () => ({
        log: await fixture.log(),
        events: await fixture.events(),
        session: await fixture.view(id),
        active: await fixture.store.countActive(start),
        time: await fixture.store.latestTime(),
      });
      const before = await seen();
      await Promise.all([1, 2, 3].map(() => fixture.store.tryWriting()));
      assert.deepEqual(await seen(), before);
    },
  },
  {
    name: 'every call on a closed store fails as unavailable',
    async run(fixture) {
      const { id } = await fixture.create();
      await fixture.store.close();
      const calls = [
        () => fixture.store.readSession(id),
        () => fixture.store.endSession(id, logout()),
        () => fixture.tryCreate(fixture.plan()),
        () => fixture.store.endEveryone(everyone()),
        () => fixture.store.ping(),
        () => fixture.store.tryWriting(),
      ];
      for (const call of calls) await assert.rejects(async () => call(), { code: 'store_unavailable' });
      await fixture.store.close();
    },
  },
];

function ids(sessions: readonly { id: SessionId }[]): SessionId[] {
  return sessions.map(({ id }) => id);
}
