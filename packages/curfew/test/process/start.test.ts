import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../stores/harness.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

test('N8.9: SIGTERM to `npm start` stops the server, which finishes accepted requests', {
  timeout: 300_000,
  skip: process.platform === 'win32',
}, async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const env = { ...process.env, CURFEW_STORE: `lmdb:${folder.path}`, CURFEW_PORT: '0', CURFEW_LOG_LEVEL: 'info' };
  const npm = spawn('npm', ['start'], { cwd: root, env, stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => npm.kill('SIGKILL'));
  const said: string[] = [];
  let listening: (() => void) | undefined;
  const up = new Promise<void>((resolve) => {
    listening = resolve;
  });
  const lines = createInterface(npm.stdout!);
  lines.on('line', (line) => {
    said.push(line);
    if (line.includes('"listening"')) listening!();
  });
  // The process at the other end of the pipe has gone.
  const over = once(lines, 'close');
  await up;
  npm.kill('SIGTERM');
  await over;
  assert.match(said.at(-1)!, /"msg":"closed"/);
});
