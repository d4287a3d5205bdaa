import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type Client, CurfewApiError, type Receipt } from 'curfew-client';
import { createVerifier, type Verifier } from 'curfew-client/verifier';
import { makeKey } from '../../src/authority/keys.ts';
import { restartIn } from '../fence/chaos/restarts.ts';
import { random } from './ports.ts';
import { clientFor, type ServerProcess, startProcess } from './process.ts';
import { Relay } from './relay.ts';

/** A store with a standby that can lag behind it and replace it, at a fixed address. */
export type FailingStore = {
  url: string;
  /** The standby has everything acknowledged before the call, and gets nothing from then on. */
  lag(): Promise<void>;
  failOver(): Promise<void>;
  /** Creates the next standby. */
  renew(): Promise<void>;
};

/** A server, its client, and an application that is attached to it. The server reaches the store through `door`. */
export type Place = { server: ServerProcess; client: Client; verifier: Verifier; door: Relay };

export type Opened = { id: string; token: string };

/** Two servers on one store: A has followed what the failover loses, and sessions are ended at B. */
type Fleet = { A: Place; B: Place };

export type Run = {
  /** Answers that reported a session as active although its end had returned. */
  stale: string[];
  /** How many ends after the failover have the sequence of an earlier end. */
  reused: number;
  /** Of the later ends, in order. */
  later: Receipt[];
};

/** Sessions whose ends the standby lacks; as many are ended after it has replaced the primary. */
const many = 10;
/** Later ends, whose sequences exceed those that were lost. */
const manyLater = 12;
/** Everything is checked again after this many of them. */
const lookAfter = 4;
/** Milliseconds. */
const pause = 20;
const patience = 30_000;

/** How often each failover is repeated. */
export const failovers: number = Number(process.env['CURFEW_TEST_FAILOVERS'] ?? 2);

/** The settings of all servers of a fleet. */
export function fleetSettings(more: Record<string, string> = {}): Record<string, string> {
  return {
    CURFEW_SECRET_KEY: randomBytes(32).toString('hex'),
    CURFEW_API_KEY: makeKey(Date.now(), random),
    CURFEW_ADMIN_PASSWORD: 'correct horse battery',
    CURFEW_LOG_LEVEL: 'info',
    CURFEW_LEASE_MS: '1000',
    ...more,
  };
}

export async function startPlace(t: TestContext, store: string, settings: Record<string, string>): Promise<Place> {
  const url = new URL(store);
  const door = await Relay.to(Number(url.port));
  t.after(() => door.close());
  url.port = String(door.port);
  const server = await startProcess({ ...settings, CURFEW_STORE: url.href });
  t.after(() => server.stop('SIGKILL'));
  const key = settings['CURFEW_API_KEY']!;
  const verifier = createVerifier({ url: server.url, key, timeout: 5000 });
  t.after(() => verifier.close());
  return { server, client: clientFor(server, key), verifier, door };
}

export async function startFleet(t: TestContext, store: string, settings: Record<string, string>): Promise<Fleet> {
  return { A: await startPlace(t, store, settings), B: await startPlace(t, store, settings) };
}

export async function open(client: Client, count: number): Promise<Opened[]> {
  const one = async () => {
    const { session, token } = await client.createSession({ userId: `user ${randomBytes(6).toString('hex')}` });
    return { id: session.id, token };
  };
  return Promise.all(Array.from({ length: count }, one));
}

/** Afterwards every verifier has the sessions in memory. */
export async function remember(places: readonly Place[], sessions: readonly Opened[]): Promise<void> {
  for (const { client, verifier } of places) {
    for (const { token } of sessions) assert.ok((await client.verifySession({ token })).active);
    for (const { token } of sessions) assert.ok((await verifier.verify(token)).active);
    // A lease that ran out meanwhile makes it forget all of them.
    while (!sessions.every(({ token }) => verifier.check(token))) {
      for (const { token } of sessions) assert.ok((await verifier.verify(token)).active);
    }
  }
}

/** Ends a session everywhere, and retries until that succeeds: a refused or uncertain end still happens only once. */
export function end({ client }: Pick<Place, 'client'>, { id }: Opened): Promise<Receipt> {
  return insist(async () => {
    const { receipt } = await client.endSession({ id });
    assert.equal(receipt.everywhere, true);
    return receipt;
  });
}

/** Every place that reports a session as active now. No answer is not a stale answer. */
export async function look(fleet: Record<string, Place>, sessions: readonly Opened[]): Promise<string[]> {
  const stale: string[] = [];
  const note = (how: string, active: boolean) => active && stale.push(how);
  const places = Object.entries(fleet);
  // First the places that answer without waiting.
  for (const { token } of sessions) {
    for (const [name, { verifier }] of places) note(`check at ${name}`, verifier.check(token) !== undefined);
  }
  const asked = sessions.flatMap(({ token }) =>
    places.flatMap(([name, { client, verifier }]) => [
      verifier.verify(token).then(({ active }) => note(`verify at ${name}`, active)),
      client.verifySession({ token }).then(({ active }) => note(`HTTP at ${name}`, active)),
    ]),
  );
  await Promise.allSettled(asked);
  return stale;
}

/**
 * A failover at its worst: A has followed ten entries that the standby lacks, and reaches the store again only when
 * their sequences are reused, for ends of other sessions that A and its verifier have in memory.
 *
 * With `ahead`, one more sequence is used by then, so that A finds a log longer than the one that it knows.
 * Without `lags` the standby lacks nothing.
 */
export async function goThrough(
  fleet: Fleet,
  store: Pick<FailingStore, 'lag' | 'failOver'>,
  { ahead, lags = true }: { ahead: boolean; lags?: boolean },
): Promise<Run> {
  const { A, B } = fleet;
  const before = await open(B.client, many);
  const after = await open(B.client, ahead ? many + 1 : many);
  const later = await open(B.client, manyLater);
  await remember([A, B], [...before, ...after, ...later]);

  if (lags) await store.lag();
  const lost: Receipt[] = [];
  for (const session of before) lost.push(await end(B, session));
  assert.equal(lost.at(-1)!.by, 'acks', 'A may not have followed the log so far');
  const numbers = new Set(lost.map(({ sequence }) => sequence));
  if (!lags) await store.lag();
  A.door.silent = true;
  await store.failOver();

  const stale: string[] = [];
  let reused = 0;
  const ends = after.map(async (session) => {
    const { sequence } = await end(B, session);
    if (numbers.has(sequence)) reused += 1;
    stale.push(...(await look(fleet, [session])));
  });
  await Promise.all(
    after.map(({ id }) => until(async () => (await B.client.getSession({ id })).session.status === 'ended')),
  );
  A.door.silent = false;
  await Promise.all(ends);

  const receipts: Receipt[] = [];
  for (const [at, session] of later.entries()) {
    receipts.push(await end(B, session));
    const looked = at % lookAfter === 0 ? [...after, ...later.slice(0, at)] : [];
    stale.push(...(await look(fleet, [session, ...looked])));
  }
  return { stale, reused, later: receipts };
}

/** How many answers were stale, and where, for people. */
export function tell(run: number, { stale, reused, later }: Run): string {
  const whose = [...new Set(stale)].map((how) => `${stale.filter((one) => one === how).length} × ${how}`);
  const acks = later.filter(({ by }) => by === 'acks').length;
  return `failover ${run}: ${stale.length} stale answers (${whose.join(', ') || 'none'}); ${reused} numbers used again; ${acks} of ${later.length} later ends by acks`;
}

/** Observes how a fleet handles a coming failover. */
export async function watch({ A, B }: Fleet): Promise<{
  /** Resolves when both servers have started over, each once, for one of these reasons. */
  startedOver(...reasons: string[]): Promise<void>;
  /** Checks that the audit trail has one event of it, and not one from each server. */
  toldOnce(): Promise<void>;
}> {
  const servers = [A.server, B.server];
  const lines = servers.map(({ log }) => log.length);
  const told = async () => (await B.client.listEvents({ type: 'store.failed_over', limit: 100 })).events.length;
  const before = await told();
  const restarts = () =>
    servers.map(({ log }, i) => log.slice(lines[i]).flatMap((line) => restartIn(line)?.reason ?? []));
  return {
    async startedOver(...reasons) {
      await until(async () => restarts().every((found) => found.length > 0));
      for (const found of restarts()) {
        assert.equal(found.length, 1, `it started over repeatedly: ${found}`);
        assert.ok(reasons.includes(found[0]!), `it started over for another reason: ${found}`);
      }
    },
    async toldOnce() {
      await until(async () => (await told()) > before);
      assert.equal(await told(), before + 1, 'the failover is reported more than once');
    },
  };
}

/** Checks that most ends no longer wait for a lease. */
export function assertSwift(receipts: readonly Receipt[]): void {
  const by = receipts.map((receipt) => receipt.by);
  assert.ok(by.filter((how) => how === 'acks').length > by.length / 2, `ends still wait for leases: ${by}`);
}

export async function until(holds: () => Promise<boolean>): Promise<void> {
  const last = performance.now() + patience;
  while (!(await insist(holds))) {
    assert.ok(performance.now() < last, 'the expected event did not happen');
    await setTimeout(pause);
  }
}

/** Retries for as long as the store is away, or was when the call began. */
export async function insist<T>(ask: () => Promise<T>): Promise<T> {
  const last = performance.now() + patience;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const passing = error instanceof CurfewApiError && ['store_unavailable', 'outcome_unknown'].includes(error.code);
      if (!passing || performance.now() > last) throw error;
      await setTimeout(pause);
    }
  }
}
