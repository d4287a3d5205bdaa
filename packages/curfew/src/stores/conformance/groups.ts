import assert from 'node:assert/strict';
import { type Case, changeOf, group, ids, logout, start, user } from './harness.ts';

export const groupCases: Case[] = [
  {
    name: 'groups change on all live sessions of a user at once, with one log entry and one event',
    async run(fixture) {
      const [one, two, gone] = await fixture.createMany(3, { groups: ['staff'] });
      const other = await fixture.create({ userId: 'bob', groups: ['staff'] });
      await fixture.store.endSession(gone!.id, logout());
      const change = { add: group('admin'), remove: group('staff') };
      const now = start + 10;
      const outcome = await fixture.store.changeGroups({ userId: user('ada'), change, by: 'key:test', now });
      assert.deepEqual(outcome, { kind: 'changed', updated: 2, sequence: 2 });
      assert.deepEqual((await fixture.view(one!.id)).accessGroups, ['admin']);
      assert.deepEqual((await fixture.view(two!.id)).accessGroups, ['admin']);
      assert.ok((await fixture.view(two!.id)).version > two!.version);
      assert.deepEqual((await fixture.view(gone!.id)).accessGroups, ['staff']);
      assert.deepEqual((await fixture.view(other.id)).accessGroups, ['staff']);
      assert.deepEqual(changeOf((await fixture.log())[1]!), { sequence: 2, at: now, userId: 'ada' });
      const told = (await fixture.events()).at(-1);
      assert.deepEqual([told?.type, told?.details], ['groups.changed', { ...change, updated: 2 }]);
    },
  },
  {
    name: 'a change that changes nothing logs nothing, and returns the head to wait for',
    async run(fixture) {
      const { id } = await fixture.create();
      const change = {
        userId: user('ada'),
        change: { add: group('a'), remove: [] },
        by: 'policy' as const,
        now: start,
      };
      assert.deepEqual(await fixture.store.changeGroups(change), { kind: 'changed', updated: 1, sequence: 1 });
      assert.deepEqual(await fixture.store.changeGroups(change), { kind: 'changed', updated: 0, sequence: 1 });
      assert.equal(await fixture.head(), 1);
      assert.deepEqual((await fixture.view(id)).accessGroups, ['a']);
      const nobody = await fixture.store.changeGroups({ ...change, userId: user('nobody') });
      assert.deepEqual(nobody, { kind: 'changed', updated: 0, sequence: 1 });
    },
  },
  {
    name: 'if one session would exceed the limit, none is changed',
    async run(fixture) {
      const small = await fixture.createMany(3);
      const full = await fixture.create({ at: start + 1, groups: Array.from({ length: 100 }, (_, i) => `g${i}`) });
      await fixture.create({ at: start + 2, groups: Array.from({ length: 99 }, (_, i) => `g${i}`) });
      const change = { add: group('one too many', 'two'), remove: [] };
      // The text is the same, whichever of the two a store finds first.
      await assert.rejects(fixture.store.changeGroups({ userId: user('ada'), change, by: 'policy', now: start + 9 }), {
        code: 'too_many_groups',
        message: /There would be more than 100 access groups on a session\.$/,
      });
      for (const { id } of small) assert.deepEqual((await fixture.view(id)).accessGroups, []);
      assert.equal((await fixture.view(full.id)).accessGroups.length, 100);
      assert.deepEqual(await fixture.list({ accessGroup: group('one too many')[0] }), []);
      assert.equal(await fixture.head(), 0);
    },
  },
  {
    name: "groups can change on one session, if it is the user's and live",
    async run(fixture) {
      const [one, two] = await fixture.createMany(2);
      const change = { add: group('a'), remove: [] };
      const only = { userId: user('ada'), change, only: one!.id, by: 'policy' as const, now: start + 5 };
      assert.deepEqual(await fixture.store.changeGroups(only), { kind: 'changed', updated: 1, sequence: 1 });
      assert.deepEqual((await fixture.view(two!.id)).accessGroups, []);
      assert.deepEqual(await fixture.store.changeGroups({ ...only, userId: user('bob') }), { kind: 'not_found' });
      await fixture.store.endSession(one!.id, logout());
      assert.deepEqual(await fixture.store.changeGroups(only), { kind: 'not_found' });
    },
  },
  {
    name: 'a change of groups reaches a suspended session',
    async run(fixture) {
      const { id } = await fixture.create({ groups: ['staff'] });
      await fixture.store.changeSession({ id, version: 1, set: { suspended: true }, logged: true, now: start });
      const change = { add: [], remove: group('staff') };
      await fixture.store.changeGroups({ userId: user('ada'), change, by: 'policy', now: start });
      assert.deepEqual((await fixture.view(id)).accessGroups, [], 'it would resume with a group that was removed');
    },
  },
  {
    name: 'the list by group follows every change',
    async run(fixture) {
      const [one, two] = await fixture.createMany(2, { groups: ['a', 'b'] });
      const change = (add: string[], remove: string[]) =>
        fixture.store.changeGroups({
          userId: user('ada'),
          change: { add: group(...add), remove: group(...remove) },
          only: one!.id,
          by: 'policy',
          now: start + 5,
        });
      const inGroup = async (text: string) => ids(await fixture.list({ accessGroup: group(text)[0] }));
      await change(['c'], ['a']);
      assert.deepEqual(await inGroup('a'), [two!.id]);
      assert.deepEqual(await inGroup('b'), [two!.id, one!.id]);
      assert.deepEqual(await inGroup('c'), [one!.id]);
      await change(['a'], ['b', 'c']);
      assert.deepEqual(await inGroup('a'), [two!.id, one!.id]);
      assert.deepEqual(await inGroup('c'), []);
    },
  },
];
