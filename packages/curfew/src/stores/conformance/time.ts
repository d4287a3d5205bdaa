import assert from 'node:assert/strict';
import { day } from '../../domain/limits.ts';
import { type Case, hour, logout, note, start } from './harness.ts';

/** The latest recorded time, and how it recovers from a wrong clock. */
export const timeCases: Case[] = [
  {
    name: 'correcting the latest time leaves it as it was if no clock was wrong',
    async run(fixture) {
      await fixture.create();
      await fixture.store.mendTime(start + hour);
      assert.equal(await fixture.store.latestTime(), start);
      await fixture.sweep(start + hour);
      assert.equal(await fixture.store.latestTime(), start);
    },
  },
  {
    name: 'the latest time is that of the latest change, deleted or not; a sweep without anything to record leaves it',
    async run(fixture) {
      const latest = () => fixture.store.latestTime();
      await fixture.sweep(start + hour);
      assert.equal(await latest(), 0);
      await fixture.create({ idle: hour, at: start + 5 });
      assert.equal(await latest(), start + 5);
      await fixture.sweep(start + 30);
      assert.equal(await latest(), start + 5);
      // The end is an hour old; its record is not.
      await fixture.sweep(start + 2 * hour);
      assert.equal(await latest(), start + 2 * hour);
      for (let i = 0; i < 150; i++) await fixture.store.appendEvent(note('login.failed', start));
      assert.equal(await latest(), start + 2 * hour);
      const { id } = await fixture.create({ at: start + 3 * hour });
      await fixture.store.endSession(id, logout(start + 4 * hour));
      const task = { now: start + 40 * day, keepEnded: hour, keepEvents: hour, batch: 100 };
      while ((await fixture.store.sweep(task)).more);
      assert.deepEqual(await fixture.events(), []);
      assert.equal(await latest(), start + 4 * hour);
      if (!fixture.opened.reopen) return;
      await fixture.reopen();
      assert.equal(await latest(), start + 4 * hour);
    },
  },
  {
    name: 'correcting the latest time after a wrong clock changes nothing else',
    async run(fixture) {
      const ahead = start + 40 * day;
      const [live, ended] = await fixture.createMany(2);
      const idle = await fixture.create({ idle: hour });
      await fixture.store.endSession(ended!.id, logout(ahead));
      await fixture.sweep(ahead);
      await fixture.store.appendEvent(note('account.created', ahead));
      const rule = { max: 1, window: hour };
      await fixture.store.takeAttempt('one', rule, ahead);
      await fixture.store.takeAttempt('two', rule, start);
      const told = async () => ({
        sessions: await Promise.all([live!, ended!, idle].map(({ id }) => fixture.snapshot(id))),
        log: await fixture.log(),
        events: await fixture.events(),
      });
      const before = await told();
      assert.ok((await fixture.store.latestTime()) >= ahead);
      await fixture.store.mendTime(start + 10);
      await fixture.store.mendTime(start + day);
      assert.equal(await fixture.store.latestTime(), start + 10);
      assert.deepEqual(await told(), before);
      assert.equal((await fixture.view(idle.id, start + 10)).endReason, 'idle', 'it came back');
      assert.equal((await fixture.store.takeAttempt('one', rule, start)).allowed, true, 'its window ends in 40 days');
      assert.equal((await fixture.store.takeAttempt('two', rule, start)).allowed, false, 'its window is a right one');
      if (fixture.opened.reopen) {
        await fixture.reopen();
        assert.equal(await fixture.store.latestTime(), start + 10);
      }
      const [, another] = [await fixture.sweep(start + 20), await fixture.create({ at: start + 20 })];
      await fixture.store.endSession(another.id, logout(start + 30));
      assert.equal(await fixture.store.latestTime(), start + 30);
    },
  },
];
