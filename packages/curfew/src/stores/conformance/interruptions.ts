import assert from 'node:assert/strict';
import type { CurfewError } from '../../errors.ts';
import { allOfUser, type Case, everyone, group, logout, note, random, start, user, World } from './harness.ts';

/** One write, and what of it can be seen: asked twice, it must look as if asked once. */
type Write = {
  what: string;
  prepare(world: World): Promise<(on: World) => Promise<unknown>>;
  /** How often it happened. */
  times(world: World): Promise<number>;
};

const countEvents = (type: string) => async (world: World) =>
  (await world.events()).filter((event) => event.type === type).length;

const writes: Write[] = [
  {
    what: 'a creation',
    async prepare(world) {
      const session = world.plan({ name: 'desk' });
      return (on) => on.tryCreate(session);
    },
    times: async (world) => (await world.list()).length,
  },
  {
    what: 'an end',
    async prepare(world) {
      const { id } = await world.create();
      return (on) => on.store.endSession(id, logout());
    },
    times: (world) => world.head(),
  },
  {
    what: 'a change by version',
    async prepare(world) {
      const { id, version } = await world.create();
      const set = { tokenHash: random(32) };
      return (on) => on.store.changeSession({ id, version, set, logged: true, now: start });
    },
    times: (world) => world.head(),
  },
  {
    what: 'a change of groups',
    async prepare(world) {
      await world.createMany(3);
      const change = { add: group('staff'), remove: [] };
      return (on) => on.store.changeGroups({ userId: user('ada'), change, by: 'policy', now: start });
    },
    times: (world) => world.head(),
  },
  {
    what: 'an account',
    async prepare(world) {
      const account = world.account('ada', 'ada@example.com');
      return (on) => on.store.createAccount(account, note('account.created'));
    },
    times: countEvents('account.created'),
  },
];

/** Both are honest: it may have happened; or it has surely not, and then it has not. */
const honest = ['outcome_unknown', 'store_unavailable'];

export const interruptionCases: Case[] = [
  ...(['request', 'reply'] as const).flatMap((moment) =>
    writes.map(
      ({ what, prepare, times }): Case => ({
        name: `${what} whose connection breaks ${moment === 'reply' ? 'before its reply' : 'before it arrives'} is no success; repeated, it happens once`,
        async run(world) {
          if (!world.opened.breaking) return;
          const write = await prepare(world);
          const before = await times(world);
          const broken = new World({ ...world.opened, store: await world.opened.breaking(moment) });
          const fault = await write(broken).then(
            () => assert.fail('a write without a reply was reported as a success'),
            (error: CurfewError) => error,
          );
          assert.ok(honest.includes(fault.code), `${fault.code}: ${fault.message}`);
          const happened = (await times(world)) - before;
          assert.equal(happened, moment === 'reply' ? 1 : 0);
          if (happened > 0) assert.equal(fault.code, 'outcome_unknown', 'it happened, and was said not to have');
          // The same client, without a restart; a compare-and-set finds another version, which is an answer too.
          await write(broken);
          assert.equal((await times(world)) - before, 1);
        },
      }),
    ),
  ),
  {
    name: 'an end of all whose reply is lost is over when it is repeated; and what came between has ended too',
    async run(world) {
      if (!world.opened.breaking) return;
      for (const end of ['user', 'everyone']) {
        const { id } = await world.create({ userId: end });
        const broken = await world.opened.breaking('reply');
        const write = () =>
          end === 'user' ? broken.endSessionsOfUser(user(end), allOfUser()) : broken.endEveryone(everyone());
        await assert.rejects(write(), { code: 'outcome_unknown' });
        assert.equal((await world.view(id)).status, 'ended');
        await write();
        assert.equal((await world.view((await world.create({ userId: end })).id)).status, 'active');
        assert.equal(await world.store.countActive(start, user(end)), 1);
      }
    },
  },
  {
    name: 'a read whose connection breaks is asked again, or is an error; never an answer that says "not there"',
    async run(world) {
      if (!world.opened.breaking) return;
      const { id } = await world.create();
      for (const moment of ['request', 'reply'] as const) {
        const broken = await world.opened.breaking(moment);
        const found = await broken.readSession(id).catch((error: CurfewError) => error.code);
        assert.ok(found !== undefined, 'a fault was told as absence');
      }
    },
  },
];
