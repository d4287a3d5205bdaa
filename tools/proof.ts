import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installEngines } from './engines.ts';
import { run } from './exec.ts';
import { repetitions } from './parts.ts';

/*
 * Runs the proofs that take longer than the tests may. `model` (docs/fence/fence.pml): no error in the whole state
 * space, and an error for each mutant (an hour, 1 GB); `small`: the same for small configurations (a few minutes). `code`: no
 * violation in the simulated schedules, and a violation for each mutant. `rules`: each rule of packages/curfew/src/rules,
 * broken once, fails the conformance suite on every engine. `servers`: the tests that kill servers and
 * stores, fail them over and disturb them at random, and that compare the stores with each other, for much longer than
 * in the test suite. `stores`: most tests of the server and of the console, on other stores. `npm run proof` runs all of
 * them.
 */

const folder = fileURLToPath(new URL('../docs/fence/', import.meta.url));
const model = join(folder, 'fence.pml');

export type Mutant = { name: string; rule: string; breaks: string; flags: string[] };
export type Verdict = { errors: number; states: number; seconds: number; finished: boolean; report: string };

const oneNode = ['-DIDS=1', '-DCRASHES=0', '-DMOVES=0'];

const trimmed = ['-DIDS=1', '-DCRASHES=0', '-DMOVES=0', '-DCHANGES=2', '-DTRIM', '-DOTHER=2', '-DL=1'];
const failover = ['-DFAILOVERS=1', '-DCRASHES=0', '-DMOVES=0', '-DL=1'];
const outOfOrder = [...failover, '-DIDS=1', '-DNO_STREAMS', '-DREPLIES', '-DCHANGES=2', '-DOTHER=2'];
const concern = ['-DIDS=1', '-DCRASHES=0', '-DCONCERN', '-DL=1'];

/** Configurations that the tests search too: a description, and the model's definitions. */
export const quick: Record<string, string[]> = {
  'one node, a verifier that attaches twice': ['-DIDS=1', '-DCRASHES=0', '-DMOVES=1'],
  'two changes and a trimmed log': trimmed,
  'a failover, two changes, parts of the log that arrive late': outOfOrder,
  'the same, not reported by the store: only marks': [...outOfOrder, '-DSILENT'],
  'the same, rows lost, without marks: only the incarnation': [...outOfOrder, '-DUNMARKED', '-DROWS_LOST'],
  'ends that wait for those concerned, a verifier that attaches twice': [...concern, '-DMOVES=1'],
};

const small: Record<string, string[]> = {
  ...quick,
  'one node that starts meanwhile, a verifier that attaches twice': [
    '-DIDS=1',
    '-DFIRST=0',
    '-DCRASHES=0',
    '-DMOVES=1',
  ],
  'a failover, one node and its verifier': ['-DIDS=1', ...failover],
  'a failover that loses the rows too, one node and its verifier': ['-DIDS=1', ...failover, '-DROWS_LOST'],
  'a failover, a node that starts meanwhile': ['-DIDS=2', ...failover, '-DNO_STREAMS'],
  'a failover that loses the rows too, a node that starts meanwhile': [
    '-DIDS=2',
    ...failover,
    '-DNO_STREAMS',
    '-DROWS_LOST',
  ],
  'one node that starts meanwhile, parts of the log that arrive late': [
    '-DIDS=1',
    '-DFIRST=0',
    '-DCRASHES=0',
    '-DMOVES=0',
    '-DREPLIES',
  ],
  'ends that wait for those concerned, two changes, a short queue': [
    ...concern,
    '-DMOVES=0',
    '-DCHANGES=2',
    '-DQUEUE=1',
  ],
};

const large: Record<string, string[]> = {
  'two nodes of which one starts meanwhile, a crash': ['-DIDS=2', '-DCRASHES=1', '-DMOVES=0', '-DL=1'],
  'the same, and a verifier that attaches twice': ['-DIDS=2', '-DCRASHES=1', '-DMOVES=1', '-DL=1'],
  'two changes, one node that starts meanwhile': ['-DIDS=1', '-DFIRST=0', '-DCRASHES=0', '-DMOVES=1', '-DCHANGES=2'],
  'a failover that loses the rows too, two changes, a node that starts meanwhile': [
    '-DIDS=2',
    ...failover,
    '-DNO_STREAMS',
    '-DROWS_LOST',
    '-DCHANGES=2',
    '-DOTHER=2',
  ],
  'two failovers that lose the rows too, a node that starts meanwhile': [
    '-DIDS=2',
    ...failover,
    '-DFAILOVERS=2',
    '-DNO_STREAMS',
    '-DROWS_LOST',
  ],
  'a failover, a node that starts meanwhile, parts of the log that arrive late': [
    '-DIDS=2',
    ...failover,
    '-DNO_STREAMS',
    '-DREPLIES',
  ],
  'ends that wait for those concerned, two changes, a verifier that attaches twice': [
    ...concern,
    '-DMOVES=1',
    '-DCHANGES=2',
  ],
  'two verifiers, one node': ['-DIDS=1', '-DVERIFIERS=2', '-DCRASHES=0', '-DMOVES=0', '-DL=1'],
};

export function mutants(): Mutant[] {
  const listed = JSON.parse(readFileSync(join(folder, 'mutants.json'), 'utf8')) as Record<string, string[]>;
  return Object.entries(listed).map(([name, [rule = '', breaks = '', flags = '']]) => ({
    name,
    rule,
    breaks,
    flags: [...oneNode, ...flags.split(' ').filter(Boolean), `-D${name}`],
  }));
}

/** Every mutant in the model. */
export function mutantsInModel(): Set<string> {
  return new Set(readFileSync(model, 'utf8').match(/\bR\d+_[A-Z_]+\b/g));
}

/** Searches the whole state space of a configuration, or until its first error. */
export function check(flags: readonly string[], seconds: number): Verdict {
  const work = mkdtempSync(join(tmpdir(), 'curfew-proof-'));
  const run = (program: string, ...args: string[]) => {
    const done = spawnSync(program, args, { cwd: work, encoding: 'utf8', timeout: seconds * 1000, maxBuffer: 1e8 });
    return { ok: done.status === 0, out: `${done.stdout}${done.stderr}${done.error ?? ''}` };
  };
  try {
    // If a name is defined twice, the last definition counts.
    const defined = new Map(flags.map((flag) => [flag.split('=')[0]!, flag]));
    for (const [program, ...args] of [
      ['spin', '-a', ...defined.values(), model],
      // Finding a mutant takes less time than optimizing.
      [
        'gcc',
        flags.some((flag) => /^-DR\d/.test(flag)) ? '-O0' : '-O2',
        '-w',
        '-DSAFETY',
        '-DCOLLAPSE',
        '-DNOFAIR',
        '-DMEMLIM=20000',
        '-o',
        'pan',
        'pan.c',
      ],
    ] as [string, ...string[]][]) {
      const { ok, out } = run(program, ...args);
      if (!ok) throw new Error(`${program} failed: ${out}`);
    }
    const began = performance.now();
    const { out } = run('./pan', '-m1000000');
    const found = (pattern: RegExp) => Number(pattern.exec(out)?.[1] ?? Number.NaN);
    return {
      errors: found(/errors: (\d+)/),
      states: found(/(\d+) states, stored/),
      seconds: (performance.now() - began) / 1000,
      finished: /errors: \d/.test(out) && !/max search depth too small|out of memory/.test(out),
      report: out,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Tests with real servers that the suite runs for a short while, and how long they run here. */
const servers: [Record<string, string>, string[]][] = [
  [
    { CURFEW_TEST_KILLS: '200', CURFEW_TEST_SERVER_KILLS: '100', CURFEW_TEST_STORE_KILLS: '20' },
    [
      'packages/curfew/test/process/kill.test.ts',
      'engines/servers/test/postgres/kill.test.ts',
      'packages/curfew/test/stores/redis/kills.test.ts',
      'packages/curfew/test/stores/cluster/kills.test.ts',
    ],
  ],
  [
    { CURFEW_TEST_FAILOVERS: '10' },
    ['engines/servers/test/postgres/failover.test.ts', 'packages/curfew/test/fence/failover.test.ts'],
  ],
  [
    { CHAOS_SECONDS: '600' },
    ['packages/curfew/test/fence/chaos.test.ts', 'engines/servers/test/postgres/chaos.test.ts'],
  ],
  [{ DIFFERENTIAL_SECONDS: '600' }, ['engines/servers/test/postgres/differential.test.ts']],
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [asked = 'all'] = process.argv.slice(2);
  const parts = ['all', 'model', 'small', 'code', 'rules', 'servers', 'stores'];
  if (!parts.includes(asked)) {
    console.error(`There is no proof of ${JSON.stringify(asked)}. Name one of: ${parts.join(', ')}.`);
    process.exit(2);
  }
  if (asked === 'all' || asked === 'model' || asked === 'small') proveModel(asked === 'small');
  if (asked === 'all' || asked === 'code') await import('../packages/curfew/test/fence/simulation/prove.ts');
  if (asked === 'all' || asked === 'rules') await proveRules();
  if (asked === 'all' || asked === 'servers') await proveServers();
  if (asked === 'all' || asked === 'stores') run('node', ['tools/test.ts', ...repetitions]);
}

async function proveRules(): Promise<void> {
  await installEngines();
  run('node', ['--conditions=curfew-source', 'packages/curfew/test/stores/rules/prove.ts']);
}

async function proveServers(): Promise<void> {
  await installEngines();
  const test = ['--conditions=curfew-source', '--test', '--test-timeout=3600000'];
  for (const [settings, files] of servers)
    for (const file of files) run('node', [...test, file], { ...process.env, ...settings });
}

function proveModel(onlySmall: boolean): void {
  let failed = false;
  const say = (good: boolean, name: string, { states, seconds }: Verdict, what: string) => {
    failed ||= !good;
    console.log(`${good ? '✔' : '✖'} ${name}: ${what}, ${states.toLocaleString('en')} states, ${seconds.toFixed(1)} s`);
  };
  for (const [name, flags] of Object.entries(onlySmall ? small : { ...small, ...large })) {
    const verdict = check(flags, 7200);
    say(verdict.finished && verdict.errors === 0, name, verdict, `${verdict.errors} errors`);
  }
  for (const { name, flags, breaks } of mutants()) {
    const verdict = check(flags, 600);
    say(verdict.errors === 1, `${name} (${breaks})`, verdict, verdict.errors === 1 ? 'found' : 'NOT FOUND');
  }
  if (failed) process.exitCode = 1;
}
