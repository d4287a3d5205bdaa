import { installEngines } from './engines.ts';
import { run } from './exec.ts';

// Builds the documentation's site into dist/docs; `npm run docs -- /curfew/` makes one that is served at that path.
await installEngines('docs');
run('node', ['engines/docs/src/main.ts', ...process.argv.slice(2)]);
console.log('The site is in dist/docs.');
