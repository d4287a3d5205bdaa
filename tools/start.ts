import { spawn } from 'node:child_process';
import { run } from './exec.ts';

// Builds, then serves: the arguments after `npm start --` are passed to `curfew serve`.
// When the tests start it, they have already built it and are using that build.
if (!process.env['CURFEW_TEST_BUILT']) run('node', ['tools/build.ts']);
const server = spawn('node', ['packages/curfew/bin/curfew.js', 'serve', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// A terminal sends its Ctrl-C to the server as well.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => server.kill('SIGTERM'));
server.on('exit', (code) => process.exit(code ?? 1));
