import assert from 'node:assert/strict';
import type { SessionId } from '../../domain/brand.ts';
import { type Case, ids, logout, name, note, start, user } from './harness.ts';

/** What an engine's own idea of text, order or patterns could get in the way of. */
const odd = [
  '\u0000',
  'a\u0000b',
  "'; DROP TABLE sessions; --",
  '%_\\',
  '{"a":1}',
  '$1',
  '\ud83e\udd89',
  '\uffff',
  ' ',
];

export const textCases: Case[] = [
  {
    name: 'any text is kept as it is: U+0000, quotes, patterns, characters beyond the first plane',
    async run(world) {
      for (const text of odd) {
        const session = {
          ...world.plan({
            userId: `user ${odd.indexOf(text)}`,
            userAgent: text,
            groups: [`g ${text.replace('\u0000', '')}`],
          }),
          metadata: { [text]: text, list: [text] },
        };
        assert.equal((await world.tryCreate(session)).kind, 'created');
        assert.deepEqual((await world.snapshot(session.id)).stored, session);
        await world.store.appendEvent({ ...note('login.failed'), details: { username: text } });
        const account = { ...world.account(`name${odd.indexOf(text)}`), name: text };
        await world.store.createAccount(account, note('account.created'));
        assert.deepEqual((await world.store.readUser(account.id)).account, account);
        const slot = { ...world.slot(`slot-${odd.indexOf(text)}`), config: { [text]: text } };
        await world.store.createNamed(slot, note('named_session.created'));
        assert.deepEqual(await world.store.readNamed(slot.name), slot);
        assert.ok(await world.store.takeAttempt(`login:${odd.indexOf(text)}`, { max: 1, window: 1000 }, start));
      }
      const told = (await world.events()).filter(({ type }) => type === 'login.failed');
      assert.deepEqual(
        told.map(({ details }) => details?.['username']),
        odd,
      );
    },
  },
  {
    name: 'what is looked for may be any text: nothing is found, nothing fails, and nobody else is disturbed',
    async run(world) {
      const { id } = await world.create();
      for (const text of odd) {
        const other = world.store.readSession(id);
        assert.equal(await world.store.readSession(text as SessionId), undefined);
        assert.ok(await other, 'a question of somebody else failed with it');
        assert.deepEqual(await world.store.endSession(text as SessionId, logout()), { kind: 'not_found' });
        assert.equal((await world.store.readUser(user(text))).account, undefined);
        assert.equal(await world.store.findAccount({ username: text }), undefined);
        assert.equal(await world.store.findAccount({ email: text }), undefined);
        assert.equal(await world.store.readNamedSession(name(text)), undefined);
        assert.deepEqual(await world.list({ userId: user(text) }), []);
        assert.deepEqual(await world.list({ ip: text }), []);
        await world.store.listSessions({ filter: {}, after: text as SessionId, limit: 1, now: start, budget: 1000 });
        await world.store.listAccounts({ after: text, limit: 1, text });
      }
      assert.equal((await world.view(id)).status, 'active');
    },
  },
  {
    name: 'names and users are ordered by their bytes, on every engine alike',
    async run(world) {
      const names = ['Z', 'a', 'B', '_', '-', '10', '9', 'aa', 'a-', 'A'];
      for (const text of names) await world.store.createNamed(world.slot(text), note('named_session.created'));
      const listed = (await world.store.listNamed({ limit: 100 })).slots.map((slot) => slot.name as string);
      assert.deepEqual(listed, [...names].sort());
      for (const text of names) await world.store.createAccount(world.account(text), note('account.created'));
      const { accounts } = await world.store.listAccounts({ limit: 100 });
      assert.deepEqual(
        accounts.map(({ username }) => username),
        [...names].sort(),
      );
      const one = await world.create({ userId: 'A' });
      await world.create({ userId: 'a', at: start + 1 });
      assert.deepEqual(ids(await world.list({ userId: user('A') })), [one.id]);
    },
  },
];
