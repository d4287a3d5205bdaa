import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../stores/harness.ts';
import { startChild } from '../support/child.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const hook = new URL('../support/stopped-on-listening.ts', import.meta.url).href;

test('a server that is stopped while it starts completes the start, shows its secrets, and closes in order', {
  timeout: 60_000,
}, async (t) => {
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  const command = [process.execPath, '--import', hook, '--conditions=curfew-source', main, 'serve'];
  const child = startChild(command, {
    env: { PATH: process.env['PATH'], CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`, CURFEW_PORT: '0' },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    err += text;
  });
  const [code, signal] = await once(child, 'close');
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, err);
  assert.match(err, /SIGTERM: finishing accepted requests/);
  assert.match(err, /password +\S+ +shown once/);
  assert.match(out, /"closed"/);
});
