import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { lives } from '../support/child.ts';

const hanging = fileURLToPath(new URL('../support/hang.ts', import.meta.url));

test('a test that times out leaves no server behind, and the run ends', {
  skip: process.platform !== 'linux' && 'only Linux ends a program together with the one that started it',
  timeout: 120_000,
}, async () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['--conditions=curfew-source', '--test', '--test-timeout=20000', hanging];
  const runner = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [runner.stdout, runner.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk;
    });
  }
  // Its pipes close only when no process has them open any more.
  const [code] = await once(runner, 'close');
  assert.equal(code, 1, said);
  const [, pid, path] = /server (\d+) in (\S+) of/.exec(said) ?? assert.fail(said);
  while (lives(Number(pid))) await pause(5);
  rmSync(path!, { recursive: true, force: true });
});
