import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { temporaryFolder } from '../stores/harness.ts';
import { runCli, startProcess } from '../support/process.ts';

function folderOf(t: TestContext): string {
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  return folder.path;
}

test('a log file that cannot be written keeps the server from starting, by name', async (t) => {
  const folder = folderOf(t);
  for (const path of [folder, '/dev/null/log']) {
    const env = { CURFEW_STORE: `lmdb:${join(folder, 'data')}`, CURFEW_PORT: '0', CURFEW_LOG_FILE: path };
    const { code, err } = await runCli(['serve'], env);
    assert.equal(code, 1, err);
    assert.match(err, /CURFEW_LOG_FILE: E(ISDIR|NOTDIR|EXIST)/);
    assert.equal(existsSync(join(folder, 'data')), false, 'nothing was made');
  }
});

test('SIGHUP opens the log file again: after a rename, lines come in a new one', async (t) => {
  const folder = folderOf(t);
  const [path, old] = [join(folder, 'logs', 'curfew.log'), join(folder, 'curfew.log.1')];
  const server = await startProcess({
    CURFEW_STORE: `lmdb:${join(folder, 'data')}`,
    CURFEW_LOG_FILE: path,
  });
  t.after(() => server.child.kill('SIGKILL'));
  const until = async (file: string, says: string) => {
    while (!existsSync(file) || !readFileSync(file, 'utf8').includes(says)) {
      await fetch(`${server.url}/${says}`);
      await setImmediate();
    }
  };
  await until(path, 'before');
  renameSync(path, old);
  server.child.kill('SIGHUP');
  await until(path, 'after');
  assert.doesNotMatch(readFileSync(path, 'utf8'), /before/);
  // A file that cannot be opened again ends nothing: the server says so, and writes on in the one that it has.
  renameSync(path, `${old}.2`);
  mkdirSync(path);
  server.child.kill('SIGHUP');
  while (!server.told.some((line) => /The log cannot be written to CURFEW_LOG_FILE .*EISDIR/.test(line)))
    await setImmediate();
  await until(`${old}.2`, 'later');
  await server.stop('SIGTERM');
  assert.equal(server.child.exitCode, 0);
});
