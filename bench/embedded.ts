import { hash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../packages/curfew/src/domain/limits.ts';
import { atLeast, atMost, duel, median, perSecond, type Row, rateOf, sizeRows, timeOf, times } from './measure.ts';
import { type Bench, library, openBench, openRaw, request, rowsOf } from './setup.ts';

const small = 10_000;
const large = Number(process.env['BENCH_LARGE'] ?? 1_000_000);
const rounds = 9;

/** All measurements of the embedded store, in one run. */
export async function embeddedRows(say: (text: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  say(`opening ${small.toLocaleString('en')} sessions`);
  const few = await openBench();
  await few.fill(small);
  await few.settle();
  say('verifying, creating, ending against raw LMDB');
  rows.push(await verifying(few), await creating(), await ending());
  rows.push(await changingGroups());
  say(`opening ${large.toLocaleString('en')} sessions`);
  const many = await openBench();
  await many.fill(large);
  await many.settle();
  say('comparing sizes');
  rows.push(...(await sizes(many)), ...(await comparing(few, many)));
  say('ending all');
  rows.push(await endingUser(many), await endingEveryone(many));
  await few.close();
  await many.close();
  return rows;
}

async function verifying(bench: Bench): Promise<Row> {
  const raw = openRaw();
  const rows = await rowsOf(bench, bench.ids);
  await Promise.all(rows.map((row, i) => raw.root.put(bench.ids[i]!, row)));
  const count = 40_000;
  const order = Array.from({ length: count }, (_, i) => (i * 7919) % small);
  const ours = () =>
    timeOf(async () => {
      for (const i of order) {
        const { active } = await bench.authority.verifySession(bench.tokens[i]!);
        if (!active) throw new Error('not active');
      }
    });
  const theirs = () =>
    timeOf(async () => {
      for (const i of order) {
        hash('sha256', bench.tokens[i]!, 'buffer');
        if (!(await raw.root.get(bench.ids[i]!))) throw new Error('not there');
      }
    });
  await ours();
  await theirs();
  const { ratio, ours: mine } = await duel(rounds, ours, theirs);
  await raw.close();
  return {
    what: 'verify',
    against: 'SHA-256 + raw lmdb get, decoded',
    reached: `${times(ratio)} (${((mine / count) * 1000).toFixed(1)} µs)`,
    ...atMost(1.5, ratio),
  };
}

async function creating(): Promise<Row> {
  const [bench, raw] = [await openBench(), openRaw()];
  await bench.fill(2000);
  const [row] = await rowsOf(bench, bench.ids.slice(0, 1));
  const count = 20_000;
  let made = 2000;
  const ours = () => rateOf(count, 64, () => bench.authority.createSession(library, request(made++, 50_000)));
  // Ids in the order of time, like ours.
  let key = 0;
  const theirs = () => rateOf(count, 64, () => raw.put(`0V${String(key++).padStart(20, '0')}`, row));
  const { ratio, ours: mine, theirs: other } = await duel(rounds, ours, theirs);
  await bench.close();
  await raw.close();
  return {
    what: 'create, 64 in flight, on disk',
    against: 'raw lmdb put of the same bytes, flushed',
    reached: `${ratio.toFixed(2)} (${perSecond(mine)}; ${perSecond(other)})`,
    ...atLeast(0.4, ratio),
  };
}

async function ending(): Promise<Row> {
  const [bench, raw] = [await openBench(), openRaw()];
  await bench.fill(20_000);
  await bench.settle();
  const all = await rowsOf(bench, bench.ids.slice(0, 5000));
  for (const [i, row] of all.entries()) void raw.root.put(bench.ids[i]!, row);
  await raw.root.flushed;
  const count = 400;
  let ended = 0;
  const ours = () =>
    timeOf(async () => {
      for (let i = 0; i < count; i++) await bench.authority.endSession(library, { id: bench.ids[ended++]! });
    });
  let put = 0;
  const theirs = () =>
    timeOf(async () => {
      for (let i = 0; i < count; i++) await raw.put(bench.ids[put++ % 5000]!, all[i]);
    });
  const { ratio, ours: mine } = await duel(rounds, ours, theirs);
  await bench.close();
  await raw.close();
  return {
    what: 'end, one at a time, on disk',
    against: 'raw lmdb put + flush',
    reached: `${times(ratio)} (${(mine / count).toFixed(2)} ms)`,
    ...atMost(2, ratio),
  };
}

async function changingGroups(): Promise<Row> {
  const [bench, raw] = [await openBench(), openRaw()];
  const count = limits.changedAtOnce;
  await bench.fill(count, 1);
  await bench.settle();
  const userId = request(0, 1).userId;
  const rows = await rowsOf(bench, bench.ids);
  const ours = (round: number) =>
    timeOf(() => bench.authority.changeAccessGroups(library, userId, { add: [`g${round}`] }));
  const theirs = () =>
    timeOf(async () => {
      await raw.root.transaction(() => {
        for (const [i, row] of rows.entries()) raw.root.put(bench.ids[i]!, row);
      });
      await raw.root.flushed;
    });
  const { ratio, ours: mine } = await duel(rounds, ours, theirs);
  await bench.close();
  await raw.close();
  return {
    what: `add a group to a user with ${count.toLocaleString('en')} sessions, the most that one call changes`,
    against: 'the same number of raw puts in one transaction',
    reached: `${times(ratio)} (${mine.toFixed(1)} ms)`,
    ...atMost(3, ratio),
  };
}

/** Compares a million sessions with ten thousand. */
async function comparing(few: Bench, many: Bench): Promise<Row[]> {
  const count = 20_000;
  const verify = (bench: Bench) => () =>
    timeOf(async () => {
      const step = Math.max(1, Math.floor(bench.tokens.length / count)) * 7919;
      for (let i = 0; i < count; i++)
        await bench.authority.verifySession(bench.tokens[(i * step) % bench.tokens.length]!);
    });
  let made = 0;
  const create = (bench: Bench) => () =>
    timeOf(() =>
      rateOf(10_000, 64, () =>
        bench.authority.createSession(library, request(made++, Math.ceil(bench.ids.length / 4))),
      ),
    );
  // Each ends its own sessions, the newest first, so that reads of the others are not disturbed.
  const end = (bench: Bench) => {
    let at = bench.ids.length;
    return () =>
      timeOf(async () => {
        for (let i = 0; i < 200; i++) await bench.authority.endSession(library, { id: bench.ids[--at]! });
      });
  };
  const list = (bench: Bench) => () =>
    timeOf(async () => {
      for (let i = 0; i < 100; i++) await bench.authority.listSessions({ status: 'active', limit: 50 });
    });
  return sizeRows(
    { prefix: '', large, small, rounds },
    { many, few },
    { verify, 'first page of a list': list, end, create },
  );
}

async function sizes(many: Bench): Promise<Row[]> {
  const { facts } = await many.context.store.describe();
  const sessions = Number(facts['liveSessions']) + Number(facts['endedSessions']);
  const bytes = statSync(join(many.folder, 'data.mdb')).size / sessions;
  const empty = await openBench();
  const starts = async (bench: Bench) => {
    const took: number[] = [];
    for (let i = 0; i < 7; i++) took.push(await bench.reopen());
    return median(took);
  };
  await starts(empty);
  const [atLarge, atEmpty] = [await starts(many), await starts(empty)];
  await empty.close();
  const resident = Math.round(process.memoryUsage.rss() / 1e6);
  return [
    {
      what: `disk at ${large.toLocaleString('en')} sessions`,
      against: '–',
      reached: `${bytes.toFixed(0)} bytes a session`,
      target: '≤ 700 bytes',
      met: bytes <= 700,
    },
    {
      what: `start at ${large.toLocaleString('en')} sessions`,
      against: 'start of an empty store',
      reached: `${times(atLarge / atEmpty)} (${atLarge.toFixed(0)} ms)`,
      ...atMost(2, atLarge / atEmpty),
    },
    {
      what: `resident memory at ${large.toLocaleString('en')} sessions`,
      against: '–',
      reached: `${resident} MB, including the mapped file and this benchmark's own lists`,
      target: 'printed',
      met: true,
    },
  ];
}

async function endingUser(bench: Bench): Promise<Row> {
  const crowds = Array.from({ length: 5 }, (_, i) => `loadClient ${i}`);
  for (const userId of crowds) {
    await rateOf(100_000, 256, (i) => bench.authority.createSession(library, { ...request(i, 1), userId }));
  }
  await bench.settle();
  const { ratio, ours } = await duel(
    crowds.length,
    (round) => timeOf(() => bench.authority.endUserSessions(library, crowds[round]!)),
    () => endFreshOne(bench),
  );
  return {
    what: 'end all of a user with 100,000 sessions',
    against: 'ending one',
    reached: `${times(ratio)} (${ours.toFixed(2)} ms)`,
    ...atMost(2, ratio),
  };
}

/** Measured once, because then all sessions have ended; compared with the median of ending one just before. */
async function endingEveryone(bench: Bench): Promise<Row> {
  await bench.settle();
  const active = await bench.context.store.countActive(Date.now());
  const singles: number[] = [];
  for (let i = 0; i < 15; i++) singles.push(await endFreshOne(bench));
  await bench.settle();
  const ours = await timeOf(() => bench.authority.endEveryone(library, { confirm: 'everyone' }));
  const ratio = ours / median(singles);
  return {
    what: `end everyone at ${active.toLocaleString('en')} sessions`,
    against: 'ending one',
    reached: `${times(ratio)} (${ours.toFixed(2)} ms)`,
    ...atMost(2, ratio),
  };
}

async function endFreshOne(bench: Bench): Promise<number> {
  const { session } = await bench.authority.createSession(library, request(bench.ids.length, 1000));
  return timeOf(() => bench.authority.endSession(library, { id: session.id }));
}
