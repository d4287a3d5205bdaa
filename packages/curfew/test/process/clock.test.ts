import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createAuthority } from '../../src/authority/index.ts';
import type { UserId } from '../../src/domain/brand.ts';
import { day } from '../../src/domain/limits.ts';
import { openSession } from '../../src/domain/open-session.ts';
import { compose } from '../../src/start/compose.ts';
import { random } from '../support/ports.ts';
import { RedisServer, redisInstalled } from '../support/redis.ts';
import { temporaryStore } from '../support/store.ts';
import { faketimeInstalled, machinesWithWrongClocks, storeOfWrongClock } from '../support/wrong-clocks.ts';

const noRedis = redisInstalled ? false : 'redis-server is not installed';

describe('clocks on Redis', { skip: noRedis }, () => {
  test('a machine whose clock is 40 days or 5 minutes off, ahead or behind, ends nothing, and disturbs no server with a right clock', {
    skip: faketimeInstalled ? false : 'faketime is not installed',
  }, async (t) => {
    const redis = await RedisServer.start();
    t.after(() => redis.remove());
    await machinesWithWrongClocks(t, redis.url);
  });

  test('servers with right clocks start on a store that a wrong clock wrote to, and doctor corrects it', async (t) => {
    const redis = await RedisServer.start();
    t.after(() => redis.remove());
    await storeOfWrongClock(t, redis.url);
  });

  test('while the clocks differ nothing is swept, but sessions still end by their deadline', async (t) => {
    const store = await temporaryStore('redis');
    t.after(store.remove);
    const said: string[] = [];
    const opened = await compose({ ...store.settings, onWarning: (text) => said.push(text) });
    t.after(() => opened.close());
    const { context, upkeep } = opened;
    const authority = createAuthority(context);
    const wall = Date.now;
    t.after(() => {
      Date.now = wall;
    });
    Date.now = () => wall() + 40 * day;
    const now = context.clock.now();
    const plan = { userId: 'ada' as UserId, accessGroups: [], metadata: {}, idle: day, absolute: 500 };
    const { stored, token } = openSession({ ...plan, epochs: { user: 0, everyone: 0 } }, now, random);
    await context.store.createSession({ session: stored, epochs: 'current', by: 'key:test', now });
    while (context.clock.now() < stored.expiresAt) await setTimeout(10);
    await upkeep.sweep();
    assert.match(said[0]!, /This machine's clock is 40 days ahead of the store's\. This server sweeps nothing/);
    assert.deepEqual(await authority.verifySession(token), { active: false, reason: 'expired' });
    assert.equal((await context.store.readSession(stored.id))?.stored.end, undefined);
    Date.now = wall;
    await upkeep.sweep();
    assert.equal((await context.store.readSession(stored.id))?.stored.end?.reason, 'expired');
    assert.match(said[1]!, /The clock is right again/);
    assert.equal(said.length, 2);
  });
});
