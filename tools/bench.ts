import { installEngines } from './engines.ts';
import { run } from './exec.ts';

// What it is measured against, and the servers that it is measured on.
installEngines('{others,servers,n8n}');
run('node', ['tools/build.ts']);

run('node', ['--conditions=curfew-source', '--expose-gc', 'bench/run.ts', ...process.argv.slice(2)]);
