import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, createClient } from 'curfew-client';
import { makeKey } from '../packages/curfew/src/authority/keys.ts';
import { day, minute } from '../packages/curfew/src/domain/limits.ts';
import { dataFile } from '../packages/curfew/src/stores/lmdb/files.ts';
import { openLmdbStore } from '../packages/curfew/src/stores/lmdb/index.ts';
import { openStore } from '../packages/curfew/src/stores/open.ts';
import type { StoreRecord } from '../packages/curfew/src/stores/records.ts';
import { RedisServer, redisInstalled } from '../packages/curfew/test/support/redis.ts';
import { filledEmbedded, sessionsOf, share } from './burst-data.ts';
import { at, type Row, rateOf, timeOf, times } from './measure.ts';
import { temporaryBenchFolder } from './setup.ts';

/** Sessions in the embedded store, and in each of the others; a tenth of them expires at one moment. */
const embedded = Number(process.env['BENCH_SESSIONS'] ?? 10_000_000);
const shared = Math.min(embedded, 1_000_000);
const kinds = (process.env['BENCH_STORES'] ?? 'lmdb,postgres,redis').split(',');
/**
 * Milliseconds for which the quiet server is watched, and the maximum for the one that has to record all those ends. The
 * quiet one is watched for about as long, because V8 lets garbage take more memory the longer a process works.
 */
const quietFor = Number(process.env['BENCH_SECONDS'] ?? 100) * 1000;
const burstFor = Number(process.env['BENCH_MINUTE'] ?? 120) * 1000;

/** Calls a second of each kind, on a timetable that waits for no answer; on a busy machine, only a part of them. */
const pace = Number(process.env['BENCH_PACE'] ?? 1);
const mix = { verify: 50, create: 20, end: 20, list: 4, metrics: 2 } as const;
type Kind = keyof typeof mix;

type Say = (text: string) => void;
/** `fill`: returns when a tenth of the sessions expires, and how far the server's clock is ahead. */
type Place = {
  name: string;
  url: string;
  sessions: number;
  fill(say: Say): Promise<Moment>;
  close(): Promise<void>;
};
type Moment = { expires: number; ahead: number };
/**
 * `turn`: the processor time of the longest turn of the event loop; `long`: how many took more than 20 ms; `kept`: what
 * remains of the memory when garbage has been collected.
 */
type Told = {
  lag: number;
  lagP99: number;
  turn: number;
  turnP99: number;
  long: number;
  megabytes: number;
  kept: number;
};
type Watched = Told & { p99: Record<Kind, number>; failed: number };

/** A tenth of very many sessions expires at one moment, under a mix of all other calls. */
export async function burstRows(say: Say): Promise<Row[]> {
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

/** How long before that moment the server starts: it opens some sessions, and is watched while it is quiet. */
const lead = quietFor + 1.5 * minute;

/**
 * However long filling took, the server's clock is set so that the moment comes when it is expected.
 */
async function openLmdb(): Promise<Place> {
  const folder = temporaryBenchFolder();
  return {
    name: 'LMDB',
    url: `lmdb:${folder.path}`,
    sessions: embedded,
    async fill(say) {
      const { expires } = await filledEmbedded(folder.path, embedded, say);
      // When a copy is first opened, each of its pages is checked.
      await (await openLmdbStore(folder.path)).close();
      // Otherwise the server would wait, at each of its writes, for the gigabytes that were written here.
      flushToDisk(join(folder.path, dataFile));
      return { expires: Date.now() + lead, ahead: expires - Date.now() - lead };
    },
    close: async () => folder.remove(),
  };
}

function flushToDisk(path: string): void {
  const file = openSync(path, 'r+');
  fdatasyncSync(file);
  closeSync(file);
}

async function openPostgres(): Promise<Place> {
  const { PostgresServer } = await import('../engines/servers/test/postgres/server.ts');
  const open = async () => {
    const server = await PostgresServer.start(['shared_buffers=512MB', 'max_wal_size=4GB']);
    return { url: await server.createDatabase('burst'), close: () => server.dispose() };
  };
  return openShared('PostgreSQL', open);
}

async function openRedis(say: Say): Promise<Place | undefined> {
  if (!redisInstalled) {
    say('redis-server is not installed (Debian: apt-get install redis-server); the rows of Redis are skipped');
    return undefined;
  }
  const open = async () => {
    const redis = await RedisServer.start();
    return { url: redis.url, close: () => redis.remove() };
  };
  return openShared('Redis', open);
}

/** A store with its own clock: the moment is estimated from how long it takes to fill in a few sessions. */
async function openShared(name: string, open: () => Promise<{ url: string; close(): Promise<void> }>): Promise<Place> {
  const server = await open();
  return {
    name,
    ...server,
    sessions: shared,
    async fill() {
      const few = Math.min(shared, 50_000);
      const trial = await open();
      const took = await timeOf(() => importSessions(trial.url, few, Date.now(), Date.now() + day)).finally(
        trial.close,
      );
      const began = Date.now();
      // Half as long again as the trial suggests, because a large store fills more slowly.
      const expires = began + Math.ceil((shared / few) * took * 1.5) + lead;
      await importSessions(server.url, shared, began, expires);
      if (Date.now() + lead > expires) throw new Error('Filling took longer than expected; try again.');
      return { expires, ahead: 0 };
    },
  };
}

async function importSessions(url: string, count: number, begins: number, expires: number): Promise<void> {
  const store = await openStore(url);
  async function* records(): AsyncIterable<StoreRecord> {
    yield { kind: 'counters', head: 0, lastEvent: 0, time: begins };
    for (const session of sessionsOf({ count, begins, expires }))
      yield { kind: 'session', session, writtenAt: undefined };
  }
  await store.importRecords(records());
  await store.close();
}

async function burst(say: Say, place: Place): Promise<Row[]> {
  const { name, sessions } = place;
  const going = Math.ceil(sessions / share);
  say(`${name}: filling a store with ${sessions.toLocaleString('en')} sessions`);
  const began = Date.now();
  const { expires, ahead } = await place.fill(say);
  const server = await BurstServer.start(place.url, ahead);
  try {
    const opened = await server.open(200);
    say(
      `${name}: filled in ${Math.round((Date.now() - began) / 1000)} s, started in ${(server.startedIn / 1000).toFixed(2)} s; the moment comes in ${Math.round((expires - Date.now()) / 1000)} s`,
    );
    if (Date.now() + quietFor > expires) throw new Error('The start took longer than expected; try again.');
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
      writtenIn === undefined ? 'not all are recorded yet' : `recorded in ${Math.round(writtenIn / 1000)} s`;
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
        what: `${what}, the event loop was blocked for`,
        against: 'the same server before that moment',
        reached: `${busy.lag.toFixed(0)} ms at most, p99 ${busy.lagP99.toFixed(0)} ms (${quiet.lag.toFixed(0)}; ${quiet.lagP99.toFixed(0)} ms)`,
        target: '≤ 50 ms',
        met: busy.lag <= 50,
      },
      {
        what: `${what}, the processor time of one turn of the event loop`,
        against: 'the same server before that moment',
        reached: `${busy.turn.toFixed(0)} ms at most, p99 ${busy.turnP99.toFixed(1)} ms, ${busy.long} over 20 ms (${quiet.turn.toFixed(0)}; ${quiet.turnP99.toFixed(1)} ms; ${quiet.long})`,
        target: '≤ 20 ms',
        met: busy.turn <= 20,
      },
      {
        what: `${name}: a start with ${sessions.toLocaleString('en')} sessions`,
        against: 'time',
        reached: `${(server.startedIn / 1000).toFixed(2)} s`,
        target: '≤ 2 s',
        met: server.startedIn <= 2000,
      },
      {
        what: `${what}, memory of the process`,
        against: 'the same server before that moment',
        reached: `${times(busy.kept / quiet.kept)} (${busy.kept.toFixed(0)}; ${quiet.kept.toFixed(0)} MB; with garbage ${busy.megabytes.toFixed(0)}; ${quiet.megabytes.toFixed(0)} MB)`,
        // How much garbage V8 lets lie depends on how fast it is made, not on how much is due.
        target: '≤ 1.5 × without garbage',
        met: busy.kept <= 1.5 * quiet.kept,
      },
    ];
  } finally {
    await server.stop();
  }
}

type Started = { url: string; startedIn: number };

class BurstServer {
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #client: Client;

  /** Milliseconds. */
  readonly startedIn: number;
  readonly #ahead: number;

  private constructor(child: ChildProcess, { url, startedIn }: Started, key: string, ahead: number) {
    this.startedIn = startedIn;
    this.#ahead = ahead;
    this.#child = child;
    this.#url = url;
    this.#client = createClient({ url, token: key, timeout: 60_000 });
  }

  static async start(store: string, ahead: number): Promise<BurstServer> {
    const key = makeKey(Date.now(), randomBytes);
    const env = {
      PATH: process.env['PATH'],
      CURFEW_STORE: store,
      CURFEW_PORT: '0',
      CURFEW_SECRET_KEY: randomBytes(32).toString('hex'),
      CURFEW_API_KEY: key,
      CURFEW_ADMIN_PASSWORD: 'correct horse battery',
      CURFEW_LOG_LEVEL: 'silent',
      BENCH_CLOCK_AHEAD: String(ahead),
    };
    const options = {
      env,
      execArgv: [
        '--conditions=curfew-source',
        '--expose-gc',
        ...(process.env['BENCH_NODE'] ?? '').split(' ').filter(Boolean),
      ],
    };
    const child = fork(new URL('burst-server.ts', import.meta.url), [], options);
    const [started] = (await once(child, 'message')) as [Started];
    return new BurstServer(child, started, key, ahead);
  }

  async open(count: number): Promise<string[]> {
    const tokens: string[] = [];
    await rateOf(count, 16, async (i) => {
      tokens.push((await this.#client.createSession({ userId: `opened ${i}` })).token);
    });
    return tokens;
  }

  /** Runs the mix until something has happened. */
  async watch(tokens: readonly string[], happened: () => Promise<void>): Promise<Watched> {
    await this.#ask();
    const took = Object.fromEntries(Object.keys(mix).map((kind) => [kind, []])) as unknown as Record<Kind, number[]>;
    let [failed, going] = [0, true];
    const ids: string[] = [];
    const calls: Record<Kind, (i: number) => Promise<unknown>> = {
      verify: (i) => this.#client.verifySession({ token: tokens[i % tokens.length]! }),
      create: async (i) => ids.push((await this.#client.createSession({ userId: `user-${i}` })).session.id),
      // Ends one of the sessions that this mix has opened.
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
        const due = (i * 1000) / (mix[kind] * pace);
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

  /** Whether everything that was due at a moment is recorded. */
  async hasSwept(moment: number): Promise<boolean> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const [, completed] = /^curfew_sweep_completed_timestamp_seconds (\S+)$/m.exec(text) ?? [];
    return Number(completed) * 1000 > moment + this.#ahead + 1000;
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
