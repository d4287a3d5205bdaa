import { installEngines } from './engines.ts';
import { run } from './exec.ts';
import { testWithTable } from './nodes/table.ts';

// Only the table of the nodes: every engine × operation × output × error mode, and × service of Log Out.
await installEngines('n*');
run('node', ['tools/build.ts']);
const suites = ['operations', 'log-out'].map(
  (suite) => `engines/{n8n-1,n8n,node-red-4,node-red}/test/${suite}.test.ts`,
);
const { code, failures } = await testWithTable(['--test-concurrency=2', '--test-timeout=1800000', ...suites]);
if (failures !== '') console.log(`\n${failures}`);
process.exitCode = code;
