import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { examples, readPage, root } from '../../../packages/curfew/test/support/pages.ts';
import { variables } from './settings.ts';

const path = join(root, 'deploy/systemd/curfew.service');
const installed = spawnSync('systemd-analyze', ['--version']).status === 0;

test('the unit sets settings that exist', () => {
  const names = [...readFileSync(path, 'utf8').matchAll(/^Environment=(\w+)=/gm)].map(([, name]) => name!);
  assert.ok(names.length > 0);
  for (const name of names) assert.ok(variables.has(name), name);
});

test('a server whose store is away at boot is started again until it is there', () => {
  const unit = readFileSync(path, 'utf8');
  const [before] = unit.split('[Service]');
  assert.match(before!, /^StartLimitIntervalSec=0$/m);
  assert.match(unit, /^Restart=on-failure$/m);
  assert.match(unit, /^RestartSec=[1-9]\d*s$/m);
});

test('the function in docs/operation.md runs a command as the service does, at a terminal and in a pipe', () => {
  const definition = examples('sh', readPage('docs/operation.md')).find((text) => text.startsWith('curfew() {'))!;
  const [body] = definition.split(/^}$/m);
  // In the place of `sudo`, something that prints its arguments.
  const script = `sudo() { printf '%s\\n' "$@"; }\n${body}}\ncurfew export 'a b'`;
  const { stdout } = spawnSync('bash', ['-euc', script], { encoding: 'utf8' });
  const args = stdout.trimEnd().split('\n');
  assert.equal(args[0], 'systemd-run');
  // A terminal alone would change each end of a line, and mix what is written to standard error into an export.
  for (const option of ['--pty', '--pipe', '--wait', '--uid=curfew']) assert.ok(args.includes(option), option);
  const unit = readFileSync(path, 'utf8');
  for (const [, name, value] of unit.matchAll(/^(EnvironmentFile|ExecStart)=-?(.*)$/gm)) {
    if (name === 'EnvironmentFile') assert.ok(args.includes(`--property=EnvironmentFile=${value}`), value);
    else
      assert.deepEqual(
        args
          .slice(-4)
          .join(' ')
          .replace(/ export a b$/, ' serve'),
        value,
      );
  }
  assert.deepEqual(args.slice(-2), ['export', 'a b']);
});

test('no page and no file uses an option of systemctl that systemd before 252 does not know', () => {
  const files = globSync(['docs/**/*.md', 'deploy/**/*', 'examples/**/*.md', 'README.md'], {
    cwd: root,
    withFileTypes: true,
  });
  const texts = files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  assert.ok(texts.includes(join(root, 'docs/operation.md')) && texts.includes(path));
  assert.match(readPage('docs/operation.md'), /systemctl kill .*--kill-who=main/);
  // Every version knows --kill-who.
  assert.deepEqual(
    texts.filter((file) => readFileSync(file, 'utf8').includes('--kill-whom')),
    [],
  );
});

test('systemd finds no mistake in the unit', { skip: !installed && 'systemd is not installed' }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-unit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const unit = join(folder, 'curfew.service');
  // The program and the user that a machine with Curfew has.
  const here = readFileSync(path, 'utf8').replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`);
  writeFileSync(unit, here.replace('User=curfew', 'User=root'));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
  assert.deepEqual([status, (stdout + stderr).split('\n').filter((line) => line.includes(unit))], [0, []], stderr);
});
