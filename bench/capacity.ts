import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { dataFile } from '../packages/curfew/src/stores/lmdb/files.ts';
import { RedisServer, redisInstalled } from '../packages/curfew/test/support/redis.ts';
import { filledEmbedded } from './burst-data.ts';
import { perSecond, type Row, rateOf } from './measure.ts';
import { type Bench, library, openBenchOn, request, temporaryBenchFolder } from './setup.ts';

/** Sessions in each store; half of them are there before the growth is measured. */
const count = Number(process.env['BENCH_SESSIONS'] ?? 200_000);
/** Sessions in the embedded store that is filled as far as anybody is likely to. */
const most = Number(process.env['BENCH_MOST'] ?? 10_000_000);
const calls = 5000;
const inFlight = 64;

/**
 * What `docs/capacity.md` is computed from: how many bytes a session takes on each engine, the rate of each operation
 * with 64 in flight, and what one operation costs a Redis. Unlike the other rows, these are not ratios.
 */
export async function capacityRows(say: (text: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const measure of [embedded, filled, postgres, redis, cache]) rows.push(...(await measure(say)));
  return rows;
}

const row = (what: string, reached: string): Row => ({ what, against: '–', reached, target: 'printed', met: true });

/** Sizes by name, in bytes. */
type Sizes = Record<string, number>;

async function growth(bench: Bench, name: string, sizes: () => Promise<Sizes> | Sizes): Promise<Row[]> {
  const users = Math.ceil(count / 4);
  await bench.fill(count / 2, users);
  await bench.settle();
  const before = await sizes();
  await bench.fill(count / 2, users);
  await bench.settle();
  const after = await sizes();
  return Object.entries(after).map(([what, bytes]) =>
    row(
      `${name}: a session more, ${what}`,
      `${Math.round((bytes - before[what]!) / (count / 2)).toLocaleString('en')} bytes`,
    ),
  );
}

/**
 * `cold` answers from the store, as a server does that has not cached the session yet. `spent` returns the seconds of
 * processor time that the store's own process has used.
 */
async function rates(bench: Bench, cold: Bench, name: string, spent?: () => Promise<number>): Promise<Row[]> {
  let made = count;
  const users = Math.ceil(count / 4);
  const spread = (i: number) => (i * 7919) % bench.ids.length;
  const operations: Record<string, (i: number) => Promise<unknown>> = {
    creations: () => bench.authority.createSession(library, request(made++, users)),
    'verifications that read the store': (i) => cold.authority.verifySession(bench.tokens[spread(i)]!),
    'ends, until they are stored': (i) => bench.authority.endSession(library, { id: bench.ids[spread(i)]! }, 'stored'),
  };
  const rows: Row[] = [];
  for (const [what, call] of Object.entries(operations)) {
    const before = await spent?.();
    const rate = await rateOf(calls, inFlight, call);
    const each = before === undefined ? undefined : (((await spent!()) - before) / calls) * 1e6;
    const cost = each === undefined ? '' : `; each ${each.toFixed(0)} µs of its processor`;
    rows.push(row(`${name}: ${what}`, `${perSecond(rate)}${cost}`));
  }
  return rows;
}

async function embedded(say: (text: string) => void): Promise<Row[]> {
  say(`capacity: LMDB with ${count.toLocaleString('en')} sessions`);
  const folder = temporaryBenchFolder();
  // Only one process may open the folder, so this one caches nothing.
  const bench = await openBenchOn({ store: `lmdb:${folder.path}`, cacheSessions: 1 });
  try {
    const sizes = () => ({ 'on disk': statSync(join(folder.path, dataFile)).size });
    return [...(await growth(bench, 'LMDB', sizes)), ...(await rates(bench, bench, 'LMDB'))];
  } finally {
    await bench.close();
    folder.remove();
  }
}

/** What grows with the number of sessions in the embedded store, and what does not. */
async function filled(say: (text: string) => void): Promise<Row[]> {
  const name = `LMDB with ${most.toLocaleString('en')} sessions`;
  say(`capacity: ${name}`);
  const folder = temporaryBenchFolder();
  try {
    const { ids } = await filledEmbedded(folder.path, most, say);
    const bytes = statSync(join(folder.path, dataFile)).size;
    const settings = { store: `lmdb:${folder.path}`, secretKey: randomBytes(32), cacheSessions: 1 };
    const bench = await openBenchOn(settings);
    const opened = await bench.reopen();
    const spread = (i: number) => ids[(i * 7919) % ids.length]!;
    const users = Math.ceil(most / 4);
    const rates: Record<string, (i: number) => Promise<unknown>> = {
      creations: (i) => bench.authority.createSession(library, request(i, users)),
      'sessions read from the store': (i) => bench.authority.getSession(spread(i)),
      'ends, until they are stored': (i) => bench.authority.endSession(library, { id: spread(i) }, 'stored'),
    };
    const rows = [
      row(`${name}: on disk`, `${(bytes / 1e9).toFixed(1)} GB; ${Math.round(bytes / most)} bytes each`),
      row(`${name}: to open it`, `${opened.toFixed(0)} ms`),
    ];
    for (const [what, call] of Object.entries(rates)) {
      rows.push(row(`${name}: ${what}`, perSecond(await rateOf(calls, inFlight, call))));
    }
    await bench.close();
    return rows;
  } finally {
    folder.remove();
  }
}

async function postgres(say: (text: string) => void): Promise<Row[]> {
  const { PostgresServer } = await import('../engines/servers/test/postgres/server.ts');
  say(`capacity: PostgreSQL with ${count.toLocaleString('en')} sessions`);
  const server = await PostgresServer.start(['shared_buffers=512MB']);
  try {
    const settings = { store: await server.createDatabase('capacity'), secretKey: randomBytes(32) };
    const bench = await openBenchOn(settings);
    const cold = await openBenchOn({ ...settings, cacheSessions: 1 });
    const sizes = async () => {
      await server.sql('capacity', 'VACUUM');
      const { bytes } = await bench.context.store.describe();
      return { 'on disk': bytes };
    };
    const rows = [...(await growth(bench, 'PostgreSQL', sizes)), ...(await rates(bench, cold, 'PostgreSQL'))];
    await cold.close();
    await bench.close();
    return rows;
  } finally {
    await server.dispose();
  }
}

async function redis(say: (text: string) => void): Promise<Row[]> {
  if (!redisInstalled) {
    say('redis-server is not installed (Debian: apt-get install redis-server); the rows of Redis are skipped');
    return [];
  }
  say(`capacity: Redis with ${count.toLocaleString('en')} sessions`);
  const server = await RedisServer.start();
  const client = createClient({ url: server.url });
  await client.connect();
  try {
    const settings = { store: server.url, secretKey: randomBytes(32) };
    const bench = await openBenchOn(settings);
    const cold = await openBenchOn({ ...settings, cacheSessions: 1 });
    const sizes = async () => {
      const info = await client.info('memory');
      return { 'in memory': Number(/used_memory:(\d+)/.exec(info)![1]) };
    };
    const spent = async () => {
      const info = await client.info('cpu');
      return ['user', 'sys'].reduce(
        (sum, kind) => sum + Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(info)![1]),
        0,
      );
    };
    const rows = [...(await growth(bench, 'Redis', sizes)), ...(await rates(bench, cold, 'Redis', spent))];
    await cold.close();
    await bench.close();
    return rows;
  } finally {
    client.destroy();
    await server.remove();
  }
}

/** Memory of a server that has cached every session: of those that it has in its cache, not of those that it verified. */
async function cache(say: (text: string) => void): Promise<Row[]> {
  say(`capacity: a server's cache with ${count.toLocaleString('en')} sessions`);
  const folder = temporaryBenchFolder();
  const bench = await openBenchOn({ store: `lmdb:${folder.path}`, cacheSessions: 2 * count });
  try {
    await bench.fill(count);
    await bench.settle();
    const used = () => {
      globalThis.gc?.();
      const { heapUsed, external } = process.memoryUsage();
      return { bytes: heapUsed + external, sessions: bench.cached() };
    };
    const warm = count / 100;
    await rateOf(warm, inFlight, (i) => bench.authority.verifySession(bench.tokens[i]!));
    const before = used();
    await rateOf(count - warm, inFlight, (i) => bench.authority.verifySession(bench.tokens[warm + i]!));
    const after = used();
    const more = after.sessions - before.sessions;
    assert.equal(more, count - warm, 'the cache has not kept every session: the row would be too small');
    const each = Math.round((after.bytes - before.bytes) / more);
    return [row("a server's cache: a session", `${each.toLocaleString('en')} bytes`)];
  } finally {
    await bench.close();
    folder.remove();
  }
}
