import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Client } from 'curfew-client';
import { makeKey } from '../../src/authority/keys.ts';
import { day } from '../../src/domain/limits.ts';
import { openStore } from '../../src/stores/open.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { random } from './ports.ts';
import { clientFor, runCli, type ServerProcess, startProcess } from './process.ts';

/** Debian's `faketime`: shifts the time of day that a program sees, but not its monotonic clock. */
const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');
export const faketimeInstalled: boolean = library !== undefined;

type Test = { after(done: () => unknown): void };
type Finding = { check: string; state: string; says: string };

const offsets = [
  ['+40d', '40 days ahead'],
  ['+5m', '5 minutes ahead'],
  ['-5m', '5 minutes behind'],
  ['-40d', '40 days behind'],
] as const;

/** A machine whose clock a test sets. */
function machine(t: Test): { env: Record<string, string>; set(offset: string): void } {
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  const file = join(folder.path, 'offset');
  writeFileSync(file, '+0');
  const env = {
    LD_PRELOAD: library!,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_NO_CACHE: '1',
    FAKETIME_TIMESTAMP_FILE: file,
  };
  return { env, set: (offset) => writeFileSync(file, offset) };
}

/** Servers on one store, some of them on machines with wrong clocks. */
class Fleet {
  readonly key = makeKey(Date.now(), random);
  readonly env: Record<string, string>;
  readonly #test: Test;

  constructor(t: Test, store: string) {
    this.#test = t;
    this.env = {
      CURFEW_STORE: store,
      CURFEW_SECRET_KEY: randomBytes(32).toString('hex'),
      CURFEW_API_KEY: this.key,
      CURFEW_ADMIN_PASSWORD: 'correct horse battery',
    };
  }

  async start(env: Record<string, string> = {}): Promise<{ server: ServerProcess; client: Client }> {
    const server = await startProcess({ ...this.env, ...env });
    this.#test.after(() => server.child.kill('SIGKILL'));
    return { server, client: clientFor(server, this.key) };
  }

  async doctor(...options: string[]): Promise<Finding[]> {
    const { out } = await runCli(['--json', 'doctor', '--url', 'http://127.0.0.1:64999', ...options], this.env);
    return (JSON.parse(out) as { findings: Finding[] }).findings.filter(({ check }) => check === 'time');
  }
}

/** Resolves with the line of a server's log that matches. */
async function logged(server: ServerProcess, what: RegExp): Promise<string> {
  const found = () => server.log.find((line) => what.test(line));
  const lines = createInterface(server.child.stdout!);
  while (!found()) await once(lines, 'line');
  return found()!;
}

async function assertActive(client: Client, tokens: readonly string[]): Promise<void> {
  for (const token of tokens) assert.equal((await client.verifySession({ token })).active, true);
}

/**
 * Wrong clocks, of a machine that wants to join or has joined, end nothing and disturb no server with a right clock.
 */
export async function machinesWithWrongClocks(t: Test, store: string): Promise<void> {
  const fleet = new Fleet(t, store);
  const right = await fleet.start();
  const plans = [{}, { idle: 250 }, { lifetime: 250 }].flatMap((plan) => Array(4).fill(plan));
  const opened = await Promise.all(
    plans.map((plan, i) => right.client.createSession({ userId: `user ${i}`, ...plan })),
  );
  const tokens = opened.map(({ token }) => token);
  const { env, set } = machine(t);
  for (const [offset, says] of offsets) {
    set(offset);
    await assert.rejects(fleet.start(env), new RegExp(`This machine's clock is ${says} of the store's`));
  }
  set('+0');
  const wrong = await fleet.start(env);
  for (const [offset, says] of offsets) {
    set(offset);
    await logged(wrong.server, new RegExp(`This machine's clock is ${says} of the store's.*sweeps nothing`));
    await assertActive(wrong.client, tokens);
    await assertActive(right.client, tokens);
    const { session } = await wrong.client.createSession({ userId: 'eve' });
    assert.ok(Math.abs(Date.parse(session.createdAt) - Date.now()) < 30_000, `it was created at ${session.createdAt}`);
    assert.equal((await wrong.client.endSession({ id: session.id })).receipt.everywhere, true);
    set('+0');
    await logged(wrong.server, /The clock is right again/);
    wrong.server.log.length = 0;
  }
  await wrong.server.stop('SIGKILL');
  await right.server.stop('SIGTERM');
  const again = await fleet.start();
  await assertActive(again.client, tokens);
  assert.equal((await fetch(`${again.server.url}/readyz`)).status, 200);
  const { events } = await again.client.listEvents({ type: 'session.ended' });
  assert.deepEqual(new Set(events.map(({ reason }) => reason)), new Set(['ended_by_admin']));
}

/** What a version that used its machine's clock left in a store: right servers work, and `doctor` corrects it. */
export async function storeOfWrongClock(t: Test, url: string): Promise<void> {
  const fleet = new Fleet(t, url);
  const first = await fleet.start();
  const [ended, live] = await Promise.all(['ada', 'bob'].map((userId) => first.client.createSession({ userId })));
  assert.deepEqual(
    (await fleet.doctor()).map(({ state }) => state),
    ['ok'],
  );
  await first.server.stop('SIGTERM');
  const ahead = Date.now() + 40 * day;
  const store = await openStore(url);
  await store.touchSessions([{ id: live!.session.id as never, at: Date.now() + 6.9 * day }]);
  const task = { now: Date.now() + 7.1 * day, keepEnded: 60 * day, keepEvents: 60 * day, batch: 100 };
  while ((await store.sweep(task)).more);
  await store.appendEvent({ type: 'account.created', at: ahead, by: 'key:test' });
  await store.close();

  const second = await fleet.start();
  await logged(second.server, /A wrong clock has written into the store: .* is recorded, 40 days ahead/);
  await assertActive(second.client, [live!.token]);
  await second.client.createSession({ userId: 'carol' });
  assert.equal((await fetch(`${second.server.url}/readyz`)).status, 200);
  const found = await fleet.doctor();
  assert.deepEqual(
    found.map(({ state }) => state),
    ['warning', 'warning'],
  );
  assert.match(found[0]!.says, /40 days ahead of the store's clock, first with event \d+ \(session.ended\), after 20/);
  assert.match(found[1]!.says, /^1 session ended as idle or expired by that clock/);
  assert.match((await fleet.doctor('--mend-time'))[0]!.says, /: reset$/);
  assert.deepEqual(
    (await fleet.doctor()).map(({ state }) => state),
    ['ok'],
  );
  assert.deepEqual(await second.client.verifySession({ token: ended!.token }), { active: false, reason: 'idle' });
  await second.server.stop('SIGTERM');
  const third = await fleet.start();
  assert.equal(third.server.log.filter((line) => /wrong clock/.test(line)).length, 0);
  await assertActive(third.client, [live!.token]);
}
