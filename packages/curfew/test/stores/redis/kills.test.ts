import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { killServer, killStore } from '../../support/kills.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';

/** A few in the suite; 100 and 20 to be sure. */
const serverKills = Number(process.env['CURFEW_TEST_SERVER_KILLS'] ?? 4);
const storeKills = Number(process.env['CURFEW_TEST_STORE_KILLS'] ?? 2);

const envOf = (url: string) => ({ CURFEW_STORE: url, CURFEW_SECRET_KEY: randomBytes(32).toString('hex') });

describe('kills under load, with Redis', { skip: !redisInstalled }, () => {
  test(`after ${serverKills} kills of the server, everything acknowledged still exists, and nothing happened twice`, {
    timeout: 900_000,
  }, async (t) => {
    const redis = await RedisServer.start();
    t.after(() => redis.remove());
    const counts = await killServer(t, envOf(redis.url), serverKills);
    assert.ok(counts.created > serverKills && counts.ended > serverKills / 2, 'there was hardly any load');
  });

  test(`after ${storeKills} kills and restarts of Redis everything still exists too, and the server recovers by itself`, {
    timeout: 900_000,
  }, async (t) => {
    const redis = await RedisServer.start();
    t.after(() => redis.remove());
    const counts = await killStore(t, envOf(redis.url), storeKills, async (round) => {
      await redis.down(round % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
      await redis.up();
    });
    assert.ok(counts.created > storeKills, 'there was hardly any load');
  });
});
