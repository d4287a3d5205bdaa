import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import type { Client } from 'curfew-client';
import { makeKey } from '../../src/authority/keys.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { clientFor, type ServerProcess, startProcess } from '../support/process.ts';
import { random } from '../support/world.ts';

/*
 * The server is killed (SIGKILL) in the middle of whatever it is doing, again and again, over one store. After every
 * restart, what it had acknowledged is there: each end, each creation, each change of groups; and nothing that had
 * ended is active.
 */
const kills = 200;
const workers = 8;
/** Sessions that are looked at again after a restart, at most; all of the last round are among them. */
const looks = 150;

type Known = {
  id: string;
  userId: string;
  token: string;
  /** Acknowledged. */
  ended: boolean;
  groups: Set<string>;
  /** Asked for when the server died: may have happened or not. */
  maybeEnded: boolean;
  maybeGroups: Set<string>;
  round: number;
};

test(`after ${kills} kills under load, everything acknowledged is there and nothing ended is active`, {
  timeout: 900_000,
}, async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const key = makeKey(Date.now(), random);
  const env = {
    CURFEW_STORE: `lmdb:${folder.path}`,
    CURFEW_API_KEY: key,
    CURFEW_ADMIN_PASSWORD: 'correct horse battery',
    CURFEW_LOG_LEVEL: 'info',
    CURFEW_KEEP_ENDED: '1h',
  };
  let running: ServerProcess | undefined;
  t.after(() => running?.child.kill('SIGKILL'));
  const known: Known[] = [];
  const counts = { created: 0, ended: 0, groups: 0, epochs: 0, refused: 0, checked: 0 };

  for (let round = 0; round <= kills; round++) {
    const server = await startProcess(env);
    running = server;
    const client = clientFor(server, key);
    await check(client, known, counts);
    if (round === kills) {
      await server.stop('SIGTERM');
      break;
    }
    let alive = true;
    const load = Array.from({ length: workers }, async (_, worker) => {
      while (alive)
        await act(client, known, round, worker, counts).catch(() => {
          // A call that the kill cut off: it was not acknowledged.
          counts.refused += 1;
        });
    });
    await settle(randomInt(20, 220));
    const gone = server.stop('SIGKILL');
    alive = false;
    await gone;
    await Promise.all(load);
  }
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.created > kills && counts.ended > kills && counts.groups > kills / 2, 'there was hardly any load');
});

/** Lets the load run for a while: the moment of the kill is the point, and it is random. */
function settle(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(), milliseconds);
  });
}

/** One call of a worker on sessions of its own, written down as asked before and as acknowledged after. */
async function act(client: Client, known: Known[], round: number, worker: number, counts: Record<string, number>) {
  // A user of this round and this worker alone: nobody else touches their sessions.
  const userId = `user ${round}.${worker}.${randomInt(3)}`;
  const mine = known.filter((one) => one.userId === userId && !one.maybeEnded);
  const what = randomInt(10);
  if (what < 5 || mine.length === 0) {
    const { session, token } = await client.createSession({ userId, accessGroups: ['first'] });
    known.push({
      id: session.id,
      userId,
      token,
      ended: false,
      groups: new Set(['first']),
      maybeEnded: false,
      maybeGroups: new Set(),
      round,
    });
    counts['created']! += 1;
    return;
  }
  const one = mine[randomInt(mine.length)]!;
  if (what < 8) {
    one.maybeEnded = true;
    await client.endSession({ id: one.id });
    one.ended = true;
    counts['ended']! += 1;
  } else if (what < 9) {
    const group = `g${randomInt(1e9)}`;
    for (const other of mine) other.maybeGroups.add(group);
    await client.changeAccessGroups({ userId, add: [group] });
    for (const other of mine) other.groups.add(group);
    counts['groups']! += 1;
  } else {
    for (const other of mine) other.maybeEnded = true;
    await client.endUserSessions({ userId });
    for (const other of mine) other.ended = true;
    counts['epochs']! += 1;
  }
}

async function check(client: Client, known: readonly Known[], counts: Record<string, number>): Promise<void> {
  const last = known.at(-1)?.round ?? 0;
  const recent = known.filter((one) => one.round === last);
  const older = Array.from(
    { length: Math.max(0, Math.min(known.length, looks - recent.length)) },
    () => known[randomInt(known.length)]!,
  );
  for (const one of [...recent, ...older]) {
    const verdict = await client.verifySession({ token: one.token });
    counts['checked']! += 1;
    if (one.ended) assert.equal(verdict.active, false, `session ${one.id} had ended, and is active after a kill`);
    else if (!one.maybeEnded) assert.equal(verdict.active, true, `session ${one.id} is lost: ${verdict.reason}`);
    if (!verdict.active) {
      assert.ok(one.maybeEnded, `session ${one.id} was ended by nobody: ${verdict.reason}`);
      assert.notEqual(verdict.reason, 'unknown', `session ${one.id} is lost`);
      continue;
    }
    const groups = new Set(verdict.session!.accessGroups);
    for (const group of one.groups) assert.ok(groups.has(group), `a group of ${one.id} is lost`);
    for (const group of groups) assert.ok(one.groups.has(group) || one.maybeGroups.has(group));
  }
}
