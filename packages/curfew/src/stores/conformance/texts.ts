import assert from 'node:assert/strict';
import type { SessionId } from '../../domain/brand.ts';
import { type Case, ids, logout, name, note, start, user } from './harness.ts';

/** Text that an engine's own handling of encodings, order or patterns could break. */
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
    name: 'any text is kept unchanged: U+0000, quotes, patterns, characters beyond the first plane',
    async run(fixture) {
      for (const text of odd) {
        const session = {
          ...fixture.plan({
            userId: `user ${odd.indexOf(text)}`,
            userAgent: text,
            groups: [`g ${text.replace('\u0000', '')}`],
          }),
          metadata: { [text]: text, list: [text] },
        };
        assert.equal((await fixture.tryCreate(session)).kind, 'created');
        assert.deepEqual((await fixture.snapshot(session.id)).stored, session);
        await fixture.store.appendEvent({ ...note('login.failed'), details: { username: text } });
        const account = { ...fixture.account(`name${odd.indexOf(text)}`), name: text };
        await fixture.store.createAccount(account, note('account.created'));
        assert.deepEqual((await fixture.store.readUser(account.id)).account, account);
        const slot = { ...fixture.slot(`slot-${odd.indexOf(text)}`), config: { [text]: text } };
        await fixture.store.createNamed(slot, note('named_session.created'));
        assert.deepEqual(await fixture.store.readNamed(slot.name), slot);
        assert.ok(await fixture.store.takeAttempt(`login:${odd.indexOf(text)}`, { max: 1, window: 1000 }, start));
      }
      const told = (await fixture.events()).filter(({ type }) => type === 'login.failed');
      assert.deepEqual(
        told.map(({ details }) => details?.['username']),
        odd,
      );
    },
  },
  {
    name: 'a search for any text finds nothing, does not fail and does not disturb other calls',
    async run(fixture) {
      const { id } = await fixture.create();
      for (const text of odd) {
        const other = fixture.store.readSession(id);
        assert.equal(await fixture.store.readSession(text as SessionId), undefined);
        assert.ok(await other, 'another call failed with it');
        assert.deepEqual(await fixture.store.endSession(text as SessionId, logout()), { kind: 'not_found' });
        assert.equal((await fixture.store.readUser(user(text))).account, undefined);
        assert.equal(await fixture.store.findAccount({ username: text }), undefined);
        assert.equal(await fixture.store.findAccount({ email: text }), undefined);
        assert.equal(await fixture.store.readNamedSession(name(text)), undefined);
        assert.deepEqual(await fixture.list({ userId: user(text) }), []);
        assert.deepEqual(await fixture.list({ ip: text }), []);
        await fixture.store.listSessions({ filter: {}, after: text as SessionId, limit: 1, now: start, budget: 1000 });
        await fixture.store.listAccounts({ after: text, limit: 1, text });
      }
      assert.equal((await fixture.view(id)).status, 'active');
    },
  },
  {
    name: 'names and users are ordered by their bytes, the same on every engine',
    async run(fixture) {
      const names = ['Z', 'a', 'B', '_', '-', '10', '9', 'aa', 'a-', 'A'];
      for (const text of names) await fixture.store.createNamed(fixture.slot(text), note('named_session.created'));
      const listed = (await fixture.store.listNamed({ limit: 100 })).slots.map((slot) => slot.name as string);
      assert.deepEqual(listed, [...names].sort());
      for (const text of names) await fixture.store.createAccount(fixture.account(text), note('account.created'));
      const { accounts } = await fixture.store.listAccounts({ limit: 100 });
      assert.deepEqual(
        accounts.map(({ username }) => username),
        [...names].sort(),
      );
      const one = await fixture.create({ userId: 'A' });
      await fixture.create({ userId: 'a', at: start + 1 });
      assert.deepEqual(ids(await fixture.list({ userId: user('A') })), [one.id]);
    },
  },
];
