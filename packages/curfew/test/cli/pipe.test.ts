import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../stores/harness.ts';
import { fillWithEvents } from '../support/filled.ts';
import { commandLine } from '../support/process.ts';
import { TestServer } from '../support/server.ts';

test('N7.5: a command exits quietly when its reader closes the pipe', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  for (let i = 0; i < 20; i++) await server.createSession(`user ${i}`);
  const child = spawn(process.execPath, [...commandLine, 'sessions', 'list'], {
    env: { PATH: process.env['PATH'], CURFEW_URL: server.url, CURFEW_API_KEY: server.key },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let told = '';
  child.stderr.on('data', (chunk) => {
    told += chunk;
  });
  const [code] = await once(child, 'close');
  assert.deepEqual([code, told], [0, '']);
});

test('N7.5: an export whose reader closes the pipe fails, because a part of it is worthless', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const path = join(folder.path, 'data');
  await fillWithEvents(path, 2000);
  const child = spawn(process.execPath, [...commandLine, 'export', '--store', `lmdb:${path}`], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let told = '';
  child.stderr.on('data', (chunk) => {
    told += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 1, told);
  assert.match(told, /^error .* standard output: its reader has stopped before the end\.\n {6}→ Export again.*\n$/);
});

test('a server shuts down as it should when nobody reads its messages any more', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const log = join(folder.path, 'log');
  const child = spawn(process.execPath, [...commandLine, 'serve'], {
    env: {
      PATH: process.env['PATH'],
      CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`,
      CURFEW_PORT: '0',
      CURFEW_LOG_FILE: log,
      CURFEW_ADMIN_PASSWORD: 'correct horse battery',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Ctrl-C reaches `tee` as well, which ends first.
  await once(child.stderr, 'data');
  child.stdout.destroy();
  child.stderr.destroy();
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  assert.match(readFileSync(log, 'utf8'), /"msg":"closed"/);
});
