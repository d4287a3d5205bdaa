import { randomBytes } from 'node:crypto';
import { ruled } from '../packages/curfew/src/rules/index.ts';
import { openPostgresStore } from '../packages/curfew/src/stores/postgres/index.ts';
import { atLeast, duel, perSecond, type Row, rateOf } from './measure.ts';
import { type Bench, library, openBenchOn, request } from './setup.ts';

const small = 10_000;
const inFlight = 64;
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 7);
const secretKey = randomBytes(32);

type Side = { bench: Bench; cold: Bench; created: string[]; made: number; read: number; ended: number };

/** Rules over the engine of PostgreSQL against the store whose rules are functions of the server, side by side. */
export async function rulesRows(say: (text: string) => void): Promise<Row[]> {
  const { PostgresServer: Engine } = await import('../engines/servers/test/postgres/server.ts');
  const server = await Engine.start(['shared_buffers=512MB', ...(process.env['BENCH_FLAGS']?.split(',') ?? [])]);
  const opened: Bench[] = [];
  const open = async (name: string, over: boolean): Promise<Side> => {
    const url = await server.createDatabase(name);
    const store = async () => {
      const plain = await openPostgresStore(url);
      return over ? ruled(plain) : plain;
    };
    const bench = await openBenchOn({ store: await store(), secretKey });
    await bench.fill(small);
    await bench.settle();
    const cold = await openBenchOn({ store: await store(), secretKey, cacheSessions: 1 });
    opened.push(bench, cold);
    return { bench, cold, created: [], made: small, read: 0, ended: 0 };
  };
  try {
    say('filling both');
    const [ours, theirs] = [await open('rules', true), await open('functions', false)];
    const rows: Row[] = [];
    for (const [what, work] of Object.entries(works)) {
      say(what);
      for (const side of [ours, theirs]) await work(side);
      const { ratio, ours: mine, theirs: other } = await duel(
        rounds,
        () => work(ours),
        () => work(theirs),
      );
      rows.push({
        what: `rules in TypeScript: ${what}, ${inFlight} in flight`,
        against: 'functions in PostgreSQL',
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
  'verify (cold)': (side) =>
    rateOf(10_000, inFlight, async () => {
      const { active } = await side.cold.authority.verifySession(side.bench.tokens[(side.read++ * 7919) % small]!);
      if (!active) throw new Error('not active');
    }),
  create: (side) =>
    rateOf(4000, inFlight, async () => {
      const { session } = await side.bench.authority.createSession(library, request(side.made++, 2500));
      side.created.push(session.id);
    }),
  end: (side) =>
    rateOf(1000, inFlight, () =>
      side.bench.authority.endSession(library, { id: side.created[side.ended++]! }, 'stored'),
    ),
};
