import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { temporaryFolder } from '../stores/harness.ts';
import { RedisServer, redisInstalled } from '../support/redis.ts';
import { chaosTimeout, withstandChaos } from './chaos/withstand.ts';

test('an embedded store, one server, six applications: no kill, stop, cut or delay breaks the promise', {
  timeout: chaosTimeout,
}, async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  await withstandChaos(t, 'LMDB', { env: { CURFEW_STORE: `lmdb:${folder.path}` }, nodes: 1 });
});

test('Redis, three servers, six applications: nor does its restart', {
  timeout: chaosTimeout,
  skip: !redisInstalled,
}, async (t) => {
  const redis = await RedisServer.start();
  t.after(() => redis.remove());
  await withstandChaos(t, 'Redis', {
    env: { CURFEW_STORE: redis.url, CURFEW_SECRET_KEY: randomBytes(32).toString('hex') },
    nodes: 3,
    restartChanges: 1,
    async restart() {
      await redis.down(Math.random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
      await redis.up();
    },
  });
});
