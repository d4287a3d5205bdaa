import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { day } from '../packages/curfew/src/domain/limits.ts';
import { openSession } from '../packages/curfew/src/domain/open-session.ts';
import type { End } from '../packages/curfew/src/domain/reasons.ts';
import type { StoredSession } from '../packages/curfew/src/domain/session.ts';
import { encodeSession } from '../packages/curfew/src/stores/redis/codec.ts';
import { openRedisStore, type RedisStore } from '../packages/curfew/src/stores/redis/index.ts';
import { freePort } from '../packages/curfew/test/support/free-port.ts';
import { atLeast, atMost, duel, median, perSecond, type Row, rateOf, sizeRows, timeOf, times } from './measure.ts';
import { request } from './setup.ts';

const small = 10_000;
const large = Number(process.env['BENCH_LARGE'] ?? 1_000_000);
const loadClient = Number(process.env['BENCH_CROWD'] ?? 100_000);
const rounds = 9;
/** Calls in flight on both sides: as many as on a busy server, but no more, because that would measure the queue. */
const inFlight = 16;
const calls = 5000;

/** The store on a separate Redis that syncs every write, against the same client's bare commands on the same server. */
export async function redisRows(say: (text: string) => void): Promise<Row[]> {
  if (spawnSync('redis-server', ['--version']).error) {
    say('redis-server is not installed (Debian: apt-get install redis-server); the Redis rows are skipped');
    return [];
  }
  say(`Redis: opening ${small.toLocaleString('en')} sessions`);
  const few = await openBench(small);
  say('verifying, creating, ending against bare GET, SET, DEL');
  const rows = await againstBare(few);
  say(`Redis: opening ${large.toLocaleString('en')} sessions`);
  const many = await openBench(large);
  say('comparing sizes');
  rows.push(...(await comparing(few, many)));
  say(`Redis: ending all of users with ${loadClient.toLocaleString('en')} sessions`);
  rows.push(...(await endingUser(many)));
  await few.close();
  await many.close();
  return rows;
}

async function againstBare({ store, url, sessions, make }: Bench): Promise<Row[]> {
  const bare = createClient({ url, maintNotifications: 'disabled', commandOptions: { timeout: undefined } as object });
  await bare.connect();
  const row = `0.0\u001f${encodeSession(sessions[0]!)}`;
  const keyOf = (i: number) => `bare:{0A}:s:${String(i).padStart(22, '0')}`;
  const fresh: StoredSession[] = [];
  const create = await duel(
    rounds,
    async () => {
      const made = Array.from({ length: calls }, () => make());
      fresh.push(...made);
      return rateOf(calls, inFlight, (i) => createOne(store, made[i]!));
    },
    (round) => rateOf(calls, inFlight, (i) => bare.set(keyOf(round * calls + i), row)),
  );
  const spread = (i: number) => (i * 7919) % fresh.length;
  const verify = await duel(
    rounds,
    () => rateOf(4 * calls, inFlight, (i) => store.readSession(fresh[spread(i)]!.id)),
    () => rateOf(4 * calls, inFlight, (i) => bare.get(keyOf(spread(i)))),
  );
  let [ended, deleted] = [0, 0];
  const end = await duel(
    rounds,
    () =>
      rateOf(calls, inFlight, () => {
        // As a server ends it: the session was read to authorise the request.
        const seen = fresh[ended++]!;
        return store.endSession(seen.id, endNow(), { seen });
      }),
    () => rateOf(calls, inFlight, () => bare.del(keyOf(deleted++))),
  );
  bare.destroy();
  const rowOf = (what: string, command: string, { ratio, ours, theirs }: typeof create): Row => ({
    what: `Redis: ${what}, ${inFlight} in flight`,
    against: `bare ${command}, same client, same bytes`,
    reached: `${ratio.toFixed(2)} (${perSecond(ours)}; ${perSecond(theirs)})`,
    ...atLeast(0.5, ratio),
  });
  return [
    rowOf('create, on disk', 'SET', create),
    rowOf('verify (cold): the session is read and its epochs are checked', 'GET', verify),
    rowOf('end, on disk', 'DEL', end),
  ];
}

async function comparing(few: Bench, many: Bench): Promise<Row[]> {
  const read = ({ store, sessions }: Bench) => {
    const step = Math.max(1, Math.floor(sessions.length / calls)) * 7919;
    return () =>
      timeOf(() => rateOf(calls, inFlight, (i) => store.readSession(sessions[(i * step) % sessions.length]!.id)));
  };
  const create = ({ store, make }: Bench) => {
    return () => timeOf(() => rateOf(calls, inFlight, () => createOne(store, make())));
  };
  const end = ({ store, sessions }: Bench) => {
    let at = sessions.length;
    return () => timeOf(() => rateOf(500, inFlight, () => store.endSession(sessions[--at]!.id, endNow())));
  };
  return sizeRows({ prefix: 'Redis: ', large, small, rounds }, { many, few }, { verify: read, create, end });
}

/** Ending all sessions of a user, and the effect on others while the sweep records the ends one by one. */
async function endingUser({ store, make }: Bench): Promise<Row[]> {
  const users = Array.from({ length: 3 }, (_, i) => `loadClient ${i}`);
  for (const userId of users) {
    await rateOf(loadClient, 256, () => createOne(store, make(userId)));
  }
  await settle(store);
  const { ratio, ours } = await duel(
    users.length,
    (round) => timeOf(() => store.endSessionsOfUser(users[round] as never, { ...endNow(), reason: 'all_of_user' })),
    async () => {
      const one = make();
      await createOne(store, one);
      return timeOf(() => store.endSession(one.id, endNow()));
    },
  );
  let sweeping = true;
  const swept = settle(store).finally(() => {
    sweeping = false;
  });
  // Meanwhile, others sign in and are verified.
  const request = async () => {
    const one = make();
    await createOne(store, one);
    await store.readSession(one.id);
  };
  const busy: number[] = [];
  while (sweeping) busy.push(await timeOf(request));
  await swept;
  const quiet: number[] = [];
  for (let i = 0; i < Math.max(500, busy.length); i++) quiet.push(await timeOf(request));
  const p99 = (took: number[]) => took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)]!;
  const slower = p99(busy) / p99(quiet);
  return [
    {
      what: `Redis: end all of a user with ${loadClient.toLocaleString('en')} sessions`,
      against: 'ending one',
      reached: `${times(ratio)} (${ours.toFixed(2)} ms)`,
      ...atMost(2, ratio),
    },
    {
      what: 'Redis: p99 of a creation and a reading while the sweep records those ends',
      against: `its quiet value (${p99(quiet).toFixed(2)} ms; median ${median(quiet).toFixed(2)} ms)`,
      reached: times(slower),
      ...atMost(3, slower),
    },
  ];
}

type Bench = {
  store: RedisStore;
  url: string;
  sessions: StoredSession[];
  /** A session that is not in the store yet. */
  make(userId?: string): StoredSession;
  close(): Promise<void>;
};

/** A separate Redis that syncs every write, with that many sessions. */
async function openBench(count: number): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-bench-redis-'));
  const port = await freePort();
  const server = await startRedis(port, folder);
  const url = `redis://127.0.0.1:${port}`;
  const store = await openRedisStore(url);
  let made = 0;
  const make = (userId?: string) => sessionOf(made++, Math.max(1, Math.ceil(count / 4)), userId);
  const sessions = Array.from({ length: count }, () => make());
  await rateOf(count, 256, (i) => createOne(store, sessions[i]!));
  await settle(store);
  return {
    store,
    url,
    sessions,
    make,
    async close() {
      await store.close();
      const gone = once(server, 'exit');
      server.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A session as an application opens it. */
function sessionOf(i: number, users: number, userId?: string): StoredSession {
  const { metadata = {}, accessGroups = [], ...asked } = request(i, users);
  return openSession(
    {
      userId: (userId ?? asked.userId) as StoredSession['userId'],
      accessGroups: accessGroups as StoredSession['accessGroups'],
      userAgent: asked.userAgent,
      ip: asked.ip,
      metadata,
      absolute: 30 * day,
      idle: 7 * day,
      epochs: { user: 0, everyone: 0 },
    },
    Date.now(),
    (bytes) => randomBytes(bytes),
  ).stored;
}

function createOne(store: RedisStore, session: StoredSession) {
  return store.createSession({ session, epochs: 'current', by: 'library', now: session.createdAt });
}

const endNow = (): End => ({ at: Date.now(), by: 'library', reason: 'logout' });

async function settle(store: RedisStore): Promise<void> {
  const task = { now: Date.now(), keepEnded: day, keepEvents: day, batch: 500 };
  while ((await store.sweep(task)).more);
}

async function startRedis(port: number, folder: string): Promise<ChildProcess> {
  const settings = { port, bind: '127.0.0.1', dir: folder, appendonly: 'yes', appendfsync: 'always' };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = spawn('redis-server', [...args, '--save', ''], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (chunk) => {
      if (/Ready to accept/.test(String(chunk))) resolve();
    });
    server.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
  });
  return server;
}
