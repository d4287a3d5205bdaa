import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../stores/harness.ts';
import { startChild } from '../support/child.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const hook = new URL('../support/signalled-on-listening.ts', import.meta.url).href;

/** A server that gets a signal while it starts; `greeted`: called when it is up. */
async function signalled(
  t: TestContext,
  signal: string,
  more: object = {},
  greeted: (child: ChildProcess) => void = () => {},
) {
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  const command = [process.execPath, '--import', hook, '--conditions=curfew-source', main, 'serve'];
  const child = startChild(command, {
    env: {
      PATH: process.env['PATH'],
      CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`,
      CURFEW_PORT: '0',
      SIGNAL: signal,
      ...more,
    },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    const before = err;
    err += text;
    if (!/is up/.test(before) && /is up/.test(err)) greeted(child);
  });
  const [code, by] = await once(child, 'close');
  return { code, by, out, err };
}

test('a server that is stopped while it starts completes the start, shows its secrets, and closes in order', {
  timeout: 60_000,
}, async (t) => {
  const { code, by, out, err } = await signalled(t, 'SIGTERM');
  assert.deepEqual({ code, by }, { code: 0, by: null }, err);
  assert.match(err, /SIGTERM: finishing accepted requests/);
  assert.match(err, /password +\S+ +shown once/);
  assert.match(out, /"closed"/);
});

test('a log file that is rotated while the server starts does not end it; without one, SIGHUP does', {
  timeout: 60_000,
}, async (t) => {
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  const file = join(folder.path, 'curfew.log');
  const kept = await signalled(t, 'SIGHUP', { CURFEW_LOG_FILE: file }, (child) => child.kill('SIGTERM'));
  assert.deepEqual({ code: kept.code, by: kept.by }, { code: 0, by: null }, kept.err);
  const ended = await signalled(t, 'SIGHUP');
  assert.equal(ended.by, 'SIGHUP', ended.err);
});
