import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RedisServer, redisInstalled } from '../support/redis.ts';
import { compareEngines, comparisonTimeout } from './differential/compare.ts';
import { lmdbEngine, memoryEngine, redisEngine } from './differential/engines.ts';
import { historyOf } from './differential/history.ts';
import { replay } from './differential/replay.ts';

test('stores on LMDB, in memory and on Redis give the same answers, whatever happens', {
  timeout: comparisonTimeout,
}, async (t) => {
  const server = redisInstalled ? await RedisServer.start() : undefined;
  const engines = [lmdbEngine(), memoryEngine(), ...(server ? [await redisEngine(server)] : [])];
  t.after(async () => {
    for (const engine of engines) await engine.close();
    await server?.remove();
  });
  await compareEngines(t, engines);
});

test('the histories reach every kind of answer', async (t) => {
  const engine = lmdbEngine();
  t.after(() => engine.close());
  const reached = new Set<string>();
  for (let seed = 1; seed <= 30; seed++) await replay([engine], historyOf(seed), reached, 10);
  const kinds =
    'created already ended changed conflict not_found replaced too_many epoch_moved name_taken name_stopped alias_taken';
  const others = 'exists username_taken email_taken deleted too_many_groups expired endsWritten forgotten moved';
  const missing = `${kinds} ${others}`.split(' ').filter((kind) => !reached.has(kind));
  assert.deepEqual(missing, []);
});
