import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import type pg from 'pg';
import type { PostgresServer } from '../engines/servers/test/postgres/server.ts';
import { openLmdbStore } from '../packages/curfew/src/stores/lmdb/index.ts';
import { encodeSession } from '../packages/curfew/src/stores/postgres/codec.ts';
import { openPostgresStore } from '../packages/curfew/src/stores/postgres/index.ts';
import { exportLines, importLines, splitLines } from '../packages/curfew/src/transfer.ts';
import { atLeast, atMost, duel, median, perSecond, type Row, rateOf, sizeRows, timeOf, times } from './measure.ts';
import { type Bench, library, openBenchOn, request, temporaryBenchFolder } from './setup.ts';

const small = 10_000;
const large = Number(process.env['BENCH_LARGE'] ?? 1_000_000);
const inFlight = 64;
const rounds = 7;
const secretKey = randomBytes(32);

/** All measurements of PostgreSQL, in one run, on a separate server with its usual durability. */
export async function postgresRows(say: (text: string) => void): Promise<Row[]> {
  const { PostgresServer: Engine } = await import('../engines/servers/test/postgres/server.ts');
  const server = await Engine.start(['shared_buffers=512MB']);
  try {
    const rows: Row[] = [];
    say(`opening ${small.toLocaleString('en')} sessions in PostgreSQL`);
    const few = await open(server, 'few');
    await few.fill(small);
    await few.settle();
    const bare = await openBare(server, few);
    say('verifying, creating, ending against bare statements');
    const created: string[] = [];
    rows.push(await verifying(server, few, bare), await creating(few, bare, created), await ending(few, bare, created));
    await bare.close();
    say(`opening ${large.toLocaleString('en')} sessions in PostgreSQL`);
    const many = await open(server, 'many');
    await many.fill(large);
    await many.settle();
    await server.sql('many', 'ANALYZE');
    say('comparing sizes');
    const [coldFew, coldMany] = [await openForgetful(server, 'few'), await openForgetful(server, 'many')];
    rows.push(...(await comparing([few, coldFew], [many, coldMany])));
    await coldFew.close();
    await coldMany.close();
    say('ending all of a user, and sweeping');
    rows.push(...(await endingUser(many)));
    say('exporting and importing');
    rows.push(...(await transferring(server, many)));
    await few.close();
    await many.close();
    return rows;
  } finally {
    await server.dispose();
  }
}

async function open(server: PostgresServer, name: string): Promise<Bench> {
  return openBenchOn({ store: await server.createDatabase(name), secretKey });
}

/** Another node on the store, which caches at most one session, so that its verifications read the store. */
async function openForgetful(server: PostgresServer, name: string): Promise<Bench> {
  return openBenchOn({ store: server.url(name), secretKey, cacheSessions: 1 });
}

type Bare = {
  insert(): Promise<unknown>;
  select(): Promise<unknown>;
  update(): Promise<unknown>;
  close(): Promise<void>;
};

/**
 * The simplest table for the same: an id and the same bytes, with the same driver and the same number of connections.
 */
async function openBare(server: PostgresServer, bench: Bench): Promise<Bare> {
  const { Pool } = createRequire(new URL('../packages/curfew/package.json', import.meta.url))('pg') as typeof pg;
  const pool = new Pool({ connectionString: await server.createDatabase('bare'), max: 10 });
  await pool.query('CREATE TABLE sessions (id text COLLATE "C" PRIMARY KEY, row text NOT NULL, ended_at bigint)');
  const { stored } = (await bench.context.store.readSession(bench.ids[0] as never))!;
  const row = JSON.stringify(encodeSession(stored));
  const id = (n: number) => `0V${String(n).padStart(20, '0')}`;
  await pool.query(
    `INSERT INTO sessions SELECT '0V' || lpad(n::text, 20, '0'), $1, NULL FROM generate_series(0, ${small - 1}) n`,
    [row],
  );
  let [made, read, ended] = [small, 0, 0];
  return {
    insert: () =>
      pool.query({ name: 'insert', text: 'INSERT INTO sessions VALUES ($1, $2, NULL)', values: [id(made++), row] }),
    select: () =>
      pool.query({
        name: 'select',
        text: 'SELECT row, ended_at FROM sessions WHERE id = $1',
        values: [id((read++ * 7919) % small)],
      }),
    update: () =>
      pool.query({
        name: 'update',
        text: 'UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL',
        values: [id(ended++), 1],
      }),
    close: () => pool.end(),
  };
}

async function verifying(server: PostgresServer, bench: Bench, bare: Bare): Promise<Row> {
  const forgetful = await openForgetful(server, 'few');
  const count = 10_000;
  let at = 0;
  const ours = () =>
    rateOf(count, inFlight, async () => {
      const { active } = await forgetful.authority.verifySession(bench.tokens[(at++ * 7919) % small]!);
      if (!active) throw new Error('not active');
    });
  const row = await side('verify (cold)', 'SELECT of the same bytes', ours, () => rateOf(count, inFlight, bare.select));
  await forgetful.close();
  return row;
}

/** Collects the ids of what it creates. */
async function creating(bench: Bench, bare: Bare, created: string[]): Promise<Row> {
  const count = 4000;
  let made = small;
  const ours = () =>
    rateOf(count, inFlight, async () => {
      const { session } = await bench.authority.createSession(library, request(made++, 2500));
      created.push(session.id);
    });
  return side('create', 'INSERT of the same bytes', ours, () => rateOf(count, inFlight, bare.insert));
}

/** Measured until the end is stored; the benchmark of the fence measures the wait for the fence. */
async function ending(bench: Bench, bare: Bare, ids: readonly string[]): Promise<Row> {
  const count = 1000;
  let ended = 0;
  const ours = () =>
    rateOf(count, inFlight, () => bench.authority.endSession(library, { id: ids[ended++]! }, 'stored'));
  return side('end', 'UPDATE by id', ours, () => rateOf(count, inFlight, bare.update));
}

async function side(
  what: string,
  against: string,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<Row> {
  await ours();
  await theirs();
  const { ratio, ours: mine, theirs: other } = await duel(rounds, ours, theirs);
  return {
    what: `PostgreSQL: ${what}, ${inFlight} in flight`,
    against: `${against} through pg, same durability`,
    reached: `${ratio.toFixed(2)} (${perSecond(mine)}; ${perSecond(other)})`,
    ...atLeast(0.7, ratio),
  };
}

/** Compares a million sessions with ten thousand. */
async function comparing(few: readonly [Bench, cold: Bench], many: readonly [Bench, cold: Bench]): Promise<Row[]> {
  let made = 0;
  const users = (bench: Bench) => Math.ceil(bench.ids.length / 4);
  const verify =
    ([{ tokens }, cold]: readonly [Bench, Bench]) =>
    () =>
      timeOf(() => rateOf(5000, inFlight, (i) => cold.authority.verifySession(tokens[(i * 7919) % tokens.length]!)));
  const create =
    ([bench]: readonly [Bench, Bench]) =>
    () =>
      timeOf(() => rateOf(2000, inFlight, () => bench.authority.createSession(library, request(made++, users(bench)))));
  const end = ([bench]: readonly [Bench, Bench]) => {
    let at = bench.ids.length;
    return () =>
      timeOf(() =>
        rateOf(300, inFlight, () => bench.authority.endSession(library, { id: bench.ids[--at]! }, 'stored')),
      );
  };
  return sizeRows({ prefix: 'PostgreSQL: ', large, small, rounds }, { many, few }, { verify, end, create });
}

/** Ending all sessions of a user, and the effect of the sweep that records the ends on others. */
async function endingUser(bench: Bench): Promise<Row[]> {
  const crowds = Array.from({ length: 3 }, (_, i) => `loadClient ${i}`);
  const loadClient = Math.min(100_000, large);
  for (const userId of crowds) {
    await rateOf(loadClient, 256, (i) => bench.authority.createSession(library, { ...request(i, 1), userId }));
  }
  await bench.settle();
  const endOne = async () => {
    const { session } = await bench.authority.createSession(library, request(bench.ids.length, 1000));
    return timeOf(() => bench.authority.endSession(library, { id: session.id }, 'stored'));
  };
  for (let i = 0; i < 20; i++) await endOne();
  const quiet = await percentile(endOne, () => false, 300);
  const { ratio, ours } = await duel(
    crowds.length,
    (round) => timeOf(() => bench.authority.endUserSessions(library, crowds[round]!, { wait: 'stored' })),
    endOne,
  );
  let swept = false;
  const sweeping = bench.settle().then(() => {
    swept = true;
  });
  const busy = await percentile(endOne, () => swept, 100_000);
  await sweeping;
  return [
    {
      what: `PostgreSQL: end all of a user with ${loadClient.toLocaleString('en')} sessions`,
      against: 'ending one',
      reached: `${times(ratio)} (${ours.toFixed(2)} ms)`,
      ...atMost(2, ratio),
    },
    {
      what: `PostgreSQL: p99 of an end while the sweep records ${(loadClient * crowds.length).toLocaleString('en')}`,
      against: 'its quiet p99',
      reached: `${times(busy / quiet)} (${busy.toFixed(1)} ms; ${quiet.toFixed(1)} ms)`,
      ...atMost(3, busy / quiet),
    },
  ];
}

async function percentile(call: () => Promise<number>, over: () => boolean, most: number): Promise<number> {
  const took: number[] = [];
  while (took.length < most && !over()) took.push(await call());
  return took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? median([0]);
}

/** How much memory it takes to move everything from PostgreSQL, as a stream, into an embedded store and back. */
async function transferring(server: PostgresServer, bench: Bench): Promise<Row[]> {
  const folder = temporaryBenchFolder();
  const embedded = await openLmdbStore(folder.path);
  const back = await openPostgresStore(await server.createDatabase('back'));
  const rows: Row[] = [];
  for (const [what, from, to] of [
    ['from PostgreSQL to LMDB', bench.context.store, embedded],
    ['from LMDB to PostgreSQL', embedded, back],
  ] as const) {
    globalThis.gc?.();
    const before = process.memoryUsage();
    let most = 0;
    let records = 0;
    const took = await timeOf(() =>
      importLines(to, splitLines(exportLines(from, undefined, 0)), undefined, (done) => {
        records = done;
        if (done % 20_000 !== 0) return;
        globalThis.gc?.();
        const { heapUsed, external } = process.memoryUsage();
        most = Math.max(most, heapUsed + external - before.heapUsed - before.external);
      }),
    );
    const megabytes = most / 1e6;
    rows.push({
      what: `export and import of ${records.toLocaleString('en')} records, ${what}`,
      against: '–',
      reached: `+${megabytes.toFixed(0)} MB of memory at most, ${perSecond((records / took) * 1000)}`,
      target: '≤ 50 MB more',
      met: megabytes <= 50,
    });
  }
  await embedded.close();
  await back.close();
  folder.remove();
  return rows;
}
