import { randomBytes } from 'node:crypto';
import { library } from '../packages/curfew/src/authority/caller.ts';
import { RedisServer, redisInstalled } from '../packages/curfew/test/support/redis.ts';
import { RedisCluster } from '../packages/curfew/test/support/redis-cluster.ts';
import { attached, withVerifiers } from './fence.ts';
import { at, atMost, duel, perSecond, type Row, rateOf, times } from './measure.ts';
import { type Bench, openBenchOn, request } from './setup.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 7);
const calls = Number(process.env['BENCH_CALLS'] ?? 800);
const inFlight = 16;
const groups = 6;
const ends = 300;

type Side = { bench: Bench; cold: Bench; servers: readonly RedisServer[]; next: number };

/** A store in groups on a Cluster of three primaries, against one Redis: how many commands an operation takes, and its rate. */
export async function clusterRows(say: (text: string) => void): Promise<Row[]> {
  if (!redisInstalled) {
    say('redis-server is not installed (Debian: apt-get install redis-server); the rows of the Cluster are skipped');
    return [];
  }
  const single = await RedisServer.start();
  const cluster = await RedisCluster.start();
  const sides: Side[] = [];
  const open = async (store: string, servers: readonly RedisServer[]): Promise<Side> => {
    const settings = { store, secretKey: randomBytes(32) };
    // What it verifies it has not cached.
    const side = { bench: await openBenchOn(settings), cold: await openBenchOn({ ...settings, cacheSessions: 1 }) };
    sides.push({ ...side, servers, next: 0 });
    return sides.at(-1)!;
  };
  try {
    const primaries = [await cluster.owner(), ...(await cluster.otherPrimaries())];
    const [ours, theirs] = [await open(`${cluster.url}?groups=${groups}`, primaries), await open(single.url, [single])];
    for (const { bench } of sides) {
      await bench.fill((rounds + 1) * calls);
      await bench.settle();
    }
    const rows: Row[] = [];
    for (const [what, call] of Object.entries(operations)) {
      say(`cluster: ${what}`);
      const spent: Record<'ours' | 'theirs', number> = { ours: 0, theirs: 0 };
      const measure = (side: Side, whose: keyof typeof spent) => async (round: number) => {
        const before = await commandsOf(side.servers);
        const rate = await rateOf(calls, inFlight, (i) => call(side, round * calls + i));
        // What the sweep does later for these calls counts as well.
        await side.bench.settle();
        spent[whose] += ((await commandsOf(side.servers)) - before) / calls / rounds;
        return rate;
      };
      const result = await duel(rounds, measure(ours, 'ours'), measure(theirs, 'theirs'));
      rows.push({
        what: `${what} on a Cluster of three, in ${groups} groups: commands`,
        against: 'one Redis',
        reached: `${times(spent.ours / spent.theirs)} (${spent.ours.toFixed(1)}; ${spent.theirs.toFixed(1)})`,
        target: '≤ 1.5 ×',
        met: spent.ours <= 1.5 * spent.theirs,
      });
      rows.push({
        what: `${what} on a Cluster of three, in ${groups} groups: rate, all on the same processors`,
        against: 'one Redis',
        reached: `${times(result.ratio)} (${perSecond(result.ours)}; ${perSecond(result.theirs)})`,
        target: 'printed',
        met: true,
      });
    }
    return [...rows, await endRow(say, `${cluster.url}?groups=${groups}&prefix=ends`, `${single.url}?prefix=ends`)];
  } finally {
    for (const { bench, cold } of sides) await Promise.all([bench.close(), cold.close()]);
    await Promise.all([single.remove(), cluster.remove()]);
  }
}

/** An end on a Cluster, whose entry is taken over into the home's log before it is sent to the verifiers. */
async function endRow(say: (text: string) => void, ours: string, theirs: string): Promise<Row> {
  say(`cluster: ends with ${attached} verifiers attached`);
  const [here, there] = [await withVerifiers(ours), await withVerifiers(theirs)];
  const took: [number[], number[]] = [[], []];
  for (let i = 0; i < ends; i++) {
    took[0].push(await here.endOne(`user-${i}`));
    took[1].push(await there.endOne(`user-${i}`));
  }
  await Promise.all([here.close(), there.close()]);
  const [mine, other] = took.map((times) => at(times, 0.5)) as [number, number];
  return {
    what: `end on a Cluster of three, in ${groups} groups, with ${attached} verifiers attached, p50`,
    against: 'one Redis',
    reached: `${times(mine / other)} (${mine.toFixed(1)} ms; ${other.toFixed(1)} ms)`,
    ...atMost(1.5, mine / other),
  };
}

const operations: Record<string, (side: Side, i: number) => Promise<unknown>> = {
  create: (side) => side.bench.authority.createSession(library, request(10_000_000 + side.next++, 10_000)),
  'verify cold': ({ cold, bench }, i) => cold.authority.verifySession(bench.tokens[i]!),
  end: ({ bench }, i) => bench.authority.endSession(library, { id: bench.ids[i]! }, 'stored'),
};

/** How many commands these servers have executed, those of scripts included. */
async function commandsOf(servers: readonly RedisServer[]): Promise<number> {
  let sum = 0;
  for (const server of servers) {
    const info = String(await server.tell('INFO', 'commandstats'));
    for (const [, name, count] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
      if (!apart.test(name!)) sum += Number(count);
    }
  }
  return sum;
}

/** Commands between the servers, and of this bench. */
const apart = /^(info|ping|replconf|psync|cluster)/;
