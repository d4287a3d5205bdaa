import assert from 'node:assert/strict';
import type { CurfewError } from '../../errors.ts';
import { allOfUser, type Case, everyone, group, logout, note, random, StoreFixture, start, user } from './harness.ts';

/** One write and how to count its effect: done twice, it must look as if done once. */
type Write = {
  what: string;
  prepare(fixture: StoreFixture): Promise<(on: StoreFixture) => Promise<unknown>>;
  /** How often it happened. */
  times(fixture: StoreFixture): Promise<number>;
};

const countEvents = (type: string) => async (fixture: StoreFixture) =>
  (await fixture.events()).filter((event) => event.type === type).length;

const writes: Write[] = [
  {
    what: 'a creation',
    async prepare(fixture) {
      const session = fixture.plan({ name: 'desk' });
      return (on) => on.tryCreate(session);
    },
    times: async (fixture) => (await fixture.list()).length,
  },
  {
    what: 'an end',
    async prepare(fixture) {
      const { id } = await fixture.create();
      return (on) => on.store.endSession(id, logout());
    },
    times: (fixture) => fixture.head(),
  },
  {
    what: 'a change by version',
    async prepare(fixture) {
      const { id, version } = await fixture.create();
      const set = { tokenHash: random(32) };
      return (on) => on.store.changeSession({ id, version, set, logged: true, now: start });
    },
    times: (fixture) => fixture.head(),
  },
  {
    what: 'a change of groups',
    async prepare(fixture) {
      await fixture.createMany(3);
      const change = { add: group('staff'), remove: [] };
      return (on) => on.store.changeGroups({ userId: user('ada'), change, by: 'policy', now: start });
    },
    times: (fixture) => fixture.head(),
  },
  {
    what: 'an account',
    async prepare(fixture) {
      const account = fixture.account('ada', 'ada@example.com');
      return (on) => on.store.createAccount(account, note('account.created'));
    },
    times: countEvents('account.created'),
  },
];

/** Both are honest: the write may have happened, or it has certainly not happened. */
const honest = ['outcome_unknown', 'store_unavailable'];

export const interruptionCases: Case[] = [
  ...(['request', 'reply'] as const).flatMap((moment) =>
    writes.map(
      ({ what, prepare, times }): Case => ({
        name: `${what} whose connection breaks ${moment === 'reply' ? 'before its reply' : 'before it arrives'} does not succeed; repeated, it happens once`,
        async run(fixture) {
          if (!fixture.opened.breaking) return;
          const write = await prepare(fixture);
          const before = await times(fixture);
          const broken = new StoreFixture({ ...fixture.opened, store: await fixture.opened.breaking(moment, 'write') });
          const fault = await write(broken).then(
            () => assert.fail('a write without a reply was reported as a success'),
            (error: CurfewError) => error,
          );
          assert.ok(honest.includes(fault.code), `${fault.code}: ${fault.message}`);
          const happened = (await times(fixture)) - before;
          assert.equal(happened, moment === 'reply' ? 1 : 0);
          if (happened > 0)
            assert.equal(fault.code, 'outcome_unknown', 'it happened, and was reported as not having happened');
          // The same client retries without a restart. A compare-and-set finds another version, which is an answer too.
          await write(broken);
          assert.equal((await times(fixture)) - before, 1);
        },
      }),
    ),
  ),
  {
    name: 'ending all sessions completes when it is repeated after a lost reply, and ends sessions created in between too',
    async run(fixture) {
      if (!fixture.opened.breaking) return;
      for (const end of ['user', 'everyone']) {
        const { id } = await fixture.create({ userId: end });
        const broken = await fixture.opened.breaking('reply', 'write');
        const write = () =>
          end === 'user' ? broken.endSessionsOfUser(user(end), allOfUser()) : broken.endEveryone(everyone());
        await assert.rejects(write(), { code: 'outcome_unknown' });
        assert.equal((await fixture.view(id)).status, 'ended');
        await write();
        assert.equal((await fixture.view((await fixture.create({ userId: end })).id)).status, 'active');
        assert.equal(await fixture.store.countActive(start, user(end)), 1);
      }
    },
  },
  {
    name: 'a read whose connection breaks is repeated or fails; it never answers "not there"',
    async run(fixture) {
      if (!fixture.opened.breaking) return;
      const { id } = await fixture.create();
      for (const moment of ['request', 'reply'] as const) {
        const broken = await fixture.opened.breaking(moment, 'read');
        const found = await broken.readSession(id).catch((error: CurfewError) => error.code);
        assert.ok(found !== undefined, 'a fault was reported as absence');
      }
    },
  },
];
