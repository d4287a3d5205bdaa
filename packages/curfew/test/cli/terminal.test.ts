import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { Session } from 'curfew-client';
import { sessionColumns } from '../../src/cli/format.ts';
import { renderTable } from '../../src/cli/terminal.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { AtTerminal, terminalInstalled } from '../support/at-terminal.ts';
import { fillWithEvents } from '../support/filled.ts';
import { commandLine, runCli } from '../support/process.ts';

test('a table fits 80 columns: the widest column is shortened first, and ids are complete', () => {
  const id = '0V7oZk3H8e9Jb2Yw4tQxLm';
  const session = {
    id,
    userId: '0V7oZk3H8e9Jb2Yw4tQxLn',
    status: 'suspended',
    device: { type: 'browser', name: 'Mobile Safari', version: '17.4.1', os: { name: 'iOS' } },
    ip: '2001:0db8:85a3:0000:0000:8a2e:0370:7334',
    lastSeenAt: new Date(Date.now() - 1_500_000).toISOString(),
    accessGroups: ['staff', 'billing', 'night-shift'],
  } as unknown as Session;
  const table = (width: number) => {
    const rendered = renderTable([session], sessionColumns(new Map([[session.userId, 'olga']])), width);
    return stripVTControlCharacters(rendered).split('\n');
  };
  for (const line of table(80)) assert.ok(line.length <= 80 && !line.endsWith(' '), `${line.length}: ${line}`);
  assert.match(table(80)[1]!, new RegExp(`^${id}  olga `));
  assert.match(table(80)[1]!, / 25 min a/);
  assert.equal(table(400)[1]!.includes('…'), false);
});

test('columns other than the widest keep their text', () => {
  const columns = [
    { head: 'A', of: () => 'a'.repeat(30) },
    { head: 'B', of: () => 'b'.repeat(12) },
  ];
  assert.equal(renderTable([{}], columns, 34).split('\n')[1], `${'a'.repeat(19)}…  ${'b'.repeat(12)}`);
});

test('N6.12: an export that is shown on a terminal cannot control it; a pipe or a file gets every text unchanged', async (t) => {
  if (!terminalInstalled) return t.skip('script is not installed');
  const folder = temporaryFolder();
  t.after(folder.remove);
  const path = join(folder.path, 'data');
  await fillWithEvents(path, 1, 'eve\u202enimda\u009b31m');
  const command = [process.execPath, ...commandLine, 'export', '--store', `lmdb:${path}`];
  const terminal = new AtTerminal(`${command.join(' ')} 2>/dev/null`, {});
  t.after(() => terminal.kill());
  await terminal.ended();
  assert.match(terminal.printed, /eve\\u202enimda\\u009b31m/);
  assert.doesNotMatch(terminal.printed, /[\u202e\u009b]/);
  const { out } = await runCli(command.slice(-3));
  assert.match(out, /eve\u202enimda\u009b31m/);
});

test('a test that waits for a prompt that does not come fails with what was printed', async (t) => {
  if (!terminalInstalled) {
    t.skip('script is not installed');
    return;
  }
  const waits = new AtTerminal('echo first; read answer', {});
  await waits.prompt('first');
  await assert.rejects(waits.prompt('second', 1), /has not printed "second" within 1 ms\. It printed:\nfirst/);
  const ends = new AtTerminal('echo first', {});
  await assert.rejects(ends.prompt('second'), /has not printed "second", and ended\. It printed:\nfirst/);
});

test('colours are for a stream that shows them, whatever the other one is', async (t) => {
  if (!terminalInstalled) {
    t.skip('script is not installed');
    return;
  }
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  const file = join(folder.path, 'redirected');
  const run = async (redirection: string) => {
    const command = `${[process.execPath, ...commandLine, 'totp', 'not-base-32'].join(' ')} ${redirection} ${file}`;
    const terminal = new AtTerminal(command, { NO_COLOR: undefined });
    await terminal.ended();
    return { seen: terminal.printed, kept: readFileSync(file, 'utf8') };
  };
  const errors = await run('2>');
  assert.match(errors.kept, /^error The secret is not base 32/);
  const answers = await run('>');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colours begin with
  assert.match(answers.seen, /^\x1b\[31merror/);
});
