import { installEngines } from './engines.ts';
import { run } from './exec.ts';

installEngines();
run('tsc', ['--project', 'tsconfig.json']);
