import { run } from './exec.ts';

// One tool for formatting, errors, import cycles and the direction of imports (biome.json).
run('biome', ['check', '--error-on-warnings', '.']);
