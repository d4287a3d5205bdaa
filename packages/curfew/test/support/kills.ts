import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'curfew-client';
import { makeKey } from '../../src/authority/keys.ts';
import { random } from './ports.ts';
import { clientFor, type ServerProcess, startProcess } from './process.ts';

/*
 * Load that records its requests and what was acknowledged, while a server or its store is killed again and again.
 * After every recovery, everything acknowledged must exist (each end, each creation, each change of groups) and nothing
 * that had ended may be active; at the end, nothing may have happened twice.
 */
const workers = 8;
/** The most sessions that are checked again after a recovery; all of the last round are among them. */
const looks = 150;

type Known = {
  id: string;
  userId: string;
  token: string;
  /** Acknowledged. */
  ended: boolean;
  groups: Set<string>;
  /** Requested when something died: may or may not have happened. */
  maybeEnded: boolean;
  maybeGroups: Set<string>;
  round: number;
};

export type Counts = Record<'created' | 'ended' | 'groups' | 'epochs' | 'refused' | 'checked' | 'events', number>;

type Test = { after(done: () => unknown): void; diagnostic(text: string): void };

/** Kills the server in the middle of its work, and starts it again on the same store. */
export async function killServer(t: Test, store: Record<string, string>, kills: number): Promise<Counts> {
  const load = new Load(t, store);
  for (let round = 0; round < kills; round++) {
    const server = await load.start();
    await load.check();
    await load.during(round, async () => {
      await server.stop('SIGKILL');
    });
  }
  return load.finish();
}

/** Kills or restarts the store under a server that keeps running; `disturb` resolves when the store is back. */
export async function killStore(
  t: Test,
  store: Record<string, string>,
  rounds: number,
  disturb: (round: number) => Promise<void>,
): Promise<Counts> {
  const load = new Load(t, store);
  const server = await load.start();
  for (let round = 0; round < rounds; round++) {
    await load.during(round, () => disturb(round));
    await ready(server);
    await load.check();
  }
  await server.stop('SIGTERM');
  return load.finish();
}

class Load {
  readonly #key: string = makeKey(Date.now(), random);
  readonly #env: Record<string, string>;
  readonly #test: Test;
  readonly #known: Known[] = [];
  readonly #counts: Counts = { created: 0, ended: 0, groups: 0, epochs: 0, refused: 0, checked: 0, events: 0 };
  #client!: Client;

  constructor(t: Test, store: Record<string, string>) {
    this.#test = t;
    this.#env = {
      ...store,
      CURFEW_API_KEY: this.#key,
      CURFEW_ADMIN_PASSWORD: 'correct horse battery',
      CURFEW_LOG_LEVEL: 'info',
      CURFEW_KEEP_ENDED: '1h',
    };
  }

  async start(): Promise<ServerProcess> {
    const server = await startProcess(this.#env);
    this.#test.after(() => server.child.kill('SIGKILL'));
    this.#client = clientFor(server, this.#key);
    return server;
  }

  /** Load from all workers, and the disturbance in the midst of it, after a random number of calls. */
  async during(round: number, happen: () => Promise<void>): Promise<void> {
    let alive = true;
    let left = randomInt(10, 80);
    let reached: () => void = () => {};
    const moment = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const all = Array.from({ length: workers }, async (_, worker) => {
      while (alive) {
        try {
          await this.#act(round, worker);
          left -= 1;
          if (left === 0) reached();
        } catch {
          // A call that was cut off or refused was not acknowledged.
          this.#counts.refused += 1;
          // What is down needs the processors to come back.
          await pause(10);
        }
      }
    });
    await moment;
    await happen();
    alive = false;
    await Promise.all(all);
  }

  /** One call of a worker on its own sessions, recorded as requested before and as acknowledged after. */
  async #act(round: number, worker: number): Promise<void> {
    // A user only of this round and this worker, whose sessions nobody else touches.
    const userId = `user ${round}.${worker}.${randomInt(3)}`;
    const mine = this.#known.filter((one) => one.userId === userId && !one.maybeEnded);
    const what = randomInt(10);
    if (what < 5 || mine.length === 0) {
      const { session, token } = await this.#client.createSession({ userId, accessGroups: ['first'] });
      const groups = new Set(['first']);
      const fresh = { ended: false, maybeEnded: false, maybeGroups: new Set<string>() };
      this.#known.push({ id: session.id, userId, token, groups, round, ...fresh });
      this.#counts.created += 1;
      return;
    }
    const one = mine[randomInt(mine.length)]!;
    if (what < 8) {
      one.maybeEnded = true;
      await this.#client.endSession({ id: one.id });
      one.ended = true;
      this.#counts.ended += 1;
    } else if (what < 9) {
      const group = `g${randomInt(1e9)}`;
      // Including those whose end was refused or cut off: they may still be active.
      for (const other of this.#known) if (other.userId === userId) other.maybeGroups.add(group);
      await this.#client.changeAccessGroups({ userId, add: [group] });
      for (const other of mine) other.groups.add(group);
      this.#counts.groups += 1;
    } else {
      for (const other of mine) other.maybeEnded = true;
      await this.#client.endUserSessions({ userId });
      for (const other of mine) other.ended = true;
      this.#counts.epochs += 1;
    }
  }

  async check(): Promise<void> {
    const known = this.#known;
    const last = known.at(-1)?.round ?? 0;
    const recent = known.filter((one) => one.round === last);
    const older = Array.from(
      { length: Math.max(0, Math.min(known.length, looks - recent.length)) },
      () => known[randomInt(known.length)]!,
    );
    for (const one of [...recent, ...older]) {
      const verdict = await this.#client.verifySession({ token: one.token });
      this.#counts.checked += 1;
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

  /** A final check, including the audit trail: it must be complete, and each thing in it once. */
  async finish(): Promise<Counts> {
    const server = await this.start();
    await this.check();
    const told = new Set<string>();
    const created = new Set<string>();
    let cursor: string | undefined;
    let sequence: number | undefined;
    do {
      const page = await this.#client.listEvents({ limit: 100, cursor });
      for (const event of page.events) {
        if (sequence !== undefined) assert.equal(event.sequence, sequence - 1, 'an event is missing');
        sequence = event.sequence;
        this.#counts.events += 1;
        if (event.type === 'session.created') created.add(event.sessionId!);
        if (event.type !== 'session.created' && event.type !== 'session.ended') continue;
        const what = `${event.type} ${event.sessionId}`;
        assert.ok(!told.has(what), `${what} happened twice`);
        told.add(what);
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    for (const { id } of this.#known) assert.ok(created.has(id), `the creation of ${id} is not in the audit trail`);
    await server.stop('SIGTERM');
    this.#test.diagnostic(JSON.stringify(this.#counts));
    return this.#counts;
  }
}

/** Waits until the server reports that it is ready. */
async function ready({ url }: ServerProcess): Promise<void> {
  const until = Date.now() + 30_000;
  for (;;) {
    const { ok } = await fetch(`${url}/readyz`);
    if (ok) return;
    assert.ok(Date.now() < until, 'the server did not recover by itself');
    await pause(10);
  }
}
