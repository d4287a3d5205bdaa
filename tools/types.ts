import { installEngines } from './engines.ts';
import { run } from './exec.ts';

installEngines();
// The packages for workflow engines are built as CommonJS, with those engines' types.
for (const folder of [
  '.',
  'packages/nodes-n8n',
  'packages/n8n-nodes-curfew',
  'packages/n8n-nodes-log-out',
  'packages/node-red-curfew',
  'engines/frameworks/nest',
]) {
  run('tsc', ['--project', folder]);
}
