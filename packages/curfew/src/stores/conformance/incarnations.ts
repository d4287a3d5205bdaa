import assert from 'node:assert/strict';
import { minute } from '../../domain/limits.ts';
import type { LogHead, NodeRow } from '../contract.ts';
import { beginning, type Case, logout, nodeRow, positionOf, start, type World } from './harness.ts';

/** What nodes ask of the log and of the store behind it, so that they notice when either is another one (R2, R10). */
export const incarnationCases: Case[] = [
  {
    name: 'the mark of an entry is its own, and the same in every reading and in the head, also after an opening',
    async run(world) {
      assert.deepEqual(positionOf(await world.store.logHead()), beginning);
      const sessions = await world.createMany(40);
      await Promise.all(sessions.map(({ id }) => world.store.endSession(id, logout())));
      for (let i = 0; i < 5; i++) await world.store.endEveryone({ at: start, by: 'user:root', reason: 'everyone' });
      const log = await world.log();
      assert.equal(new Set(log.map(({ mark }) => mark)).size, 45, 'two entries have one mark');
      const check = async () => {
        assert.deepEqual(await world.log(), log);
        for (const entry of log) assert.deepEqual(await world.store.readLog(entry.sequence, 1), [entry]);
        assert.deepEqual(positionOf(await world.store.logHead()), positionOf(log.at(-1)!));
      };
      await check();
      if (!world.opened.reopen) return;
      await world.reopen();
      await check();
    },
  },
  {
    name: 'R4: a renewal answers with the head, the incarnation and the time of the store',
    async run(world) {
      const heads: LogHead[] = [];
      for (let counter = 1; counter <= 3; counter++) {
        heads.push(await world.store.logHead(), await world.store.renewNode(nodeRow('n1', counter)));
        await world.logOne();
      }
      for (const [i, { sequence, incarnation, now }] of heads.entries()) {
        assert.equal(sequence, Math.floor(i / 2));
        assert.ok(incarnation !== '' && incarnation === heads[0]!.incarnation, 'the incarnation changed by itself');
        assert.ok(now >= (heads[i - 1]?.now ?? 0), 'the time of the store went back');
        assert.ok(Number.isInteger(now) && Math.abs(now - Date.now()) < minute, 'the time of the store is another');
      }
      assert.deepEqual(positionOf(heads[1]!), positionOf(heads[0]!));
      assert.deepEqual(positionOf(heads[5]!), positionOf((await world.store.readLog(2, 1))[0]!));
    },
  },
  {
    name: 'R2: node rows are written, read and removed; one that was renewed since does not go as dead',
    async run(world) {
      await world.store.renewNode(nodeRow('n1', 1));
      const entry = await world.logOne();
      await world.store.renewNode(nodeRow('n2', 1));
      await world.store.renewNode(nodeRow('n1', 2, entry));
      assert.deepEqual(await rowsOf(world), [
        { ...nodeRow('n1', 2, entry), current: true },
        { ...nodeRow('n2', 1), current: true },
      ]);
      await world.store.removeNode('n1', 1);
      assert.equal((await rowsOf(world)).length, 2, 'a row that was renewed since went as dead');
      await world.store.removeNode('n1');
      await world.store.removeNode('n1');
      assert.equal((await rowsOf(world)).length, 1);
    },
  },
  {
    name: 'R10: a node is current while the log has its tail with that mark, and not when it has another, or none',
    async run(world) {
      const [first, second] = [await world.logOne(), await world.logOne()];
      const current = async (tail: NodeRow['tail']) => {
        await world.store.renewNode(nodeRow('n1', 1, tail));
        return (await rowsOf(world))[0]!.current;
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
    name: 'R10: whoever has followed the log is told whether it is still this one',
    async run(world) {
      const [first, second] = [await world.logOne(), await world.logOne()];
      const follows = async (tail?: NodeRow['tail']) => (await world.store.listNodes(tail)).follows;
      for (const there of [undefined, beginning, first, second]) assert.equal(await follows(there), true);
      assert.equal(await follows({ sequence: 1, mark: second.mark }), false);
      assert.equal(await follows({ sequence: 2, mark: '' }), false);
      assert.equal(await follows({ sequence: 3, mark: second.mark }), false);
    },
  },
  {
    name: 'R10: an incarnation is confirmed by its own name alone; and stays, confirmed, over a close and an opening',
    async run(world) {
      const { incarnation } = await world.store.logHead();
      const said = async () => {
        const { incarnation, confirmed } = await world.store.listNodes();
        return { incarnation, confirmed };
      };
      await world.store.confirmIncarnation(`${incarnation} of another store`);
      assert.deepEqual(await said(), { incarnation, confirmed: false });
      await world.store.confirmIncarnation(incarnation);
      await world.store.confirmIncarnation(`${incarnation} of another store`);
      assert.deepEqual(await said(), { incarnation, confirmed: true });
      if (!world.opened.reopen) return;
      await world.reopen();
      assert.deepEqual(await said(), { incarnation, confirmed: true });
    },
  },
  {
    name: 'R10: when an earlier state is put back, numbers that are used again have other marks, and it is another incarnation',
    async run(world) {
      if (!world.opened.setAside) return;
      const session = await world.create();
      const kept = await world.logOne();
      const putBack = await world.opened.setAside();
      const lost = await world.logOne(session);
      const before = await world.store.logHead();
      await world.store.renewNode(nodeRow('n1', 1, lost));
      await world.store.confirmIncarnation(before.incarnation);
      world.store = await putBack();
      assert.deepEqual(positionOf(await world.store.logHead()), positionOf(kept), 'it is not the state from before');
      await world.store.renewNode(nodeRow('n1', 2, lost));
      const { incarnation, confirmed } = await world.store.listNodes();
      assert.notEqual(incarnation, before.incarnation);
      assert.equal(confirmed, false);
      assert.equal((await rowsOf(world))[0]!.current, false);
      // The very same change, at the same number.
      const again = await world.logOne(session);
      assert.equal(again.sequence, lost.sequence);
      assert.notEqual(again.mark, lost.mark);
      assert.equal((await rowsOf(world))[0]!.current, false, 'a node that followed what is lost seems to follow this');
      await world.store.confirmIncarnation(before.incarnation);
      assert.equal((await world.store.listNodes()).confirmed, false);
      await world.store.confirmIncarnation(incarnation);
      const list = await world.store.listNodes();
      assert.deepEqual([list.incarnation, list.confirmed], [incarnation, true]);
    },
  },
];

async function rowsOf({ store }: World) {
  return (await store.listNodes()).nodes.sort((a, b) => (a.id < b.id ? -1 : 1));
}
