import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
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
