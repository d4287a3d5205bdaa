import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Client, createClient } from 'curfew-client';
import { makeKey } from '../packages/curfew/src/authority/keys.ts';
import { freePort } from '../packages/curfew/test/support/free-port.ts';
import { RedisServer, redisInstalled } from '../packages/curfew/test/support/redis.ts';
import { startCurfew } from './http.ts';
import { at, median, perSecond, type Row, rateOf, timeOf, times } from './measure.ts';
import { startRetrying } from './retrying.ts';
import { library, openBenchOn, request } from './setup.ts';

const nodes = 3;
const lease = 2000;
const rates = [50, 200, 600];
const crowds = [24, 200];
/** For how many seconds each rate is kept up. */
const seconds = Number(process.env['BENCH_SECONDS'] ?? 6);
/** The duration, in seconds, of the parts that usually take a minute. */
const minute = Number(process.env['BENCH_MINUTE'] ?? 60);
const oneByOne = 200;
/** The number of applications that have cached a session when it is ended. */
const knownTo = 3;

type Shared = { name: string; url: string; close(): Promise<void> };

/** Several servers on one store, with ends on a timetable that waits for no answer. */
export async function fleetRows(say: (text: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const open of [openPostgres, openRedis]) {
    const store = await open(say);
    if (!store) continue;
    const fleet = await Fleet.start(store.url);
    try {
      for (const verifiers of crowds) rows.push(...(await endingRows(say, store.name, fleet, verifiers)));
      rows.push(await freezingRow(say, store.name, fleet));
      rows.push(...(await rollingRows(say, store.name, fleet)));
    } finally {
      await fleet.close();
      await store.close();
    }
  }
  return [...rows, await snapshotRow(say)];
}

async function startPostgres() {
  const { PostgresServer } = await import('../engines/servers/test/postgres/server.ts');
  return PostgresServer.start(['shared_buffers=512MB']);
}

async function openPostgres(): Promise<Shared> {
  const server = await startPostgres();
  return { name: 'PostgreSQL', url: await server.createDatabase('fleet'), close: () => server.dispose() };
}

async function openRedis(say: (text: string) => void): Promise<Shared | undefined> {
  if (!redisInstalled) {
    say('redis-server is not installed (Debian: apt-get install redis-server); the rows of Redis are skipped');
    return undefined;
  }
  const redis = await RedisServer.start();
  return { name: 'Redis', url: redis.url, close: () => redis.remove() };
}

// ---- The fleet

type Server = { child: ChildProcess; port: number; url: string };
type Session = { id: string; token: string };

class Fleet {
  readonly #env: Record<string, string>;
  readonly key: string;
  readonly servers: Server[] = [];
  readonly clients: Client[] = [];
  #opened = 0;

  private constructor(store: string) {
    this.key = makeKey(Date.now(), randomBytes);
    this.#env = {
      CURFEW_STORE: store,
      CURFEW_SECRET_KEY: randomBytes(32).toString('hex'),
      CURFEW_API_KEY: this.key,
      CURFEW_ADMIN_PASSWORD: 'correct horse battery',
      CURFEW_LOG_LEVEL: 'silent',
      CURFEW_LEASE_MS: String(lease),
    };
  }

  static async start(store: string): Promise<Fleet> {
    const fleet = new Fleet(store);
    for (let i = 0; i < nodes; i++) fleet.servers.push(await fleet.startServer(await freePort()));
    fleet.clients.push(...fleet.servers.map(({ url }) => createClient({ url, token: fleet.key, timeout: 20_000 })));
    return fleet;
  }

  get urls(): string[] {
    return this.servers.map(({ url }) => url);
  }

  /** Resolves once the server reports that it is ready. */
  async startServer(port: number): Promise<Server> {
    const { child, url } = await startCurfew({
      ...this.#env,
      CURFEW_PORT: String(port),
    });
    while (!(await fetch(`${url}/readyz`)).ok) await pause(5);
    return { child, port, url };
  }

  /** Opens `count` sessions. */
  async open(count: number): Promise<Session[]> {
    const sessions: Session[] = [];
    await rateOf(count, 32, async (i) => {
      const userId = `user ${Math.floor(this.#opened++ / 4)}`;
      const { session, token } = await this.clients[i % nodes]!.createSession({ userId, accessGroups: ['staff'] });
      sessions.push({ id: session.id, token });
    });
    return sessions;
  }

  async close(): Promise<void> {
    for (const { child } of this.servers) await stop(child);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** Verifiers in a few processes, attached to any of the servers. */
class Applications {
  readonly children: ChildProcess[];
  readonly #each: number;

  private constructor(children: ChildProcess[], each: number) {
    this.children = children;
    this.#each = each;
  }

  static async start({ urls, key }: Fleet, processes: number, each: number): Promise<Applications> {
    const children = Array.from({ length: processes }, () =>
      fork(new URL('applications.ts', import.meta.url), [urls.join(), key, String(each)]),
    );
    await Promise.all(children.map((child) => once(child, 'message')));
    return new Applications(children, each);
  }

  /** Lets a number of the processes verify each session, and resolves once each of them has cached it. */
  async know(sessions: readonly Session[], processes: number): Promise<void> {
    const all = this.children.length;
    await Promise.all(
      this.children.map(async (child, at) => {
        const know = sessions
          .map(({ token }, i) => [Math.floor(i / all) % this.#each, token, (at + all - (i % all)) % all] as const)
          .filter(([, , turn]) => turn < processes);
        const known = once(child, 'message');
        child.send({ know: know.map(([verifier, token]) => [verifier, token]) });
        await known;
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(
      this.children.map(async (child) => {
        const gone = once(child, 'exit');
        child.disconnect();
        await gone;
      }),
    );
  }
}

// ---- Load

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, milliseconds);
  });

/** `due`: milliseconds since the timetable began; `took`: milliseconds from then until it was done. */
type Call<T> = { due: number; took: number; answer: T | undefined };

/** Makes calls at an even rate, however long the earlier ones take. A failed call has no answer. */
async function byTimetable<T>(count: number, rate: number, call: (i: number) => Promise<T>): Promise<Call<T>[]> {
  const began = performance.now();
  const calls: Promise<Call<T>>[] = [];
  while (calls.length < count) {
    const due = (calls.length * 1000) / rate;
    const early = due - (performance.now() - began);
    if (early > 0) await pause(early);
    const done = (answer: T | undefined) => ({ due, took: performance.now() - began - due, answer });
    calls.push(call(calls.length).then(done, () => done(undefined)));
  }
  return Promise.all(calls);
}

type Ended = Awaited<ReturnType<Client['endSession']>>;
const byAcks = ({ answer }: Call<Ended>): boolean =>
  answer?.receipt.everywhere === true && answer.receipt.by === 'acks';
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;

/** How long ends take when many are under way, compared with one at a time in the same fleet. */
async function endingRows(say: (text: string) => void, store: string, fleet: Fleet, verifiers: number): Promise<Row[]> {
  say(`${store}: ends on ${nodes} servers with ${verifiers} verifiers`);
  const processes = 4;
  const applications = await Applications.start(fleet, processes, verifiers / processes);
  const end = (session: Session, i: number) => fleet.clients[i % nodes]!.endSession({ id: session.id });
  const known = async (count: number) => {
    const sessions = await fleet.open(count);
    await applications.know(sessions, knownTo);
    return sessions;
  };
  const rows: Row[] = [];
  try {
    for (const rate of rates) {
      const alone: number[] = [];
      for (const [i, session] of (await known(oneByOne)).entries()) alone.push(await timeOf(() => end(session, i)));
      const sessions = await known(rate * seconds);
      const calls = await byTimetable(sessions.length, rate, (i) => end(sessions[i]!, i));
      const took = calls.map((call) => call.took);
      const acknowledged = calls.filter(byAcks).length / calls.length;
      const [p50, p99] = [at(took, 0.5) / at(alone, 0.5), at(took, 0.99) / at(alone, 0.99)];
      const pair = (share: number) => `${milliseconds(at(took, share))}; ${milliseconds(at(alone, share))}`;
      rows.push({
        what: `${store}: ${rate} ends a second with ${verifiers} verifiers`,
        against: 'one end at a time, same fleet',
        reached: `p50 ${times(p50)} (${pair(0.5)}), p99 ${times(p99)} (${pair(0.99)}), ${percent(acknowledged)} acknowledged`,
        target: 'p50 ≤ 3 ×, p99 ≤ 6 ×, 99.9 % acknowledged',
        met: p50 <= 3 && p99 <= 6 && acknowledged >= 0.999,
      });
    }
  } finally {
    await applications.close();
  }
  return rows;
}

/** The effect of one application that freezes again and again on all others. */
async function freezingRow(say: (text: string) => void, store: string, fleet: Fleet): Promise<Row> {
  say(`${store}: one application of ten stopped and continued every five seconds`);
  const [processes, rate, every, frozen] = [10, 50, 5000, 3000];
  const settling = 10_000;
  const applications = await Applications.start(fleet, processes, 1);
  const slow = async (count: number, from: number) => {
    const sessions = await fleet.open(count);
    // Every application knows every session, so each end has to wait for all of them.
    await applications.know(sessions, processes);
    const calls = await byTimetable(count, rate, (i) => fleet.clients[i % nodes]!.endSession({ id: sessions[i]!.id }));
    const counted = calls.filter(({ due }) => due >= from);
    return counted.filter(({ took }) => took > 1000).length / counted.length;
  };
  try {
    const undisturbed = await slow(rate * seconds, 0);
    const freezer = applications.children[0]!;
    const freeze = () => {
      freezer.kill('SIGSTOP');
      setTimeout(() => freezer.kill('SIGCONT'), frozen);
    };
    // It runs normally while it caches the sessions, and freezes from the first end on.
    const freezing = setInterval(freeze, every);
    const disturbed = await slow(rate * minute, Math.min(settling, (minute * 1000) / 2)).finally(() =>
      clearInterval(freezing),
    );
    return {
      what: `${store}: ends over 1 s, one application of ten stopped for 3 s of every 5`,
      against: 'none stopped',
      reached: `${percent(disturbed)} (${percent(undisturbed)})`,
      target: '≤ 5 % after ten seconds',
      met: disturbed <= 0.05,
    };
  } finally {
    applications.children[0]!.kill('SIGCONT');
    await applications.close();
  }
}

/** Every server is restarted in turn, behind a proxy that tries the next one. */
async function rollingRows(say: (text: string) => void, store: string, fleet: Fleet): Promise<Row[]> {
  say(`${store}: a rolling restart`);
  const rate = 50;
  const applications = await Applications.start(fleet, 4, 6);
  const proxy = await startRetrying(fleet.servers.map(({ port }) => port));
  const client = createClient({ url: proxy.url, token: fleet.key, timeout: 20_000 });
  try {
    const kept = await fleet.open(rate);
    const sessions = await fleet.open(rate * minute);
    await applications.know(sessions, knownTo);
    let restarting = true;
    const calls: Promise<[Call<Ended>[], Call<unknown>[]]>[] = [];
    const load = (async () => {
      // A second of load at a time, until all servers are back.
      for (let from = 0; restarting && from < sessions.length; from += rate) {
        calls.push(
          Promise.all([
            byTimetable(rate, rate, (i) => client.endSession({ id: sessions[from + i]!.id })),
            byTimetable(rate, rate, (i) => client.verifySession({ token: kept[i]!.token })),
          ]),
        );
        await pause(1000);
      }
    })();
    await pause(1000);
    const port = await freePort();
    let another: Server | undefined;
    const started = await timeOf(async () => {
      another = await fleet.startServer(port);
    });
    await stop(another!.child);
    const back: number[] = [];
    for (const [i, { child, port }] of fleet.servers.entries()) {
      back.push(
        await timeOf(async () => {
          await stop(child);
          fleet.servers[i] = await fleet.startServer(port);
        }),
      );
      await pause(1000);
    }
    restarting = false;
    await load;
    const all = await Promise.all(calls);
    const ends = all.flatMap(([ended]) => ended);
    const failed = all.flat(2).filter(({ answer }) => answer === undefined).length;
    const waited = ends.filter(({ answer }) => answer?.receipt.by === 'timeout').length / ends.length;
    const slower = Math.max(...back) / started;
    const what = `${store}: all servers restarted in turn under ${rate} ends a second`;
    return [
      {
        what: `${what}, requests that failed`,
        against: 'a proxy that tries the next server',
        reached: `${failed} of ${ends.length * 2} (${proxy.retried()} were sent again)`,
        target: 'none',
        met: failed === 0,
      },
      {
        what: `${what}, ends that waited for a lease`,
        against: '–',
        reached: percent(waited),
        target: '≤ 1 %',
        met: waited <= 0.01,
      },
      {
        what: `${what}, until one is back`,
        against: 'the start of another one, under the same load',
        reached: `${times(slower)} (${milliseconds(Math.max(...back))}; ${milliseconds(started)})`,
        target: '≤ 2 ×',
        met: slower <= 2,
      },
    ];
  } finally {
    proxy.close();
    await applications.close();
  }
}

/** Writes while a transaction of somebody else still sees the state of a minute ago: a dump, a report. */
async function snapshotRow(say: (text: string) => void): Promise<Row> {
  say('PostgreSQL: writes with a REPEATABLE READ transaction open');
  const server = await startPostgres();
  const store = await server.createDatabase('snapshot');
  const bench = await openBenchOn({ store, secretKey: randomBytes(32) });
  const inFlight = 32;
  let made = 0;
  /** Writes per second, over `length` seconds. */
  const write = async (length: number) => {
    const until = performance.now() + length * 1000;
    let writes = 0;
    const worker = async () => {
      while (performance.now() < until) {
        const { session } = await bench.authority.createSession(library, request(made++, 2500));
        await bench.authority.endSession(library, { id: session.id }, 'stored');
        writes += 2;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return writes / length;
  };
  const span = minute / 6;
  try {
    await write(1);
    const before = await write(span);
    const reader = await server.connect('snapshot');
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await reader.query('SELECT 1 FROM curfew.sessions LIMIT 1');
    await write(minute - span);
    const during = await write(span);
    await reader.query('COMMIT');
    await reader.end();
    await server.sql('snapshot', 'VACUUM');
    const after = await write(span);
    const without = median([before, after, (before + after) / 2]);
    return {
      what: `PostgreSQL: writes after ${minute} s of a REPEATABLE READ transaction`,
      against: 'without, before and after it',
      reached: `${(during / without).toFixed(2)} (${perSecond(during)}; ${perSecond(without)})`,
      target: '≥ 0.8 of its rate',
      met: during / without >= 0.8,
    };
  } finally {
    await bench.close();
    await server.dispose();
  }
}
