import { spawn } from 'node:child_process';
import { run } from './exec.ts';

// Builds what is served, then serves: whatever follows `npm start --` goes to `curfew serve`.
run('node', ['tools/build.ts']);
const server = spawn('node', ['packages/curfew/bin/curfew.js', 'serve', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.kill(signal));
server.on('exit', (code) => process.exit(code ?? 1));
