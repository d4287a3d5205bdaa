import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createVerifier } from 'curfew-client/verifier';
import { library } from '../../src/authority/caller.ts';
import { createAuthority } from '../../src/authority/index.ts';
import { attachRaw } from '../support/raw-verifier.ts';
import { TestServer } from '../support/server.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

const storm = 50_000;
const inFlight = 256;
/** Questions that are open at a time. */
const atOnce = 500;
/** Ends after which the memory is measured. */
const between = 10_000;
/** For 25,000 users with long names, all of whose sessions ended: the store keeps that of each in memory. */
const mostMemory = 16e6;

/** Bytes in use, without uncollected garbage and without the store's file, which the kernel keeps. */
function memoryInUse(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('fifty thousand ends: memory stays bounded, a verifier that does not read is disconnected, and one that does hears of all', {
  timeout: 900_000,
}, async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const authority = createAuthority(server.context);
  const inTurn = async (from: number, until: number, work: (i: number) => Promise<unknown>) => {
    let next = from;
    const worker = async () => {
      while (next < until) await work(next++);
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
  };
  // Long names, because a change of all sessions of a user is as long as the user's id.
  const userOf = (i: number) => `${'storm '.repeat(30)}${i}`;
  const opened: { id: string; token: string }[] = [];
  await inTurn(0, storm, async (i) => {
    const { session, token } = await authority.createSession(library, { userId: userOf(i) });
    opened[i] = { id: session.id, token };
  });
  const { socket: deaf } = await attachRaw(server.url, server.key);
  // It asks about every session, and reads no answer and no change.
  deaf.pause();
  for (let from = 0; from < storm; from += atOnce) {
    for (let question = from; question < from + atOnce; question++) {
      deaf.send(JSON.stringify({ type: 'ask', question, token: opened[question]!.token }));
    }
    await pause(20);
  }
  while (server.running.opened.fence.statistics().dropped === 0) await pause(20);
  // Its connection is closed, and the data that waited for it is gone.
  await pause(2000);
  const good = createVerifier({ url: server.url, key: server.key });
  t.after(() => good.close());
  await good.ready();
  const known = opened.filter((_, i) => i % 100 === 0);
  for (const { token } of known) assert.ok((await good.verify(token)).active);
  // What the sweep still has to place, or to record, is kept in memory until then.
  const memoryOnceSwept = async () => {
    await server.running.opened.upkeep.sweep();
    return memoryInUse();
  };
  const before = await memoryOnceSwept();
  let most = Number.NEGATIVE_INFINITY;
  for (let from = 0; from < storm; from += between) {
    await inTurn(from, from + between, async (i) => {
      const { receipt } =
        i % 2 === 0
          ? await authority.endSession(library, { id: opened[i]!.id })
          : await authority.endUserSessions(library, userOf(i));
      assert.equal(receipt.everywhere, true);
    });
    most = Math.max(most, (await memoryOnceSwept()) - before);
  }
  for (const { token } of known) assert.equal(good.check(token), undefined);
  const { verifiers, dropped } = server.running.opened.fence.statistics();
  assert.deepEqual({ verifiers, dropped }, { verifiers: 1, dropped: 1 });
  t.diagnostic(`memory at most: ${Math.round(most / 1e6)} MB more`);
  assert.ok(most < mostMemory, `it took ${Math.round(most / 1e6)} MB more`);
  deaf.terminate();
});
