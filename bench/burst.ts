import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, createClient } from 'curfew-client';
import { makeKey } from '../packages/curfew/src/authority/keys.ts';
import type { AccessGroup, UserId } from '../packages/curfew/src/domain/brand.ts';
import { day, minute } from '../packages/curfew/src/domain/limits.ts';
import { openSession } from '../packages/curfew/src/domain/open-session.ts';
import { openStore } from '../packages/curfew/src/stores/open.ts';
import type { StoreRecord } from '../packages/curfew/src/stores/records.ts';
import { RedisServer, redisInstalled } from '../packages/curfew/test/support/redis.ts';
import { at, type Row, rateOf, timeOf, times } from './measure.ts';
import { request, temporaryBenchFolder } from './world.ts';

/** Sessions in the embedded store, and in each of the others; a tenth of them expires in one moment. */
const embedded = Number(process.env['BENCH_SESSIONS'] ?? 10_000_000);
const shared = Math.min(embedded, 1_000_000);
const kinds = (process.env['BENCH_STORES'] ?? 'lmdb,postgres,redis').split(',');
const share = 10;
/** Milliseconds that the quiet server is watched for, and at most the one that has to write all those ends down. */
const quietFor = Number(process.env['BENCH_SECONDS'] ?? 20) * 1000;
const burstFor = Number(process.env['BENCH_MINUTE'] ?? 120) * 1000;

/** Calls a second of each kind, by a timetable that waits for no answer. */
const mix = { verify: 50, create: 20, end: 20, list: 4, metrics: 2 } as const;
type Kind = keyof typeof mix;

type Place = { name: string; url: string; sessions: number; close(): Promise<void> };
type Told = { lag: number; lagP99: number; megabytes: number };
type Watched = Told & { p99: Record<Kind, number>; failed: number };

/** A tenth of very many sessions that expires in one moment, under a mix of everything else. */
export async function burstRows(say: (text: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [kind, open] of Object.entries({ lmdb: openLmdb, postgres: openPostgres, redis: openRedis })) {
    const place = kinds.includes(kind) ? await open(say) : undefined;
    if (!place) continue;
    try {
      rows.push(...(await burst(say, place)));
    } finally {
      await place.close();
    }
  }
  return rows;
}

async function openLmdb(): Promise<Place> {
  const folder = temporaryBenchFolder();
  return { name: 'LMDB', url: `lmdb:${folder.path}`, sessions: embedded, close: async () => folder.remove() };
}

async function openPostgres(): Promise<Place> {
  const { PostgresServer } = await import('../engines/servers/test/postgres/server.ts');
  const server = await PostgresServer.start(['shared_buffers=512MB', 'max_wal_size=4GB']);
  const url = await server.createDatabase('burst');
  return { name: 'PostgreSQL', url, sessions: shared, close: () => server.dispose() };
}

async function openRedis(say: (text: string) => void): Promise<Place | undefined> {
  if (!redisInstalled) {
    say('redis-server is not installed (Debian: apt-get install redis-server); the rows of Redis are left out');
    return undefined;
  }
  const redis = await RedisServer.start();
  return { name: 'Redis', url: redis.url, sessions: shared, close: () => redis.remove() };
}

/** Fills a store; answers when a tenth of its sessions expires, which is later than now. */
async function fill(place: Place, count: number, begins: number, expires: number): Promise<void> {
  const store = await openStore(place.url);
  const users = Math.ceil(count / 4);
  async function* records(): AsyncIterable<StoreRecord> {
    yield { kind: 'counters', head: 0, lastEvent: 0, time: begins };
    for (let i = 0; i < count; i++) {
      const { userId, accessGroups, userAgent, ip, metadata } = request(i, users);
      // In the order of time, as if they had come one after the other; those that go are spread among the others.
      const createdAt = begins - day + Math.floor((i / count) * (day - minute));
      const opening = {
        userId: userId as UserId,
        accessGroups: accessGroups as AccessGroup[],
        userAgent,
        ip,
        metadata: metadata!,
        absolute: i % share === 0 ? expires - createdAt : 30 * day,
        idle: 7 * day,
        epochs: { user: 0, everyone: 0 },
      };
      yield { kind: 'session', session: openSession(opening, createdAt, randomBytes).stored, writtenAt: undefined };
    }
  }
  await store.importRecords(records());
  await store.close();
}

async function burst(say: (text: string) => void, place: Place): Promise<Row[]> {
  const { name, sessions } = place;
  const going = Math.ceil(sessions / share);
  say(`${name}: filling a store with ${sessions.toLocaleString('en')} sessions`);
  const trial = await fillTrial(place, Math.min(going, 50_000));
  const began = Date.now();
  // Half as long again as the trial says, because a large store fills more slowly; and what comes before the moment.
  const expires = began + Math.ceil(sessions * trial * 1.5) + quietFor + minute;
  await fill(place, sessions, began, expires);
  const server = await BurstServer.start(place.url);
  try {
    const opened = await server.open(1000);
    if (Date.now() + quietFor > expires) throw new Error('Filling took longer than was foreseen; try again.');
    say(
      `${name}: filled in ${Math.round((Date.now() - began) / 1000)} s; the moment comes in ${Math.round((expires - Date.now()) / 1000)} s`,
    );
    await pause(expires - quietFor - Date.now());
    say(`${name}: a quiet server`);
    const quiet = await server.watch(opened, async () => pause(expires - Date.now()));
    say(`${name}: ${going.toLocaleString('en')} sessions expire`);
    let writtenIn: number | undefined;
    const busy = await server.watch(opened, async () => {
      const until = performance.now() + burstFor;
      const from = performance.now();
      while (performance.now() < until) {
        await pause(1000);
        if (await server.hasSwept(expires)) {
          writtenIn ??= performance.now() - from;
          if (performance.now() - from > quietFor) return;
        }
      }
    });
    const what = `${name}: ${going.toLocaleString('en')} of ${sessions.toLocaleString('en')} sessions expire at once`;
    const written =
      writtenIn === undefined ? 'not all are written down yet' : `written down in ${Math.round(writtenIn / 1000)} s`;
    const ratios = (Object.keys(mix) as Kind[]).map((kind) => ({
      kind,
      ratio: busy.p99[kind] / quiet.p99[kind],
      text: `${kind} ${times(busy.p99[kind] / quiet.p99[kind])} (${busy.p99[kind].toFixed(1)}; ${quiet.p99[kind].toFixed(1)} ms)`,
    }));
    const failed = busy.failed + quiet.failed;
    return [
      {
        what: `${what}, p99`,
        against: 'the same server before that moment',
        reached: `${ratios.map(({ text }) => text).join(', ')}, ${failed} failed, ${written}`,
        target: 'each ≤ 5 ×, none failed',
        met: ratios.every(({ ratio }) => ratio <= 5) && failed === 0,
      },
      {
        what: `${what}, the event loop stood still for`,
        against: 'the same server before that moment',
        reached: `${busy.lag.toFixed(0)} ms at most, p99 ${busy.lagP99.toFixed(0)} ms (${quiet.lag.toFixed(0)}; ${quiet.lagP99.toFixed(0)} ms)`,
        target: '≤ 50 ms',
        met: busy.lag <= 50,
      },
      {
        what: `${what}, memory of the process`,
        against: 'the same server before that moment',
        reached: `${times(busy.megabytes / quiet.megabytes)} (${busy.megabytes.toFixed(0)}; ${quiet.megabytes.toFixed(0)} MB)`,
        target: '≤ 1.5 ×',
        met: busy.megabytes <= 1.5 * quiet.megabytes,
      },
    ];
  } finally {
    await server.stop();
  }
}

/** Milliseconds that one session takes to be filled in. */
async function fillTrial({ name }: Place, count: number): Promise<number> {
  const open = { LMDB: openLmdb, PostgreSQL: openPostgres, Redis: openRedis }[name]!;
  const place = (await open(() => {}))!;
  try {
    return (await timeOf(() => fill(place, count, Date.now(), Date.now() + day))) / count;
  } finally {
    await place.close();
  }
}

class BurstServer {
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #client: Client;

  private constructor(child: ChildProcess, url: string, key: string) {
    this.#child = child;
    this.#url = url;
    this.#client = createClient({ url, token: key, timeout: 60_000 });
  }

  static async start(store: string): Promise<BurstServer> {
    const key = makeKey(Date.now(), randomBytes);
    const env = {
      PATH: process.env['PATH'],
      CURFEW_STORE: store,
      CURFEW_PORT: '0',
      CURFEW_SECRET_KEY: randomBytes(32).toString('hex'),
      CURFEW_API_KEY: key,
      CURFEW_ADMIN_PASSWORD: 'correct horse battery',
      CURFEW_LOG_LEVEL: 'silent',
    };
    const options = {
      env,
      execArgv: ['--conditions=curfew-source', ...(process.env['BENCH_NODE'] ?? '').split(' ').filter(Boolean)],
    };
    const child = fork(new URL('burst-server.ts', import.meta.url), [], options);
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    return new BurstServer(child, url, key);
  }

  async open(count: number): Promise<string[]> {
    const tokens: string[] = [];
    await rateOf(count, 16, async (i) => {
      tokens.push((await this.#client.createSession({ userId: `opened ${i}` })).token);
    });
    return tokens;
  }

  /** The mix, until something has happened. */
  async watch(tokens: readonly string[], happened: () => Promise<void>): Promise<Watched> {
    await this.#ask();
    const took = Object.fromEntries(Object.keys(mix).map((kind) => [kind, []])) as unknown as Record<Kind, number[]>;
    let [failed, going] = [0, true];
    const ids: string[] = [];
    const calls: Record<Kind, (i: number) => Promise<unknown>> = {
      verify: (i) => this.#client.verifySession({ token: tokens[i % tokens.length]! }),
      create: async (i) => ids.push((await this.#client.createSession({ userId: `user-${i}` })).session.id),
      // One of those that this mix has made.
      end: async () => {
        const id = ids.shift();
        if (id !== undefined) await this.#client.endSession({ id });
      },
      list: (i) => this.#client.listSessions(i % 2 === 0 ? { limit: 50 } : { limit: 50, status: 'active' }),
      metrics: async () => {
        const answer = await fetch(`${this.#url}/metrics`);
        if (!answer.ok) throw new Error(`${answer.status}`);
        await answer.arrayBuffer();
      },
    };
    const open = new Set<Promise<void>>();
    const keepUp = async (kind: Kind) => {
      const began = performance.now();
      for (let i = 0; going; i++) {
        const due = (i * 1000) / mix[kind];
        const early = due - (performance.now() - began);
        if (early > 0) await pause(early);
        const call = calls[kind](i)
          .then(
            () => {
              took[kind].push(performance.now() - began - due);
            },
            () => {
              failed += 1;
            },
          )
          .finally(() => open.delete(call));
        open.add(call);
      }
    };
    const all = Promise.all((Object.keys(mix) as Kind[]).map(keepUp));
    await happened();
    going = false;
    await all;
    await Promise.all(open);
    const p99 = Object.fromEntries(Object.entries(took).map(([kind, values]) => [kind, at(values, 0.99)]));
    return { ...(await this.#ask()), p99: p99 as Record<Kind, number>, failed };
  }

  /** Whether everything that was due at a moment is written down. */
  async hasSwept(moment: number): Promise<boolean> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const [, completed] = /^curfew_sweep_completed_timestamp_seconds (\S+)$/m.exec(text) ?? [];
    return Number(completed) * 1000 > moment + 1000;
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.disconnect();
    await gone;
  }

  async #ask(): Promise<Told> {
    const told = once(this.#child, 'message');
    this.#child.send('tell');
    return ((await told) as [Told])[0];
  }
}
