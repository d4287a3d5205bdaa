import assert from 'node:assert/strict';
import { day } from '../../domain/limits.ts';
import { type Case, hour, logout, note, start } from './harness.ts';

/** The latest moment that is written down, and what becomes of it after a wrong clock. */
export const timeCases: Case[] = [
  {
    name: 'what a wrong clock made of the latest moment is taken back, and nothing else with it',
    async run(world) {
      const ahead = start + 40 * day;
      const [live, ended] = await world.createMany(2);
      const idle = await world.create({ idle: hour });
      await world.store.endSession(ended!.id, logout(ahead));
      await world.sweep(ahead);
      await world.store.appendEvent(note('account.created', ahead));
      const rule = { max: 1, window: hour };
      await world.store.takeAttempt('one', rule, ahead);
      await world.store.takeAttempt('two', rule, start);
      const told = async () => ({
        sessions: await Promise.all([live!, ended!, idle].map(({ id }) => world.snapshot(id))),
        log: await world.log(),
        events: await world.events(),
      });
      const before = await told();
      assert.ok((await world.store.latestTime()) >= ahead);
      await world.store.mendTime(start + 10);
      await world.store.mendTime(start + day);
      assert.equal(await world.store.latestTime(), start + 10);
      assert.deepEqual(await told(), before);
      assert.equal((await world.view(idle.id, start + 10)).endReason, 'idle', 'it came back');
      assert.equal((await world.store.takeAttempt('one', rule, start)).allowed, true, 'its window ends in 40 days');
      assert.equal((await world.store.takeAttempt('two', rule, start)).allowed, false, 'its window is a right one');
      if (world.opened.reopen) {
        await world.reopen();
        assert.equal(await world.store.latestTime(), start + 10);
      }
      const [, another] = [await world.sweep(start + 20), await world.create({ at: start + 20 })];
      await world.store.endSession(another.id, logout(start + 30));
      assert.equal(await world.store.latestTime(), start + 30);
    },
  },
];
