import { spawn } from 'node:child_process';
import { isBuilt } from './built.ts';
import { run } from './exec.ts';

// Builds if something has changed, then serves: the arguments after `npm start --` are passed to `curfew serve`. A build
// replaces what another server here may be running from. When the tests start this, they have already built it.
if (!process.env['CURFEW_TEST_BUILT'] && !isBuilt()) {
  console.error('Building …');
  run('node', ['tools/build.ts']);
}
const server = spawn('node', ['packages/curfew/bin/curfew.js', 'serve', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// A terminal sends its Ctrl-C to the server as well.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => server.kill('SIGTERM'));
server.on('exit', (code) => process.exit(code ?? 1));
