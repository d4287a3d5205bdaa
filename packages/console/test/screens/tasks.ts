import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type Hand, handOf, ways } from '../support/hands.ts';
import { openForAda, userAgents } from '../support/people.ts';
import { accessible, type Visit, visit } from '../support/visit.ts';
import { codeOf, newPerson, newWorld, type Person, skip, tokenOf, type World } from '../support/world.ts';

/*
 * What people come for, each by mouse, by keyboard alone and with a screen reader.
 */

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

/** What a task does, with the page open; and how to tell that it is done. */
type Doing = Visit & { hand: Hand; way: number };

type Task = {
  what: string;
  begin(way: number): Promise<{ world: World; as: 'admin' | 'support' | Person; to: string }>;
  work(doing: Doing): Promise<void>;
};

let shared: World;
/** In the afternoon of yesterday, by the clocks of the people who look at the page. */
let yesterday: World;

const statusOf = async (world: World, id: string) =>
  (await world.server.call('GET', `/v1/sessions/${id}`)).body.session;

/** The minutes are over for which the code of the sign-in counts. */
const later = (world: World) => world.clock.advance(6 * minute);

let ada: Awaited<ReturnType<typeof openForAda>>;
let others: string[];
let somebody: Person;

const tasks: readonly Task[] = [
  {
    what: 'find Ada and end her stolen laptop with a code',
    async begin(way) {
      ada = await openForAda(shared, `198.51.100.${20 + way}`);
      return { world: shared, as: 'support', to: '#/sessions' };
    },
    async work({ hand, world, way, expect }) {
      expect(403);
      later(world);
      await hand.fill('searchbox', 'Search', `198.51.100.${20 + way}`);
      await hand.hears('1 session found');
      await hand.press('button', `End: Chrome on Windows, ada, 198.51.100.${20 + way}`);
      await hand.isAsked('End this session?');
      await hand.has('button', 'End it');
      await hand.press('button', 'End it');
      await hand.isAsked('Confirm that it is you');
      await hand.has('textbox', 'Code');
      await hand.fill('textbox', 'Code', codeOf(world, 'support'));
      await hand.press('button', 'Confirm');
      await hand.hears(/In force everywhere, \d+ ms/);
      await hand.has('button', 'Done');
      await hand.press('button', 'Done');
      await hand.reads('Chrome on Windows', 'ada', 'Ended');
      const { status, endReason, endedBy } = await statusOf(world, ada.laptop);
      assert.deepEqual([status, endReason, endedBy], ['ended', 'ended_by_admin', `user:${world.people.support.id}`]);
      assert.equal((await statusOf(world, ada.phone)).status, 'active');
    },
  },
  {
    what: 'end all sessions but one’s own',
    async begin(way) {
      somebody = await newPerson(shared, `traveller${way}`, 'member');
      const open = () => tokenOf(shared, somebody, userAgents.safariOnIphone);
      others = [await open(), await open(), await open()];
      return { world: shared, as: somebody, to: '#/devices' };
    },
    async work({ hand, world, expect, context }) {
      expect(403);
      world.clock.advance(16 * minute);
      await hand.press('button', 'End all others …');
      await hand.isAsked('End all other sessions?');
      await hand.has('textbox', 'Type 3 to confirm');
      await hand.fill('textbox', 'Type 3 to confirm', '3');
      await hand.press('button', 'End all 3');
      await hand.isAsked('Confirm that it is you');
      await hand.fill('textbox', 'Code', codeOf(world, somebody));
      await hand.press('button', 'Confirm');
      await hand.hears('3 sessions have ended.');
      await hand.press('button', 'Done');
      for (const token of others) assert.equal((await world.server.verify(token)).active, false);
      const mine = (await context.cookies())[0]!.value;
      assert.equal((await world.server.verify(mine)).active, true);
    },
  },
  {
    what: 'end everything from an address',
    async begin(way) {
      const more = { ip: `198.51.100.${50 + way}`, userAgent: userAgents.curl };
      for (const userId of ['eve', 'mallory', 'trudy']) await shared.server.createSession(userId, more);
      return { world: shared, as: 'admin', to: '#/sessions' };
    },
    async work({ hand, world, way }) {
      const ip = `198.51.100.${50 + way}`;
      await hand.press('button', 'More filters');
      await hand.fill('textbox', 'Address', ip);
      await hand.press('button', 'Apply');
      await hand.hears('3 sessions found');
      await hand.press('button', 'End all that match …');
      await hand.isAsked('End 3 sessions?');
      await hand.has('textbox', 'Type 3 to confirm');
      await hand.fill('textbox', 'Type 3 to confirm', '3');
      await hand.press('button', 'End all 3');
      await hand.hears('3 sessions have ended.');
      await hand.hears(/In force everywhere, \d+ ms/);
      await hand.press('button', 'Done');
      assert.deepEqual((await world.server.call('GET', `/v1/sessions?status=active&ip=${ip}`)).body.sessions, []);
    },
  },
  {
    what: 'see who ended what yesterday, and why',
    begin: async () => ({ world: yesterday, as: 'admin', to: '#/audit' }),
    async work({ hand, page }) {
      await hand.choose('What happened', 'Session ended');
      await hand.press('button', 'Yesterday');
      await hand.hears('Past events only');
      await hand.reads('Session ended', 'Ended by an administrator', 'ada', 'support', '15:');
      // She was signed out today. What was shown before stays until the answer is there.
      await page.getByRole('row').filter({ hasText: 'grace' }).first().waitFor({ state: 'detached' });
    },
  },
  {
    what: 'reset the second factor of somebody who has lost it',
    async begin(way) {
      somebody = await newPerson(shared, `locked-out${way}`, 'member');
      return { world: shared, as: 'admin', to: '#/accounts' };
    },
    async work({ hand, world, expect }) {
      expect(403);
      later(world);
      await hand.fill('searchbox', 'Find by name or address', somebody.username);
      await hand.press('link', somebody.username);
      await hand.press('button', 'Remove');
      await hand.isAsked(new RegExp(`^Remove the second factor of .*${somebody.username}`));
      await hand.press('button', 'Remove');
      await hand.isAsked('Confirm that it is you');
      await hand.fill('textbox', 'Code', codeOf(world, 'admin'));
      await hand.press('button', 'Confirm');
      await hand.hears('The second factor has been removed.');
      const { status } = await world.server.login(somebody.username, somebody.password);
      assert.equal(status, 200, 'the password alone signs in');
    },
  },
  {
    what: 'end everybody’s sessions and watch the receipt',
    async begin() {
      const world = await newWorld();
      await openForAda(world);
      return { world, as: 'admin', to: '#/sessions' };
    },
    async work({ hand, page, world, expect }) {
      expect(401, 403);
      const { total } = (await world.server.call('GET', '/v1/sessions?status=active')).body;
      await hand.press('button', 'End everybody’s sessions …');
      await hand.isAsked('End everybody’s sessions?');
      await accessible(page);
      await hand.press('checkbox', 'Yes, sign me out here as well');
      await hand.fill('textbox', `Type ${total} to confirm`, String(total));
      await hand.press('button', `End all ${total}`);
      await hand.hears(`${total} sessions have ended.`);
      await hand.hears(/In force everywhere, \d+ ms/);
      assert.equal((await world.server.call('GET', '/v1/sessions?status=active')).body.total, 0);
      // It stays until it was read; then one signs in again.
      await hand.has('button', 'Done');
      await accessible(page);
      await hand.press('button', 'Done');
      await hand.hears('You are signed out.');
      await accessible(page);
    },
  },
];

describe('the six tasks', { skip }, () => {
  before(async () => {
    shared = await newWorld();
    yesterday = await dayBefore();
  });
  for (const { what, begin, work } of tasks) {
    for (const [way, how] of ways.entries()) {
      test(`${what}, ${how}`, async (t) => {
        const { world, as, to } = await begin(way);
        const seen = await visit(t, { world, as, to });
        await work({ ...seen, hand: handOf(seen.page, how), way });
      });
    }
  }
});

/** A server on which Ada was signed out by support yesterday at three, and Grace today. */
async function dayBefore(): Promise<World> {
  // The browsers of these tests are in Lagos, an hour ahead of UTC.
  const midnight = Math.floor((Date.now() + hour) / day) * day - hour;
  const world = await newWorld({}, Date.now() - (midnight - 9 * hour));
  const end = async (userId: string) => {
    const { session } = await world.server.createSession(userId, { userAgent: userAgents.chromeOnWindows });
    const as = await tokenOf(world, 'support');
    await world.server.call('DELETE', `/v1/sessions/${session.id}`, undefined, { as });
  };
  await end('ada');
  world.clock.advance(midnight + minute - world.clock.now());
  await end('grace');
  world.clock.advance(Math.max(0, Date.now() - minute - world.clock.now()));
  return world;
}
