import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { atLeast, duel, median, perSecond, type Row, rateOf } from './measure.ts';
import { type Bench, library, request, temporaryBenchFolder } from './setup.ts';

const small = 10_000;
const inFlight = 64;
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 7);
const secretKey = randomBytes(32);
/** A checkout of the commit before the rules were moved. */
const before = process.env['BENCH_BEFORE'] ?? '../..';
/** `postgres`, `redis` or `lmdb`. */
const engine = process.env['BENCH_ENGINE'] ?? 'postgres';

/** A place for stores of an engine, each empty at first, by its URL. */
type Place = { newStore(name: string): Promise<string>; dispose(): Promise<unknown> };

async function openPlace(): Promise<Place> {
  if (engine === 'lmdb') {
    const folders: { remove(): void }[] = [];
    return {
      async newStore() {
        const folder = temporaryBenchFolder();
        folders.push(folder);
        return `lmdb:${folder.path}`;
      },
      dispose: async () => {
        for (const folder of folders) folder.remove();
      },
    };
  }
  if (engine === 'redis') {
    const { RedisServer } = await import('../packages/curfew/test/support/redis.ts');
    const server = await RedisServer.start();
    let stores = 0;
    return { newStore: async () => `${server.url}/${stores++}`, dispose: async () => server.remove() };
  }
  const { PostgresServer } = await import('../engines/servers/test/postgres/server.ts');
  const server = await PostgresServer.start([
    'shared_buffers=512MB',
    ...(process.env['BENCH_FLAGS']?.split(',') ?? []),
  ]);
  return { newStore: (name) => server.createDatabase(name), dispose: () => server.dispose() };
}

type Side = {
  name: string;
  cpu: [node: number[], server: number[]];
  bench: Bench;
  cold: Bench;
  created: string[];
  made: number;
  read: number;
  ended: number;
};

/** Rules over an engine against the store of a checkout that had them in the engine, side by side. */
export async function rulesRows(say: (text: string) => void): Promise<Row[]> {
  const server = await openPlace();
  const opened: Bench[] = [];
  const open = async (name: string, from: string): Promise<Side> => {
    // The whole program of that checkout, with its own store.
    const { openBenchOn } = (await import(from)) as typeof import('./setup.ts');
    const store = await server.newStore(name);
    const bench = await openBenchOn({ store, secretKey });
    await bench.fill(small);
    await bench.settle();
    // One process opens the embedded store.
    const cold = engine === 'lmdb' ? bench : await openBenchOn({ store, secretKey, cacheSessions: 1 });
    opened.push(...new Set([bench, cold]));
    return { name, cpu: [[], []], bench, cold, created: [], made: small, read: 0, ended: 0 };
  };
  try {
    say('filling both');
    const [ours, theirs] = [await open('rules', './setup.ts'), await open('functions', `${before}/bench/setup.ts`)];
    const rows: Row[] = [];
    for (const [what, work] of Object.entries(works)) {
      if (process.env['BENCH_ONLY'] && !process.env['BENCH_ONLY'].split(',').includes(what)) continue;
      say(what);
      for (const side of [ours, theirs]) {
        await work(side);
        side.cpu = [[], []];
      }
      const measured = async (side: Side) => {
        const before = [process.cpuUsage(), cpuOfServer(side.name)] as const;
        const rate = await work(side);
        const { user, system } = process.cpuUsage(before[0]);
        side.cpu[0].push((user + system) / 1000);
        side.cpu[1].push(cpuOfServer(side.name) - before[1]);
        return rate;
      };
      const {
        ratio,
        ours: mine,
        theirs: other,
      } = await duel(
        rounds,
        () => measured(ours),
        () => measured(theirs),
      );
      const [node, backend] = [0, 1].map(
        (i) => `${median(ours.cpu[i]!).toFixed(0)}/${median(theirs.cpu[i]!).toFixed(0)}`,
      );
      say(`milliseconds of processor a round: Node ${node}, PostgreSQL ${backend}`);
      rows.push({
        what: `rules in TypeScript: ${what}, ${inFlight} in flight`,
        against: `before, on ${engine}`,
        reached: `${ratio.toFixed(2)} (${perSecond(mine)}; ${perSecond(other)})`,
        ...atLeast(0.9, ratio),
      });
    }
    return rows;
  } finally {
    for (const bench of opened) await bench.close();
    await server.dispose();
  }
}

const works: Readonly<Record<string, (side: Side) => Promise<number>>> = {
  create: (side) =>
    rateOf(2000, inFlight, async () => {
      const { session } = await side.bench.authority.createSession(library, request(side.made++, 2500));
      side.created.push(session.id);
    }),
  end: (side) =>
    rateOf(800, inFlight, () =>
      side.bench.authority.endSession(library, { id: side.created[side.ended++]! }, 'stored'),
    ),
  'create with a limit': async (side) => {
    const { policy } = side.bench.context;
    const limited = { ...policy, maxSessions: 5, excess: 'replace' } as const;
    Object.assign(policy, limited);
    const rate = await works['create']!(side);
    policy.maxSessions = undefined;
    return rate;
  },
  'create with a name': (side) =>
    rateOf(1000, inFlight, () => {
      const i = side.made++;
      return side.bench.authority.createSession(library, { ...request(i, 2500), name: `name-${i}` });
    }),
  'groups of a user': (side) =>
    rateOf(400, inFlight, () => {
      const i = side.made++;
      const { userId } = request(i, 2500);
      return side.bench.authority.changeAccessGroups(library, userId, { add: [`group ${i % 40}`] }, 'stored');
    }),
  'end all of a user': (side) =>
    rateOf(400, inFlight, () =>
      side.bench.authority.endUserSessions(library, request(side.made++, 2500).userId, { wait: 'stored' }),
    ),
  // Last, because the use of what was verified is written down for a while afterwards.
  'verify (cold)': async (side) => {
    if (side.read === 0) await side.bench.fill(small);
    const { tokens } = side.bench;
    return rateOf(5000, inFlight, async () => {
      const { active } = await side.cold.authority.verifySession(tokens[small + ((side.read++ * 7919) % small)]!);
      if (!active) throw new Error('not active');
    });
  },
};

/** Milliseconds of processor time that the server has spent on the connections to a database. */
function cpuOfServer(database: string): number {
  let ticks = 0;
  for (const pid of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(pid)) continue;
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(` ${database} 127.0.0.1`)) continue;
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      ticks += Number(stat[11]) + Number(stat[12]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return ticks * 10;
}
