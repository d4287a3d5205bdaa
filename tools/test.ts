import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installEngines } from './engines.ts';
import { run } from './exec.ts';
import { testWithTable } from './nodes/table.ts';
import { filesOf, type Part, type Ran, repetitions, runPart } from './parts.ts';

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

/*
 * Three tiers. `npm test` runs everything, except what `npm run proof` repeats on another store. `npm run test:quick`
 * runs the tests that need no other program. `npm test -- <files>` runs those files, and installs and builds only what
 * they need: nothing, for files outside `engines/`. With `--watch` they run again whenever a file that they import
 * changes.
 */

/** Parts that run in one process each beside all other tests, and those of the quick tier. */
const together: readonly Part[] = ['http', 'rules', 'dialects', 'security'];
const quickParts: readonly Part[] = ['http', 'rules', 'dialects', 'cli'];
const given = process.argv.slice(2);
const watch = given.includes('--watch');
const files = given.filter((argument) => !argument.startsWith('--'));
const quick = given.includes('--quick');
const asked = quick ? quickParts.flatMap((part) => filesOf(part, { tables: watch })) : files;
const limits = ['--test-concurrency=3', '--test-timeout=1800000'];
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url));
// Not `process.exit`, which would not wait until a pipe has taken all that was printed.
process.exitCode = await (asked.length === 0 ? runAll() : quick && !watch ? runQuick() : runAsked());

/** Installs and builds what the given files need, and runs them. */
async function runAsked(): Promise<number> {
  const engines = enginesOf(asked);
  for (const engine of engines) await installEngines(engine);
  if (engines.length > 0) build();
  run('node', ['--conditions=curfew-source', '--test', ...(watch ? ['--watch'] : []), ...limits, ...asked]);
  return 0;
}

/**
 * Runs everything: most tests of the server in one process for each part, one part after another; and beside them every
 * other file in a process of its own, a few at a time, because many of them mostly wait.
 */
async function runAll(): Promise<number> {
  getPrograms();
  build();
  const beside = inTurn(together);
  await installEngines('*');
  const elsewhere = new Set([...repetitions, ...together.flatMap((part) => filesOf(part, { tables: true }))]);
  const others = globSync(['packages/*/test/**/*.test.ts', 'engines/*/test/**/*.test.ts']).filter(
    (file) => !elsewhere.has(file),
  );
  const rest = await testWithTable([...limits, ...others]);
  return report(await beside, rest);
}

async function inTurn(chosen: readonly Part[]): Promise<Ran[]> {
  const ran: Ran[] = [];
  for (const part of chosen) ran.push(await runPart(part, { tables: true, args: ['--test-timeout=600000'] }));
  return ran;
}

/** Runs those parts at once, because much of a part is waiting for other processes and for pauses. */
async function runQuick(): Promise<number> {
  const args = ['--test-timeout=120000', '--test-force-exit'];
  return report(await Promise.all(quickParts.map((part) => runPart(part, { tables: false, args }))));
}

/** Prints what the parts printed, then their results, and last every failure. Returns the exit code. */
function report(ran: readonly Ran[], rest = { code: 0, failures: '' }): number {
  for (const { text } of ran) process.stdout.write(text);
  for (const { part, code, passed, failed } of ran) {
    console.log(`${part}: ${passed} tests passed, ${failed} failed${code === 0 ? '' : `; exit code ${code}`}`);
  }
  const all = [rest, ...ran];
  const failures = all.map((run) => run.failures).join('');
  if (failures !== '') console.log(`\nThese failed:\n\n${failures}`);
  return all.every(({ code }) => code === 0) ? 0 : 1;
}

function build(): void {
  run('node', ['tools/build.ts']);
  process.env['CURFEW_TEST_BUILT'] = 'yes';
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
