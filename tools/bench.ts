import { run } from './exec.ts';

run('node', ['--conditions=curfew-source', '--expose-gc', 'bench/run.ts', ...process.argv.slice(2)]);
