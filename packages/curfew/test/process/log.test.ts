import assert from 'node:assert/strict';
import fs, { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openLog, seldom } from '../../src/log.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { AtTerminal, curfewCommand, terminalInstalled } from '../support/at-terminal.ts';
import { runCli, startProcess } from '../support/process.ts';

function folderOf(t: TestContext): string {
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  return folder.path;
}

test('N8.6: a log file that cannot be written prevents the start, and the error names it', async (t) => {
  const folder = folderOf(t);
  for (const path of [folder, '/dev/null/log']) {
    const env = { CURFEW_STORE: `lmdb:${join(folder, 'data')}`, CURFEW_PORT: '0', CURFEW_LOG_FILE: path };
    const { code, err } = await runCli(['serve'], env);
    assert.equal(code, 1, err);
    assert.match(err, /CURFEW_LOG_FILE: E(ISDIR|NOTDIR|EXIST)/);
    assert.equal(existsSync(join(folder, 'data')), false, 'something was created');
  }
});

test('N8.7: SIGHUP opens the log file again: after a rename, lines go to a new one', async (t) => {
  const folder = folderOf(t);
  const [path, old] = [join(folder, 'logs', 'curfew.log'), join(folder, 'curfew.log.1')];
  const server = await startProcess({
    CURFEW_STORE: `lmdb:${join(folder, 'data')}`,
    CURFEW_LOG_FILE: path,
  });
  t.after(() => server.child.kill('SIGKILL'));
  const says = (file: string, text: string) => existsSync(file) && readFileSync(file, 'utf8').includes(text);
  // Sends requests until one is in the file. Each has its own path, and is waited for before the next is sent: a line
  // is written after its answer, so one that is still on its way would go to the next file.
  const until = async (file: string, name: string, others: string[]) => {
    for (let sent = 1; ; sent++) {
      const path = `/${name}/${'x'.repeat(sent)}`;
      await fetch(`${server.url}${path}`);
      while (!others.concat(file).some((each) => says(each, `${path}"`))) await pause(5);
      if (says(file, `${path}"`)) return;
    }
  };
  await until(path, 'before', []);
  renameSync(path, old);
  server.child.kill('SIGHUP');
  await until(path, 'after', [old]);
  assert.doesNotMatch(readFileSync(path, 'utf8'), /before/);
  // A file that cannot be opened again ends nothing: the server reports it, and continues to write to the old one.
  renameSync(path, `${old}.2`);
  mkdirSync(path);
  server.child.kill('SIGHUP');
  while (!server.told.some((line) => /The log cannot be written to CURFEW_LOG_FILE .*EISDIR/.test(line)))
    await pause(5);
  await until(`${old}.2`, 'later', []);
  await server.stop('SIGTERM');
  assert.equal(server.child.exitCode, 0);
});

test('N8.7: a log file that could be opened again only at the second attempt closes the former one once', async (t) => {
  const folder = folderOf(t);
  const path = join(folder, 'logs', 'curfew.log');
  const log = openLog({ logLevel: 'info', logFile: path });
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await pause(5);
  };
  const write = async (text: string, file: string) => {
    log.logger.info(text);
    log.logger.flush();
    await until(() => existsSync(file) && readFileSync(file, 'utf8').includes(text));
  };
  await write('before', path);
  const told = t.mock.method(process.stderr, 'write', () => true).mock;
  const closed = t.mock.method(fs, 'close').mock;
  renameSync(join(folder, 'logs'), join(folder, 'former'));
  writeFileSync(join(folder, 'logs'), '');
  log.reopen();
  await until(() => told.callCount() > 0);
  rmSync(join(folder, 'logs'));
  log.reopen();
  await until(() => existsSync(path));
  await write('after', path);
  assert.equal(closed.callCount(), 1);
});

test('an error that comes again and again is reported once a minute, with how many were not; another one at once', () => {
  let now = 0;
  const reported: [unknown, number][] = [];
  const report = seldom(
    (error, unreported) => reported.push([error, unreported]),
    () => now,
  );
  const [full, away] = [{ code: 'store_full' }, new Error('away')];
  for (now = 0; now < 60_000; now += 1000) report(full);
  report(away);
  report(full);
  report(full);
  assert.deepEqual(reported, [
    [full, 0],
    [away, 0],
    [full, 59],
  ]);
});

test('at a terminal the log has no lines of requests, unless its level is set or it goes to a file', async (t) => {
  if (!terminalInstalled) return t.skip('script is not installed');
  const folder = folderOf(t);
  const start = async (name: string, env: Record<string, string>) => {
    const store = { CURFEW_STORE: `lmdb:${join(folder, name)}`, CURFEW_PORT: '0' };
    const terminal = new AtTerminal(curfewCommand('serve'), { ...store, ...env });
    t.after(() => terminal.kill());
    await terminal.prompt('sessions   lmdb:');
    const [, url] = /API +(http\S+)\/docs/.exec(terminal.printed)!;
    await fetch(`${url}/v1/me`);
    return terminal;
  };
  const file = join(folder, 'log');
  const [quiet, full, filed] = await Promise.all([
    start('quiet', {}),
    start('full', { CURFEW_LOG_LEVEL: 'info' }),
    start('filed', { CURFEW_LOG_FILE: file }),
  ]);
  await full.prompt('"msg":"request"');
  while (!(existsSync(file) && readFileSync(file, 'utf8').includes('"msg":"request"'))) await pause(5);
  quiet.type('\u0003');
  await quiet.ended();
  assert.doesNotMatch(quiet.printed, /"msg"/);
  assert.match(quiet.printed, /log +warnings only; CURFEW_LOG_LEVEL=info adds every request/);
  for (const other of [full, filed]) assert.doesNotMatch(other.printed, /warnings only/);
});
