import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type FailingStore,
  fleetSettings,
  goThrough,
  startFleet,
  tell,
  watch,
} from '../../../../packages/curfew/test/support/failover.ts';
import { testAfterFailover, testFailovers } from '../../../../packages/curfew/test/support/failover-tests.ts';
import { PostgresPair } from './pair.ts';
import { PostgresServer } from './server.ts';

async function startPair(t: TestContext): Promise<FailingStore> {
  const pair = await PostgresPair.start();
  t.after(() => pair.dispose());
  return {
    url: await pair.createDatabase('failing'),
    lag: () => pair.lag(),
    failOver: () => pair.failOver(),
    renew: () => pair.rejoin(),
  };
}

testFailovers('PostgreSQL', startPair);
testAfterFailover('PostgreSQL', startPair);

test('R10: no session that ends is reported as active after the data folder was restored from an older copy under running servers', {
  timeout: 300_000,
}, async (t) => {
  const server = await PostgresServer.start();
  t.after(() => server.dispose());
  const [data, copy] = [join(server.folder, 'data'), join(server.folder, 'copy')];
  const fleet = await startFleet(t, await server.createDatabase('kept'), fleetSettings());
  const seen = await watch(fleet);
  // It is the same system on the same timeline: only the marks of the log distinguish the two.
  const found = await goThrough(
    fleet,
    {
      async lag() {
        await server.stop();
        await copyFolder(data, copy);
        await server.startAgain();
      },
      async failOver() {
        await server.kill();
        rmSync(data, { recursive: true });
        await copyFolder(copy, data);
        await server.startAgain();
      },
    },
    { ahead: true },
  );
  t.diagnostic(tell(1, found));
  assert.deepEqual(found.stale, []);
  assert.ok(found.reused > 0, 'the copy lacked nothing');
  await seen.startedOver('log_replaced');
});

/** Copies with owners, since the owner is the user that PostgreSQL runs as. */
async function copyFolder(from: string, to: string): Promise<void> {
  const [code] = await once(spawn('cp', ['-a', from, to], { stdio: 'ignore' }), 'exit');
  assert.equal(code, 0);
}
