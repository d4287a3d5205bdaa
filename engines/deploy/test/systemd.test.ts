import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../../packages/curfew/test/support/pages.ts';
import { variables } from './settings.ts';

const path = join(root, 'deploy/systemd/curfew.service');
const installed = spawnSync('systemd-analyze', ['--version']).status === 0;

test('the unit sets settings that exist', () => {
  const names = [...readFileSync(path, 'utf8').matchAll(/^Environment=(\w+)=/gm)].map(([, name]) => name!);
  assert.ok(names.length > 0);
  for (const name of names) assert.ok(variables.has(name), name);
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
