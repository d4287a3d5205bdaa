import { installEngines } from './engines.ts';
import { run } from './exec.ts';

await installEngines();
// The console has a browser's types. The packages for workflow engines are built as CommonJS, with those engines' types.
for (const folder of [
  '.',
  'packages/console',
  'packages/nodes-n8n',
  'packages/n8n-nodes-curfew',
  'packages/n8n-nodes-log-out',
  'packages/node-red-curfew',
  'engines/frameworks/nest',
]) {
  run('tsc', ['--project', folder]);
}
// With the types of browsers, which contradict those of Node.js.
run('tsc', ['--project', 'packages/client/tsconfig.devices.json', '--noEmit']);
