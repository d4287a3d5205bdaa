import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { totpCode } from '../../src/domain/second-factor.ts';
import { commandLine } from '../support/process.ts';
import { TestServer } from '../support/server.ts';

test('at a terminal of 80 columns the QR code fits, and after a mistyped code it asks again, with the same secret', async (t) => {
  if (spawnSync('script', ['--version']).status !== 0) {
    t.skip('script is not installed');
    return;
  }
  const server = await TestServer.start();
  t.after(() => server.close());
  const account = await server.createAccount('a-name-that-is-as-long-as-a-user-name-may-be'.padEnd(64, '-x'));
  const command = `stty cols 80; ${[process.execPath, ...commandLine, 'accounts', 'totp', account.id].join(' ')}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: {
      PATH: process.env['PATH'],
      CURFEW_URL: server.url,
      CURFEW_TOKEN: server.key,
      TERM: 'xterm',
      NO_COLOR: '1',
    },
  });
  t.after(() => child.kill('SIGKILL'));
  let seen = '';
  let sent = 0;
  child.stdout.on('data', (chunk) => {
    seen += chunk;
    const [, secret] = /type in the secret: ([A-Z2-7]+)/.exec(seen) ?? [];
    if (secret === undefined) return;
    if (sent === 0 && seen.includes('The code it shows:')) {
      sent = 1;
      // Six digits that are wrong for this secret.
      const now = Date.now();
      const near = [-1, 0, 1].map((step) => totpCode(secret, now + step * 30_000));
      child.stdin.write(`${['000000', '111111', '222222', '333333'].find((code) => !near.includes(code))}\r`);
    } else if (sent === 1 && seen.includes('the secret is the same')) {
      sent = 2;
      child.stdin.write(`${totpCode(secret, Date.now())}\r`);
    }
  });
  await once(child, 'close');
  assert.match(seen, /The second factor of .* is enrolled/);
  assert.equal(seen.match(/type in the secret:/g)?.length, 1, 'it started again with another secret');
  const rows = seen.split(/\r?\n/).filter((line) => /[▀▄█]{3}/.test(line));
  assert.ok(rows.length > 10);
  for (const row of rows) assert.ok([...row].length <= 80, `${[...row].length} columns`);
});
