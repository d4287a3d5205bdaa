import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreFixture } from '../../../src/stores/conformance/harness.ts';
import { openRedisStore } from '../../../src/stores/redis/index.ts';
import { runCli } from '../../support/process.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';

describe('a Redis in use by servers of an earlier version', { skip: !redisInstalled }, () => {
  test('N10.11: `doctor`, `export` and `migrate --dry-run` leave it as it is, and report what would raise its format', async (t) => {
    const server = await RedisServer.start();
    t.after(() => server.remove());
    const store = await openRedisStore(server.url);
    await new StoreFixture({ store, dispose: store.close }).createKey(['sessions.verify']);
    await store.close();
    await server.tell('HSET', 'curfew:state', 'format', '4');
    const run = (...args: string[]) =>
      runCli(args, {
        CURFEW_STORE: server.url,
        CURFEW_SECRET_KEY: '0'.repeat(64),
        CURFEW_URL: 'http://127.0.0.1:1',
      });
    const everything = async () => {
      const keys = ((await server.tell('KEYS', '*')) as string[]).sort();
      return Promise.all(keys.map(async (key) => [key, await server.tell('DUMP', key)]));
    };
    const before = await everything();
    const { out } = await run('doctor');
    assert.match(out, /has version 4; serve, or `curfew migrate`, brings it to 7/);
    const exported = await run('export');
    assert.deepEqual([exported.code, exported.out], [1, '']);
    assert.match(exported.err, /written by an earlier version.* has format 4, .* reads 7\.\n.*curfew migrate/);
    assert.match((await run('migrate', '--dry-run')).out, /has version 4; this would be done:\n-- 7 from format 4/);
    assert.deepEqual(await everything(), before);

    assert.equal((await run('migrate')).code, 0);
    assert.equal(await server.tell('HGET', 'curfew:state', 'format'), '7');
    assert.equal((await run('export')).code, 0);
  });
});
