import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorReply } from '@redis/client';
import { StoreFixture } from '../../../src/stores/conformance/harness.ts';
import { commandFault } from '../../../src/stores/redis/faults.ts';
import { openRedisStore } from '../../../src/stores/redis/index.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';
import { cannotMount, smallDisk } from '../../support/small-disk.ts';

test('N10.8: a Redis whose disk is full is reported as such, and continues when there is room', {
  skip: !redisInstalled,
  timeout: 60_000,
}, async (t) => {
  const disk = smallDisk(8);
  if (!disk) {
    t.skip(cannotMount);
    return;
  }
  t.after(disk.remove);
  const server = await RedisServer.start('--dir', disk.path, '--appendfsync', 'everysec');
  t.after(() => server.remove());
  const store = await openRedisStore(server.url);
  t.after(() => store.close());
  const fixture = new StoreFixture({ store, dispose: async () => {} });
  await fixture.create();
  disk.fill();
  let fault: { code: string; message: string } | undefined;
  while (fault?.code !== 'store_full') {
    fault = await fixture.create({ groups: ['x'.repeat(60)] }).then(
      () => undefined,
      (error) => error,
    );
  }
  assert.match(fault.message, /Redis cannot write its disk, and says: MISCONF .*No space left/);
  disk.makeRoom();
  for (;;) {
    const made = await fixture.create().catch(() => undefined);
    if (made) break;
  }
});

test('Redis’s error about a failed snapshot alone does not mean a full disk', () => {
  const fault = commandFault(new ErrorReply('MISCONF Redis is configured to save RDB snapshots, but cannot'), true);
  assert.equal(fault.code, 'store_unavailable');
  assert.equal(commandFault(new ErrorReply('OOM command not allowed'), true).code, 'store_full');
});
