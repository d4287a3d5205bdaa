import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { day } from '../packages/curfew/src/domain/limits.ts';
import type { ImportReceipt } from '../packages/curfew/src/import-sessions.ts';
import { commandLine } from '../packages/curfew/test/support/process.ts';
import { RedisServer, redisInstalled } from '../packages/curfew/test/support/redis.ts';
import { median, perSecond, type Row, timeOf, times } from './measure.ts';
import { temporaryBenchFolder } from './setup.ts';

const count = Number(process.env['BENCH_SESSIONS'] ?? 1_000_000);
/** Sessions that Redis gets in one turn. */
const piece = 1000;

/**
 * `curfew import connect-redis` of very many sessions into an empty embedded store, from the start of the command to its
 * end: how many a second, and whether its memory grows with their number. That is the process's own memory: the pages of
 * the store's file, which the system maps and may drop at any time, are printed beside it.
 */
export async function importRows(say: (text: string) => void): Promise<Row[]> {
  if (!redisInstalled) {
    say('redis-server is not installed: nothing to import from');
    return [];
  }
  const redis = await RedisServer.start('--appendonly', 'no');
  const folder = temporaryBenchFolder();
  try {
    say(`writing ${count.toLocaleString('en')} sessions as connect-redis does`);
    await fill(redis.url);
    say('importing them');
    const { took, samples } = await run(redis.url, folder.path);
    return rowsOf(took, samples);
  } finally {
    folder.remove();
    await redis.remove();
  }
}

async function fill(url: string): Promise<void> {
  // The client's own timeout would be a timer for each command, and end the benchmark on a busy machine.
  const client = createClient({ url, commandOptions: { timeout: undefined } as object });
  client.on('error', () => {});
  await client.connect();
  for (let from = 0; from < count; from += piece) {
    await Promise.all(
      Array.from({ length: Math.min(piece, count - from) }, (_, i) => {
        const expires = new Date(Date.now() + day).toISOString();
        const cookie = { originalMaxAge: day, expires, secure: true, httpOnly: true, path: '/' };
        const session = { cookie, passport: { user: `user-${(from + i) % (count / 4)}` }, theme: 'dark' };
        const id = `${String(from + i).padStart(8, '0')}-QzX3mW9cT7bK1nV5rL2p`;
        return client.sendCommand(['SET', `sess:${id}`, JSON.stringify(session), 'EX', '86400']);
      }),
    );
  }
  client.destroy();
}

/** Megabytes at one moment: what the process itself has, and the pages of its files. */
type Sample = { own: number; files: number };

async function run(from: string, folder: string): Promise<{ took: number; samples: Sample[] }> {
  const args = [...commandLine, 'import', 'connect-redis', '--from', from, '--json'];
  const env = { PATH: process.env['PATH'], CURFEW_STORE: `lmdb:${folder}` };
  const samples: Sample[] = [];
  const took = await timeOf(async () => {
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const told = text(child.stdout);
    const gone = once(child, 'exit');
    while (child.exitCode === null) {
      const sample = memoryOf(child.pid!);
      if (sample) samples.push(sample);
      await Promise.race([gone, setTimeout(100)]);
    }
    const { imported } = JSON.parse(await told) as ImportReceipt;
    if (imported !== count) throw new Error(`${imported} of ${count} sessions were imported`);
  });
  return { took, samples };
}

/** `undefined` on systems other than Linux, and when the process has just ended. */
function memoryOf(pid: number): Sample | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const megabytes = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
    const sample = { own: megabytes('RssAnon'), files: megabytes('RssFile') };
    return Number.isNaN(sample.own) ? undefined : sample;
  } catch {
    return undefined;
  }
}

function rowsOf(took: number, samples: readonly Sample[]): Row[] {
  const rate = (count / took) * 1000;
  const what = `import ${count.toLocaleString('en')} sessions of connect-redis`;
  const rows: Row[] = [
    {
      what,
      against: 'into an empty embedded store',
      reached: perSecond(rate),
      target: '≥ 20,000/s',
      met: rate >= 20_000,
    },
  ];
  if (samples.length < 10) return rows;
  // The beginning is the start of the program.
  const tenth = (which: number) => {
    const length = samples.length / 10;
    const some = samples.slice(Math.floor(which * length), Math.floor((which + 1) * length));
    return { own: median(some.map(({ own }) => own)), files: median(some.map(({ files }) => files)) };
  };
  const [begin, middle, end] = [tenth(1), tenth(5), tenth(9)];
  const told = [begin, middle, end].map(({ own, files }) => `${Math.round(own)} + ${Math.round(files)}`).join(', ');
  const grown = end.own / begin.own;
  return [
    ...rows,
    {
      what: 'its memory at the end',
      against: `near the start; MB then, half-way, at the end, + the store's pages: ${told}`,
      reached: times(grown),
      target: '≤ 1.5 ×',
      met: grown <= 1.5,
    },
  ];
}
