import assert from 'node:assert/strict';
import { test } from 'node:test';
import { totpCode } from '../../src/domain/second-factor.ts';
import { AtTerminal, terminalInstalled } from '../support/at-terminal.ts';
import { commandLine } from '../support/process.ts';
import { TestServer } from '../support/server.ts';

test('at a terminal of 80 columns the QR code fits, and after a mistyped code it asks again, with the same secret', async (t) => {
  if (!terminalInstalled) {
    t.skip('script is not installed');
    return;
  }
  const server = await TestServer.start();
  t.after(() => server.close());
  const account = await server.createAccount('a-name-that-is-as-long-as-a-user-name-may-be'.padEnd(64, '-x'));
  const command = `stty cols 80; ${[process.execPath, ...commandLine, 'accounts', 'totp', account.id].join(' ')}`;
  const terminal = new AtTerminal(command, { CURFEW_URL: server.url, CURFEW_TOKEN: server.key });
  t.after(() => terminal.kill());
  await terminal.prompt('The code it shows:');
  const [, secret] = /type in the secret: ([A-Z2-7]+)/.exec(terminal.printed)!;
  // Six digits that are wrong for this secret.
  const now = Date.now();
  const near = [-1, 0, 1].map((step) => totpCode(secret!, now + step * 30_000));
  terminal.type(['000000', '111111', '222222', '333333'].find((code) => !near.includes(code))!);
  await terminal.prompt('the secret is the same');
  terminal.type(totpCode(secret!, Date.now()));
  await terminal.ended();
  const seen = terminal.printed;
  assert.match(seen, /The second factor of .* is enrolled/);
  assert.equal(seen.match(/type in the secret:/g)?.length, 1, 'it started again with another secret');
  const rows = seen.split(/\r?\n/).filter((line) => /[▀▄█]{3}/.test(line));
  assert.ok(rows.length > 10);
  for (const row of rows) assert.ok([...row].length <= 80, `${[...row].length} columns`);
});

test('at a terminal it asks for the password before it enrols an authenticator for one’s own account', async (t) => {
  if (!terminalInstalled) {
    t.skip('script is not installed');
    return;
  }
  const server = await TestServer.start();
  t.after(() => server.close());
  await server.createAccount('ada');
  const { token } = (await server.login('ada', 'ada password')).body;
  const command = [process.execPath, ...commandLine, 'accounts', 'totp'].join(' ');
  const terminal = new AtTerminal(command, { CURFEW_URL: server.url, CURFEW_TOKEN: token });
  t.after(() => terminal.kill());
  await terminal.prompt('Your password:');
  assert.doesNotMatch(terminal.printed, /type in the secret/);
  terminal.type('ada password');
  await terminal.prompt('The code it shows:');
  const [, secret] = /type in the secret: ([A-Z2-7]+)/.exec(terminal.printed)!;
  terminal.type(totpCode(secret!, Date.now()));
  await terminal.ended();
  assert.match(terminal.printed, /The second factor of ada is enrolled/);
});
