import { spawn } from 'node:child_process';
import { run } from './exec.ts';

// Builds what is served, then serves: whatever follows `npm start --` goes to `curfew serve`.
// The tests have built it just now, and run what is there meanwhile.
if (!process.env['CURFEW_TEST_BUILT']) run('node', ['tools/build.ts']);
const server = spawn('node', ['packages/curfew/bin/curfew.js', 'serve', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// A terminal sends its Ctrl-C to the server as well.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => server.kill('SIGTERM'));
server.on('exit', (code) => process.exit(code ?? 1));
