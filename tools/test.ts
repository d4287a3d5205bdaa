import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import consumers from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { installEngines } from './engines.ts';
import { run } from './exec.ts';
import { testWithTable } from './nodes/table.ts';

/** Programs that tests use, by Debian package. */
const programs = {
  strace: 'strace',
  'redis-server': 'redis-server',
  'redis-sentinel': 'redis-sentinel',
  chromium: 'chromium',
  spin: 'spin',
  gcc: 'gcc',
  faketime: 'faketime',
  pgbouncer: 'pgbouncer',
  nginx: 'nginx-light',
  caddy: 'caddy',
  // To unpack Helm.
  python3: 'python3',
  openssl: 'openssl',
};

/**
 * The tests of the quick tier: the rules and the interfaces of the product, on the embedded store. One process for each
 * part: a process for each file would spend most of the time on starting. All parts run at once, because much of a part
 * is waiting for other processes and for pauses.
 */
const quick = [['domain', 'authority'], ['http'], ['dialects'], ['cli']];
/** Tables of every caller and every call, which take as long as the rest. */
const notQuick = /permissions\.test\.ts$/;

/*
 * Three tiers. `npm test` runs everything. `npm run test:quick` runs the tests that need no other program. `npm test --
 * <files>` runs those files, and installs and builds only what they need: nothing, for files outside `engines/`. With
 * `--watch` they run again whenever a file that they import changes.
 */
const given = process.argv.slice(2);
const watch = given.includes('--watch');
const files = given.filter((argument) => !argument.startsWith('--'));
const asked = given.includes('--quick')
  ? quick.flat().map((part) => `packages/curfew/test/${part}/**/*.test.ts`)
  : files;
const engines = asked.length > 0 ? enginesOf(asked) : ['*'];
if (asked.length === 0) getPrograms();
for (const engine of engines) installEngines(engine);
if (engines.length > 0) {
  run('node', ['tools/build.ts']);
  process.env['CURFEW_TEST_BUILT'] = 'yes';
}
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url));
if (given.includes('--quick') && !watch) process.exit(await runQuick());
// One file runs for minutes and mostly waits: the others run beside it.
const args = ['--test-concurrency=2', '--test-timeout=1800000'];
if (asked.length > 0) {
  run('node', ['--conditions=curfew-source', '--test', ...(watch ? ['--watch'] : []), ...args, ...asked]);
} else process.exit(testWithTable([...args, 'packages/*/test/**/*.test.ts', 'engines/*/test/**/*.test.ts']));

/** Runs the parts of the quick tier beside each other, and prints the output of each when it is done. */
async function runQuick(): Promise<number> {
  // Stores in memory: much of a test is waiting for the disk, and these tests stop no machine.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'curfew-quick-'));
  const codes = quick.map(async (parts) => {
    const found = parts.flatMap((part) => globSync(`packages/curfew/test/${part}/**/*.test.ts`));
    const chosen = found.filter((file) => !notQuick.test(file)).sort();
    const limits = ['--test-timeout=120000', '--test-force-exit'];
    const args = ['--conditions=curfew-source', '--test', '--test-isolation=none', ...limits, ...chosen];
    const child = spawn('node', args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: folder },
    });
    const [text, [code]] = await Promise.all([consumers.text(child.stdout), once(child, 'close')]);
    process.stdout.write(text);
    return code as number | null;
  });
  const ended = await Promise.all(codes);
  rmSync(folder, { recursive: true, force: true });
  return ended.every((code) => code === 0) ? 0 : 1;
}

/** The folders under `engines/` that these files need: those that they are in, and servers of others. */
function enginesOf(files: readonly string[]): string[] {
  const names = files.flatMap((file) => /(?:^|\/)engines\/([^/]+)/.exec(file)?.[1] ?? []);
  return [...new Set(names.flatMap((name) => (name === 'sources' ? [name, 'servers'] : name)))];
}

/** Installs missing programs if possible; otherwise the tests that need them are skipped, with a message. */
function getPrograms(): void {
  const missing = Object.entries(programs).filter(([name]) => spawnSync('which', [name]).status !== 0);
  if (missing.length === 0) return;
  const packages = missing.map(([, name]) => name);
  const mayInstall = process.getuid?.() === 0 && spawnSync('which', ['apt-get']).status === 0;
  if (!mayInstall) {
    console.error(`Not installed, so the tests that need them are skipped: ${packages.join(', ')}.`);
    return;
  }
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'] };
  spawnSync('apt-get', ['update', '-qq'], quiet);
  spawnSync('apt-get', ['install', '-y', '-qq', ...packages], {
    ...quiet,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}
