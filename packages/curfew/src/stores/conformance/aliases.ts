import assert from 'node:assert/strict';
import { type Alias, spend } from '../../domain/alias.ts';
import { minute } from '../../domain/limits.ts';
import type { CreationOutcome } from '../contract.ts';
import {
  allOfUser,
  type Case,
  everyone,
  forever,
  group,
  hour,
  ids,
  logout,
  newAlias,
  random,
  start,
  user,
} from './harness.ts';

const kindsOf = (outcomes: readonly CreationOutcome[]) => outcomes.map(({ kind }) => kind).sort();

export const aliasCases: Case[] = [
  {
    name: 'an alias leads to its session, and no other secret and no other kind does',
    async run(fixture) {
      const [first, second, other] = [newAlias('express'), newAlias('django'), newAlias('express')];
      const session = await fixture.create({ aliases: [first, second] });
      await fixture.create({ aliases: [other] });
      for (const alias of [first, second]) {
        assert.deepEqual(await fixture.store.readSessionByAlias(alias), { stored: session, epochEnd: undefined });
      }
      for (const alias of [newAlias('express'), { ...first, kind: 'django' }, { ...first, kind: 'expres' }]) {
        assert.equal(await fixture.store.readSessionByAlias(alias), undefined);
      }
    },
  },
  {
    name: 'an alias that any session has is refused to every other, until that session is deleted',
    async run(fixture) {
      const alias = newAlias();
      const { id } = await fixture.create({ aliases: [alias], idle: hour });
      const taken = { kind: 'alias_taken', holder: id };
      const attempt = (userId: string) => fixture.tryCreate(fixture.plan({ userId, aliases: [newAlias(), alias] }));
      assert.deepEqual(await attempt('ada'), taken);
      assert.deepEqual(await attempt('bob'), taken);
      await fixture.store.endSession(id, logout(start + 1));
      assert.deepEqual(await attempt('ada'), taken, 'an ended session was replaced by its old cookie');
      await fixture.sweep(start + 2, hour);
      assert.deepEqual(await attempt('bob'), taken);
      assert.equal((await fixture.store.readSessionByAlias(alias))?.stored.end?.reason, 'logout');
      await fixture.sweep(start + 2 * hour, hour);
      assert.equal(await fixture.store.readSessionByAlias(alias), undefined);
      assert.equal((await attempt('bob')).kind, 'created');
    },
  },
  {
    name: 'of several aliases that are taken, the first one tells which session has it',
    async run(fixture) {
      const aliases = [newAlias(), newAlias(), newAlias()];
      const ids = [];
      for (const alias of aliases) ids.push((await fixture.create({ aliases: [alias] })).id);
      for (const order of [
        [0, 1, 2],
        [2, 0, 1],
        [1, 2, 0],
      ]) {
        const plan = fixture.plan({ aliases: [newAlias(), ...order.map((i) => aliases[i]!)] });
        assert.deepEqual(await fixture.tryCreate(plan), { kind: 'alias_taken', holder: ids[order[0]!] });
      }
    },
  },
  {
    name: 'a creation that is refused for an alias leaves nothing: no session, no event, and its other aliases are free',
    async run(fixture) {
      const [taken, free] = [newAlias(), newAlias()];
      await fixture.create({ aliases: [taken] });
      const events = (await fixture.events()).length;
      const refused = fixture.plan({ userId: 'bob', aliases: [free, taken], groups: ['a'] });
      assert.equal((await fixture.tryCreate(refused)).kind, 'alias_taken');
      assert.equal(await fixture.store.readSession(refused.id), undefined);
      assert.equal(await fixture.store.readSessionByAlias(free), undefined);
      assert.equal(await fixture.store.countActive(start), 1);
      assert.equal((await fixture.events()).length, events);
      assert.equal((await fixture.create({ aliases: [free] })).aliases.length, 1);
    },
  },
  {
    name: 'of sixteen creations with one alias at the same moment one is made, and the others name it',
    async run(fixture) {
      const other = (await fixture.opened.another?.()) ?? fixture.store;
      for (let round = 0; round < 4; round++) {
        const alias = newAlias();
        const plans = Array.from({ length: 16 }, (_, i) =>
          fixture.plan({ userId: `user ${i}`, aliases: [alias], ...(i % 4 === 3 && { name: `n${round} ${i}` }) }),
        );
        const creations = plans.map((session, i) =>
          (i % 2 === 0 ? fixture.store : other).createSession({
            session,
            epochs: 'current',
            by: 'key:test',
            now: start,
          }),
        );
        const outcomes = await Promise.all(creations);
        assert.deepEqual(kindsOf(outcomes), [...Array(15).fill('alias_taken'), 'created']);
        const made = outcomes.findIndex(({ kind }) => kind === 'created');
        for (const outcome of outcomes) {
          if (outcome.kind === 'alias_taken') assert.equal(outcome.holder, plans[made]!.id);
        }
        assert.equal((await fixture.store.readSessionByAlias(alias))?.stored.id, plans[made]!.id);
        assert.equal(await fixture.store.countActive(start), round + 1);
      }
    },
  },
  {
    name: 'a repeated creation with aliases happens once',
    async run(fixture) {
      const session = fixture.plan({ aliases: [newAlias()] });
      const first = await fixture.tryCreate(session);
      assert.equal(first.kind, 'created');
      assert.deepEqual(await fixture.tryCreate(session), first);
      assert.deepEqual(kindsOf(await Promise.all([fixture.tryCreate(session), fixture.tryCreate(session)])), [
        'created',
        'created',
      ]);
      assert.equal((await fixture.list()).length, 1);
    },
  },
  {
    name: 'what stands in the way of a creation besides an alias comes first',
    async run(fixture) {
      const alias = newAlias();
      const held = await fixture.create({ userId: 'bob', name: 'desk', aliases: [alias] });
      const attempt = (more: object, condition: object = {}) =>
        fixture.tryCreate(fixture.plan({ aliases: [alias], ...more }), condition);
      assert.equal((await attempt({ name: 'desk' })).kind, 'name_taken');
      await fixture.create();
      const limit = { max: 1, excess: 'refuse' as const };
      assert.equal((await attempt({}, { limit })).kind, 'too_many');
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser());
      assert.equal((await attempt({}, { epochs: { user: 0, everyone: 0 } })).kind, 'epoch_moved');
      const replace = { max: 1, excess: 'replace' as const };
      await fixture.create();
      assert.deepEqual(await attempt({ name: 'door' }, { limit: replace }), { kind: 'alias_taken', holder: held.id });
      assert.equal(await fixture.store.countActive(start), 2, 'a refused creation has replaced a session');
      assert.equal(await fixture.store.readNamed('door' as never), undefined);
    },
  },
  {
    name: 'aliases stay with their session, whatever changes; one that is spent stays spent',
    async run(fixture) {
      const aliases = [newAlias('express'), newAlias('django')];
      const { id } = await fixture.create({ aliases });
      const now = start + minute;
      let expected: readonly Alias[] = aliases;
      const stay = async () => {
        for (const alias of aliases) {
          const found = await fixture.store.readSessionByAlias(alias);
          assert.equal(found?.stored.id, id);
          assert.deepEqual(found.stored.aliases, expected);
        }
      };
      const set = { tokenHash: random(32), lastSeenAt: now };
      await fixture.store.changeSession({ id, version: 1, set, logged: true, now });
      await stay();
      await fixture.store.touchSessions([{ id, at: now + 1 }]);
      const groups = { add: group('a'), remove: [] };
      await fixture.store.changeGroups({ userId: user('ada'), change: groups, by: 'key:test', now });
      await stay();
      const { version } = (await fixture.snapshot(id)).stored;
      expected = spend(aliases, aliases[1]!, now);
      const spent = { id, version, set: { aliases: expected }, logged: true, now };
      assert.equal((await fixture.store.changeSession(spent)).kind, 'changed');
      await stay();
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser(now + 2), { except: id });
      await stay();
      await fixture.store.endSession(id, logout(now + 3));
      await fixture.sweep(now + 4);
      await stay();
      if (!fixture.opened.reopen) return;
      await fixture.reopen();
      await stay();
    },
  },
  {
    name: 'the session of an alias is read with the end that an epoch or a deadline gave it',
    async run(fixture) {
      const aliases = [newAlias(), newAlias(), newAlias()];
      const of = (i: number, plan: object) => fixture.create({ aliases: [aliases[i]!], ...plan });
      await of(0, { userId: 'ada' });
      await of(1, { userId: 'bob' });
      const due = await of(2, { userId: 'cyd', idle: hour });
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + 1));
      assert.equal((await fixture.store.readSessionByAlias(aliases[0]!))?.epochEnd?.reason, 'all_of_user');
      await fixture.store.endEveryone(everyone(start + 2));
      assert.equal((await fixture.store.readSessionByAlias(aliases[1]!))?.epochEnd?.reason, 'everyone');
      for (let i = 0; i < 3; i++) {
        const attempt = fixture.plan({ aliases: [aliases[i]!], at: start + 2 * hour });
        assert.equal((await fixture.tryCreate(attempt)).kind, 'alias_taken');
      }
      await fixture.sweep(start + 2 * hour);
      assert.equal((await fixture.store.readSessionByAlias(aliases[2]!))?.stored.id, due.id);
      await fixture.sweep(start + forever, hour);
      for (const alias of aliases) assert.equal(await fixture.store.readSessionByAlias(alias), undefined);
    },
  },
  {
    name: 'no list shows an alias, and no text finds it',
    async run(fixture) {
      const alias = newAlias('express');
      const { id } = await fixture.create({ aliases: [alias] });
      const sessions = await fixture.list();
      assert.deepEqual(ids(sessions), [id]);
      assert.doesNotMatch(
        JSON.stringify([sessions, await fixture.events()]),
        new RegExp(`alias|express|${alias.hash}`),
      );
      assert.deepEqual(await fixture.list({ text: alias.hash.toLowerCase() }), []);
      assert.deepEqual(await fixture.list({ text: 'express' }), []);
    },
  },
];
