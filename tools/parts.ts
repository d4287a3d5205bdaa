import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, globSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failuresIn, reportersOf } from './failures.ts';

/**
 * Tests that need no other program, in parts that each run in one process: a process for each file would spend most of
 * its time on starting.
 */
export const parts = {
  rules: ['domain', 'authority'],
  http: ['http'],
  dialects: ['dialects'],
  cli: ['cli'],
  security: ['security'],
} as const;
export type Part = keyof typeof parts;

/** Tables of every caller and every call, which take as long as the rest. */
const table = /permissions\.test\.ts$/;

export function filesOf(part: Part, { tables }: { tables: boolean }): string[] {
  const found = parts[part].flatMap((folder) => globSync(`packages/curfew/test/${folder}/**/*.test.ts`));
  return found.filter((file) => tables || !table.test(file)).sort();
}

/** Tests that repeat others on another store. They take an eighth as long as all others, so `npm run proof` runs them. */
export const repetitions: readonly string[] = [
  'engines/servers/test/console.test.ts',
  'engines/servers/test/postgres/suite.test.ts',
];

/** What a part printed, its exit code (`null` if it was ended), and how many of its tests passed, failed or were skipped. */
export type Ran = {
  part: Part;
  code: number | null;
  text: string;
  passed: number;
  failed: number;
  skipped: number;
  /** Each failed test with its error, as text. */
  failures: string;
};

/** Minutes after which a part is ended that does not end by itself. */
const longest = 30;

/** Runs the tests of a part in one process. Ends it when `signal` is aborted. */
export async function runPart(
  part: Part,
  { tables, env = {}, args = [], signal }: Parameters<typeof filesOf>[1] & PartOptions,
): Promise<Ran> {
  // Stores in memory: much of a test is waiting for the disk, and these tests stop no machine.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'curfew-part-'));
  const { NODE_TEST_CONTEXT: _, ...outer } = process.env;
  const flags = [
    '--conditions=curfew-source',
    '--test',
    '--test-isolation=none',
    ...reportersOf(join(folder, 'failures')),
  ];
  // Not into a pipe, which would have to be emptied all the time.
  const log = join(folder, 'log');
  const output = openSync(log, 'w');
  const child = spawn('node', [...flags, ...args, ...filesOf(part, { tables })], {
    stdio: ['ignore', output, 'inherit'],
    env: { ...outer, ...env, TMPDIR: folder },
    timeout: longest * 60_000,
  });
  signal?.addEventListener('abort', () => child.kill());
  const [code] = await once(child, 'close');
  closeSync(output);
  const text = readFileSync(log, 'utf8');
  const failures = failuresIn(join(folder, 'failures'));
  rmSync(folder, { recursive: true, force: true });
  const count = (what: string) => Number(new RegExp(`^ℹ ${what} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  return { part, code, text, passed: count('pass'), failed: count('fail'), skipped: count('skipped'), failures };
}

type PartOptions = { env?: NodeJS.ProcessEnv; args?: readonly string[]; signal?: AbortSignal };
