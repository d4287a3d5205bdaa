import assert from 'node:assert/strict';
import { day, hour, minute } from '../../domain/limits.ts';
import type { LogHead, NodeRow } from '../contract.ts';
import { beginning, type Case, logout, nodeRow, positionOf, type StoreFixture, start } from './harness.ts';

/** What nodes need from the log and its store to notice when either has been replaced (R2, R10). */
export const incarnationCases: Case[] = [
  {
    name: 'the mark of an entry is unique, and the same in every read and in the head, even after reopening',
    async run(fixture) {
      assert.deepEqual(positionOf(await fixture.store.logHead()), beginning);
      const sessions = await fixture.createMany(40);
      await Promise.all(sessions.map(({ id }) => fixture.store.endSession(id, logout())));
      for (let i = 0; i < 5; i++) await fixture.store.endEveryone({ at: start, by: 'user:root', reason: 'everyone' });
      const log = await fixture.log();
      assert.equal(new Set(log.map(({ mark }) => mark)).size, 45, 'two entries have the same mark');
      const check = async () => {
        assert.deepEqual(await fixture.log(), log);
        for (const entry of log) assert.deepEqual(await fixture.store.readLog(entry.sequence, 1), [entry]);
        assert.deepEqual(positionOf(await fixture.store.logHead()), positionOf(log.at(-1)!));
      };
      await check();
      if (!fixture.opened.reopen) return;
      await fixture.reopen();
      await check();
    },
  },
  {
    name: 'R4: a renewal returns the head, the incarnation and the time of the store',
    async run(fixture) {
      const heads: LogHead[] = [];
      for (let counter = 1; counter <= 3; counter++) {
        heads.push(await fixture.store.logHead(), await fixture.store.renewNode(nodeRow('n1', counter)));
        await fixture.logOne();
      }
      for (const [i, { sequence, incarnation, now }] of heads.entries()) {
        assert.equal(sequence, Math.floor(i / 2));
        assert.ok(incarnation !== '' && incarnation === heads[0]!.incarnation, 'the incarnation changed by itself');
        assert.ok(now >= (heads[i - 1]?.now ?? 0), 'the time of the store went back');
        assert.ok(Number.isInteger(now) && Math.abs(now - Date.now()) < minute, 'the time of the store is wrong');
      }
      assert.deepEqual(positionOf(heads[1]!), positionOf(heads[0]!));
      assert.deepEqual(positionOf(heads[5]!), positionOf((await fixture.store.readLog(2, 1))[0]!));
    },
  },
  {
    name: 'R2: node rows are written, read and removed; one that has been renewed since is not removed as dead',
    async run(fixture) {
      await fixture.store.renewNode(nodeRow('n1', 1));
      const entry = await fixture.logOne();
      await fixture.store.renewNode(nodeRow('n2', 1));
      await fixture.store.renewNode(nodeRow('n1', 2, entry));
      assert.deepEqual(await rowsOf(fixture), [
        { ...nodeRow('n1', 2, entry), current: true },
        { ...nodeRow('n2', 1), current: true },
      ]);
      await fixture.store.removeNode('n1', 1);
      assert.equal((await rowsOf(fixture)).length, 2, 'a row that had been renewed since was removed as dead');
      await fixture.store.removeNode('n1');
      await fixture.store.removeNode('n1');
      assert.equal((await rowsOf(fixture)).length, 1);
    },
  },
  {
    name: 'R10: a node is current while the log has its tail with that mark, not with another or none',
    async run(fixture) {
      const [first, second] = [await fixture.logOne(), await fixture.logOne()];
      const current = async (tail: NodeRow['tail']) => {
        await fixture.store.renewNode(nodeRow('n1', 1, tail));
        return (await rowsOf(fixture))[0]!.current;
      };
      assert.equal(await current(beginning), true);
      assert.equal(await current(first), true);
      assert.equal(await current(second), true);
      assert.equal(await current({ sequence: 1, mark: second.mark }), false);
      assert.equal(await current({ sequence: 2, mark: first.mark }), false);
      assert.equal(await current({ sequence: 2, mark: '' }), false);
      assert.equal(await current({ sequence: 3, mark: second.mark }), false);
    },
  },
  {
    name: 'R10: a node that has followed the log learns whether it is still the same',
    async run(fixture) {
      const [first, second] = [await fixture.logOne(), await fixture.logOne()];
      const follows = async (tail?: NodeRow['tail']) => (await fixture.store.listNodes(tail)).follows;
      for (const there of [undefined, beginning, first, second]) assert.equal(await follows(there), true);
      assert.equal(await follows({ sequence: 1, mark: second.mark }), false);
      assert.equal(await follows({ sequence: 2, mark: '' }), false);
      assert.equal(await follows({ sequence: 3, mark: second.mark }), false);
    },
  },
  {
    name: 'R10: nobody can tell whether a trimmed entry was in this log, so a node with such a tail is not current',
    async run(fixture) {
      const first = await fixture.logOne();
      for (let more = 0; more < 3; more++) await fixture.logOne();
      await fixture.sweep(start + day, hour);
      assert.ok((await fixture.log())[0]!.sequence > first.sequence, 'nothing was trimmed');
      await fixture.store.renewNode(nodeRow('n1', 1, first));
      assert.equal((await rowsOf(fixture))[0]!.current, false);
      assert.equal((await fixture.store.listNodes(first)).follows, false);
    },
  },
  {
    name: 'R10: an incarnation is confirmed only by its own name, and stays confirmed after reopening',
    async run(fixture) {
      const { incarnation } = await fixture.store.logHead();
      const said = async () => {
        const { incarnation, confirmed } = await fixture.store.listNodes();
        return { incarnation, confirmed };
      };
      await fixture.store.confirmIncarnation(`${incarnation} of another store`);
      assert.deepEqual(await said(), { incarnation, confirmed: false });
      await fixture.store.confirmIncarnation(incarnation);
      await fixture.store.confirmIncarnation(`${incarnation} of another store`);
      assert.deepEqual(await said(), { incarnation, confirmed: true });
      if (!fixture.opened.reopen) return;
      await fixture.reopen();
      assert.deepEqual(await said(), { incarnation, confirmed: true });
    },
  },
  {
    name: 'R10: when an earlier state is restored, reused numbers have other marks, and the incarnation is another',
    async run(fixture) {
      if (!fixture.opened.setAside) return;
      const session = await fixture.create();
      const kept = await fixture.logOne();
      const putBack = await fixture.opened.setAside();
      const lost = await fixture.logOne(session);
      const before = await fixture.store.logHead();
      await fixture.store.renewNode(nodeRow('n1', 1, lost));
      await fixture.store.confirmIncarnation(before.incarnation);
      fixture.store = await putBack();
      assert.deepEqual(positionOf(await fixture.store.logHead()), positionOf(kept), 'it is not the earlier state');
      await fixture.store.renewNode(nodeRow('n1', 2, lost));
      const { incarnation, confirmed } = await fixture.store.listNodes();
      assert.notEqual(incarnation, before.incarnation);
      assert.equal(confirmed, false);
      assert.equal((await rowsOf(fixture))[0]!.current, false);
      // The same change, at the same number.
      const again = await fixture.logOne(session);
      assert.equal(again.sequence, lost.sequence);
      assert.notEqual(again.mark, lost.mark);
      assert.equal(
        (await rowsOf(fixture))[0]!.current,
        false,
        'a node that followed the lost log seems to follow this one',
      );
      await fixture.store.confirmIncarnation(before.incarnation);
      assert.equal((await fixture.store.listNodes()).confirmed, false);
      await fixture.store.confirmIncarnation(incarnation);
      const list = await fixture.store.listNodes();
      assert.deepEqual([list.incarnation, list.confirmed], [incarnation, true]);
    },
  },
];

async function rowsOf({ store }: StoreFixture) {
  return (await store.listNodes()).nodes.sort((a, b) => (a.id < b.id ? -1 : 1));
}
