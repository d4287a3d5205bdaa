import assert from 'node:assert/strict';
import { test } from 'node:test';
import { totpCode } from '../../src/domain/second-factor.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { AtTerminal, curfewCommand, terminalInstalled } from '../support/at-terminal.ts';
import { TestServer } from '../support/server.ts';

test('at a terminal of 80 columns the QR code fits, and after a mistyped code it asks again, with the same secret', async (t) => {
  if (!terminalInstalled) {
    t.skip('script is not installed');
    return;
  }
  const server = await TestServer.start();
  t.after(() => server.close());
  const account = await server.createAccount('a-name-that-is-as-long-as-a-user-name-may-be'.padEnd(64, '-x'));
  const command = `stty cols 80; ${curfewCommand('accounts', 'totp', account.id)}`;
  const terminal = new AtTerminal(command, { CURFEW_URL: server.url, CURFEW_TOKEN: server.key });
  t.after(() => terminal.kill());
  await terminal.prompt('The code that it shows');
  const [, secret] = /type in the secret: ([A-Z2-7]+)/.exec(terminal.printed)!;
  // Six digits that are wrong for this secret.
  const now = Date.now();
  const near = [-1, 0, 1].map((step) => totpCode(secret!, now + step * 30_000));
  terminal.type(['000000', '111111', '222222', '333333'].find((code) => !near.includes(code))!);
  await terminal.prompt('This code is wrong.');
  terminal.type(totpCode(secret!, Date.now()));
  await terminal.ended();
  const seen = terminal.printed;
  assert.match(seen, /The second factor of\s+\S+\s+is\s+enrolled/);
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
  const terminal = new AtTerminal(curfewCommand('accounts', 'totp'), { CURFEW_URL: server.url, CURFEW_TOKEN: token });
  t.after(() => terminal.kill());
  await terminal.prompt(`Your password (for ${server.url}):`);
  assert.doesNotMatch(terminal.printed, /type in the secret/);
  terminal.type('ada password');
  await terminal.prompt('The code that it shows');
  const [, secret] = /type in the secret: ([A-Z2-7]+)/.exec(terminal.printed)!;
  terminal.type(totpCode(secret!, Date.now()));
  await terminal.ended();
  assert.match(terminal.printed, /The second factor of ada is enrolled/);
});

test('the server that a password or a code goes to is named before it is asked for', async (t) => {
  if (!terminalInstalled) return t.skip('script is not installed');
  const server = await TestServer.start();
  t.after(() => server.close());
  const ada = await server.createAccount('ada');
  const authenticator = await server.enrol(ada.id);
  const home = temporaryFolder();
  t.after(home.remove);
  const terminal = new AtTerminal(curfewCommand('login', '--url', server.url), { XDG_CONFIG_HOME: home.path });
  t.after(() => terminal.kill());
  await terminal.prompt(`User name (for ${server.url}):`);
  terminal.type('ada');
  await terminal.prompt(`Password (for ${server.url}):`);
  terminal.type('ada password');
  await terminal.prompt('Code from your authenticator, or a backup code');
  assert.match(terminal.printed.split('Code from')[1]!, new RegExp(`\\(for\\s+${server.url}\\):`));
  terminal.type(authenticator.next());
  await terminal.ended();
  assert.match(terminal.printed, /Signed in to http:\/\/127\.0\.0\.1:\d+ as ada/);
});
