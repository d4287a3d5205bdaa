import { run } from './exec.ts';

run('tsc', ['--project', 'tsconfig.json']);
