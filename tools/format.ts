import { run } from './exec.ts';

run('biome', ['check', '--write', '.']);
