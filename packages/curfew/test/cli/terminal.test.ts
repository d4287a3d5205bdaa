import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import type { Event, Session } from 'curfew-client';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { eventColumns } from '../../src/cli/events.ts';
import { sessionColumns, shortWithin, usedText } from '../../src/cli/format.ts';
import { paint, renderTable, wrap } from '../../src/cli/terminal.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { AtTerminal, curfewCommand, terminalInstalled } from '../support/at-terminal.ts';
import { fillWithEvents } from '../support/filled.ts';
import { runCli } from '../support/process.ts';

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

test('the audit trail fits 80 columns: types are complete, and an account is not mistaken for a user with its name as id', () => {
  const [olga, key] = ['0V7oZk3H8e9Jb2Yw4tQxLm', '0V7oZk3H8e9Jb2Yw4tQxLn'];
  const at = '2026-11-28T14:45:45.123Z';
  const events = [
    { at, type: 'user.sessions_ended', by: `key:${key}`, userId: 'olga', reason: 'all_of_user', details: { ended: 2 } },
    { at, type: 'session.created', by: `user:${olga}`, userId: olga, sessionId: key },
  ] as unknown as Event[];
  const table = (width: number) => {
    const rendered = renderTable(events, eventColumns(new Map([[olga, 'olga']])), width);
    return stripVTControlCharacters(rendered).split('\n').slice(1);
  };
  for (const line of table(80)) assert.ok(line.length <= 80, `${line.length}: ${line}`);
  assert.match(table(80)[0]!, /^2026-11-28 14:45:45 {2}user\.sessions_ended {2}key:0V7o\S*… +olga {6}all_of_user/);
  assert.match(table(80)[1]!, /^2026-11-28 14:45:45 {2}session\.created {6}user:olga \(…\) +olga \(…\) {2}session 0V/);
  const whole = table(Number.POSITIVE_INFINITY).join('\n');
  assert.ok(whole.includes(`user:olga (${olga})`) && whole.includes(`session ${key}`) && !whole.includes('…'), whole);
});

test('when a key was last used is known to the hour, and no text says more', () => {
  const hour = 3_600_000;
  const now = Date.parse('2026-11-28T14:45:45Z');
  const text = (ago: number, short?: typeof shortWithin) => usedText(new Date(now - ago).toISOString(), short, now);
  assert.equal(text(0), 'within the last hour');
  // Written by another machine, whose clock is ahead.
  assert.equal(text(-5000), 'within the last hour');
  assert.equal(text(hour - 1, shortWithin), '< 1 h ago');
  assert.equal(text(hour), 'within the last 2 hours');
  assert.equal(text(2 * hour - 1, shortWithin), '< 2 h ago');
  assert.equal(text(2 * hour), '2 h ago');
  assert.equal(text(72 * hour, shortWithin), '3 d ago');
});

test('sentences are wrapped between words: each line fits or is one word, and nothing is lost or moved', () => {
  const plain = fc.stringMatching(/^[a-z–→世界]{1,12}$/);
  const code = fc.array(plain, { minLength: 1, maxLength: 3 }).map((parts) => `\`${parts.join(' ')}\`,`);
  const word = fc.oneof(
    plain,
    plain.map((text) => paint('red', text)),
    code,
  );
  const texts = fc.array(word, { minLength: 1, maxLength: 30 });
  const leads = fc.constantFrom('', '      ', '      → ', `${paint('red', 'error')} `);
  fc.assert(
    fc.property(texts, leads, fc.integer({ min: 1, max: 60 }), (words, lead, width) => {
      const [first, ...others] = wrap(words.join(' '), width, lead).split('\n');
      const indent = ' '.repeat(stringWidth(lead));
      assert.ok(first!.startsWith(lead), first);
      assert.ok(others.every((line) => line.startsWith(indent)));
      const lines = [first!.slice(lead.length), ...others.map((line) => line.slice(indent.length))];
      assert.equal(lines.join(' '), words.join(' '));
      for (const line of lines) {
        const fits = indent.length + stringWidth(line) <= width;
        assert.ok(fits || words.includes(line), JSON.stringify(lines));
      }
      assert.equal(wrap(words.join(' '), Number.POSITIVE_INFINITY, lead), lead + words.join(' '));
    }),
  );
});

test('at a terminal, help, errors and remedies are wrapped at its width; JSON and pipes have whole lines', async (t) => {
  if (!terminalInstalled) return t.skip('script is not installed');
  const columns = 60;
  const atTerminal = async (args: string, env: NodeJS.ProcessEnv = {}) => {
    const terminal = new AtTerminal(`stty cols ${columns}; ${curfewCommand(args)}`, env);
    await terminal.ended();
    return terminal.printed.trimEnd().split('\r\n');
  };
  const unreachable = 'sessions list --url http://127.0.0.1:1';
  const [help, usage, failure] = await Promise.all([
    atTerminal('serve --help'),
    atTerminal('sessions list --sort x'),
    atTerminal(unreachable),
  ]);
  for (const line of [...help, ...usage, ...failure]) assert.ok(line.length <= columns, `${line.length}: ${line}`);
  assert.match(
    help.join('\n'),
    /\n {2}--port <number>\n {6}The port to listen on; 0 picks a free one\.\n {6}\[CURFEW_PORT, 2873\]\n/,
  );
  assert.match(usage.join('\n'), /^error: option '--sort <key>' argument 'x' is invalid\.\nAllowed choices are /);
  assert.match(failure.join('\n'), /^error http\S+ cannot be reached: .*\n {6}→ Check the URL, .*\n {8}\S/);
  const [json] = await atTerminal(`--json ${unreachable}`);
  assert.equal(JSON.parse(json!).error.code, 'unreachable');
  const piped = await runCli(['serve', '--help']);
  assert.match(piped.out, /\n {2}--port <number> +The port to listen on; 0 picks a free one\. \[CURFEW_PORT, 2873\]\n/);
  assert.match((await runCli(unreachable.split(' '))).err, /^error .*\n {6}→ .*\n$/);
});

test('the API key that a first start shows is whole on a line of 80 columns', async (t) => {
  if (!terminalInstalled) return t.skip('script is not installed');
  const folder = temporaryFolder();
  t.after(folder.remove);
  const env = { CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`, CURFEW_PORT: '0' };
  const terminal = new AtTerminal(`stty cols 80; ${curfewCommand('serve')}`, env);
  t.after(() => terminal.kill());
  await terminal.prompt('sessions   lmdb:');
  assert.match(terminal.printed, / password {3}\S+ {3}shown once\r\n {2}API key {4}shown once:\r\n {2}cfk_\w+\r\n/);
  const key = /^ {2}cfk_\w+/m.exec(terminal.printed)![0];
  assert.ok(key.length <= 80, `${key.length} columns`);
});

test('N6.12: an export that is shown on a terminal cannot control it; a pipe or a file gets every text unchanged', async (t) => {
  if (!terminalInstalled) return t.skip('script is not installed');
  const folder = temporaryFolder();
  t.after(folder.remove);
  const path = join(folder.path, 'data');
  await fillWithEvents(path, 1, 'eve\u202enimda\u009b31m');
  const args = ['export', '--store', `lmdb:${path}`];
  const terminal = new AtTerminal(curfewCommand(...args, '2>/dev/null'), {});
  t.after(() => terminal.kill());
  await terminal.ended();
  assert.match(terminal.printed, /eve\\u202enimda\\u009b31m/);
  assert.doesNotMatch(terminal.printed, /[\u202e\u009b]/);
  const { out } = await runCli(args);
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

test('a terminal that is killed leaves no program behind, not even a server that goes on when it was closed', async (t) => {
  if (!terminalInstalled || process.platform !== 'linux') {
    t.skip('script is not installed, or this is not Linux');
    return;
  }
  const folder = temporaryFolder();
  t.after(folder.remove);
  const terminal = new AtTerminal(curfewCommand('serve'), {
    CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`,
    CURFEW_PORT: '0',
    CURFEW_LOG_FILE: join(folder.path, 'log'),
  });
  await terminal.prompt('sessions   lmdb:');
  const isThere = () => readdirSync('/proc').some((pid) => environmentOf(pid).includes(folder.path));
  assert.ok(isThere());
  terminal.kill();
  while (isThere()) await pause(5);
});

/** The environment of a process, as Linux shows it; '' if it is gone. */
function environmentOf(pid: string): string {
  try {
    return /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/environ`, 'utf8') : '';
  } catch {
    return '';
  }
}

test('colours are for a stream that shows them, whatever the other one is', async (t) => {
  if (!terminalInstalled) {
    t.skip('script is not installed');
    return;
  }
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  const file = join(folder.path, 'redirected');
  const run = async (redirection: string) => {
    const command = curfewCommand('totp', 'not-base-32', redirection, file);
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
