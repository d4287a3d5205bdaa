import { installEngines } from './engines.ts';
import { run } from './exec.ts';

// The rivals to measure against, and the servers to measure on.
await installEngines('{others,servers,n8n}');
run('node', ['tools/build.ts']);

run('node', ['--conditions=curfew-source', '--expose-gc', 'bench/run.ts', ...process.argv.slice(2)]);
