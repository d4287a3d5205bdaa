import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RedisServer, redisInstalled } from '../../../packages/curfew/test/support/redis.ts';
import { PostgresServer } from './postgres/server.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const browser = existsSync('/usr/bin/chromium') ? false : 'chromium is not installed';
const timeout = 600_000;

/** The console's pass over its main screens, on this store. */
async function passes(t: TestContext, store: string): Promise<void> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const file = 'packages/console/test/pass.test.ts';
  const child = spawn(process.execPath, ['--conditions=curfew-source', '--test', '--test-reporter=tap', file], {
    cwd: root,
    env: { ...env, CURFEW_TEST_STORE: store },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  let told = '';
  child.stdout.on('data', (chunk) => {
    told += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0, told);
  assert.match(told, /^# pass 1$/m);
}

test('the console on PostgreSQL, with one variable', { skip: browser, timeout }, async (t) => {
  const server = await PostgresServer.start(['fsync=off']);
  t.after(() => server.dispose());
  await passes(t, await server.createDatabase('console'));
});

const skip = redisInstalled ? browser : 'redis-server is not installed';

test('the console on Redis, with one variable', { skip, timeout }, async (t) => {
  const server = await RedisServer.start();
  t.after(() => server.remove());
  await passes(t, server.url);
});
