import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import consumers from 'node:stream/consumers';
import { after, before, describe, type TestContext, test } from 'node:test';
import { defaultUrl } from '../../src/cli/context.ts';
import type { SessionId } from '../../src/domain/brand.ts';
import { parseToken } from '../../src/domain/tokens.ts';
import { AtTerminal, curfewCommand, terminalInstalled } from '../support/at-terminal.ts';
import { runCli } from '../support/process.ts';
import { adminPassword, TestServer } from '../support/server.ts';

/** A folder for what logins keep, which may have kept something there already. */
function keptHome(t: TestContext, credentials?: object): string {
  const home = mkdtempSync(join(tmpdir(), 'curfew-home-'));
  t.after(() => rmSync(home, { recursive: true }));
  mkdirSync(join(home, 'curfew'));
  if (credentials) writeFileSync(join(home, 'curfew', 'credentials.json'), JSON.stringify(credentials));
  return home;
}

function keptToken(home: string): string {
  return JSON.parse(readFileSync(join(home, 'curfew', 'credentials.json'), 'utf8')).token;
}

describe('the command line', () => {
  let server: TestServer;
  const home = mkdtempSync(join(tmpdir(), 'curfew-home-'));
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.close());

  const env = () => ({ CURFEW_URL: server.url, CURFEW_API_KEY: server.key, XDG_CONFIG_HOME: home, NO_COLOR: '1' });
  const run = (...args: string[]) => runCli(args, env());
  const json = async (...args: string[]) => {
    const { code, out, err } = await run('--json', ...args);
    assert.equal(code, 0, err);
    return JSON.parse(out);
  };

  test('sessions are listed as a table for people and as JSON for programs', async () => {
    assert.match((await run('sessions', 'list')).out, /^No active sessions yet\.$/m);
    await server.createSession('ada', { accessGroups: ['staff'], userAgent: 'curl/8.5.0', ip: '203.0.113.7' });
    await server.createSession('evil\u0085\u009b31m', {});
    const { out, code } = await run('sessions', 'list');
    assert.equal(code, 0);
    assert.match(out, /^ID +USER +STATUS +DEVICE +ADDRESS +LAST SEEN +GROUPS$/m);
    assert.match(out, /^\w{22} {2}ada +active +curl 8 +203\.0\.113\.7 +(now|\d+ s ago) +staff$/m);
    assert.match(out, /^2 sessions\.$/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: checks that there are none
    assert.doesNotMatch(out, /[\u0080-\u009f\u001b]/, 'a user’s name controls the terminal');
    const listed = await json('sessions', 'list', '--user', 'ada');
    assert.deepEqual([listed.sessions.length, listed.total], [1, 1]);
    assert.match((await run('sessions', 'list', '--user', 'nobody')).out, /^No active sessions match\.$/m);
    assert.match((await run('sessions', 'list', '-n', '1')).out, /More: --all, or --cursor \S+/);
    assert.equal((await json('sessions', 'list', '--all')).sessions.length, 2);
  });

  test('N6.12: no text from others can control the terminal or reverse its direction of writing', async () => {
    const evil = 'eve\u202enimda\u2066\u200f\u061c\u2028\u009b31m\u007f';
    // biome-ignore lint/suspicious/noControlCharactersInRegex: checks that there are none
    const steering = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
    const shown = evil.replace(/[\u007f\u009b]/g, '');
    const { session } = await server.createSession(shown, { userAgent: evil });
    for (const args of [
      ['sessions', 'list'],
      ['sessions', 'get', session.id],
      ['accounts', 'disable', evil],
      ['sessions', 'end', '--user', shown],
      ['--json', 'sessions', 'get', session.id],
      ['--json', 'accounts', 'disable', evil],
    ]) {
      const { out, err } = await run(...args);
      assert.doesNotMatch(out + err, steering, args.join(' '));
    }
    const { session: read } = await json('sessions', 'get', session.id);
    assert.deepEqual([read.userId, read.userAgent], [shown, evil]);
    await server.call('DELETE', `/v1/sessions/${session.id}`);
  });

  test('a session is shown and ended; several only after a confirmation that states their number', async () => {
    const opened = await Promise.all(['a', 'b', 'c'].map(() => server.createSession('grace', { name: undefined })));
    const ids = opened.map(({ session }) => session.id);
    assert.match((await run('sessions', 'get', ids[0]!)).out, /^user +grace$/m);
    const one = await run('sessions', 'end', ids[0]!);
    assert.match(
      one.out,
      /Session \w{22} of grace has ended at .*: ended_by_admin\.\nIn force everywhere, on 1 server, after \d+ ms/,
    );
    const unasked = await run('sessions', 'end', ids[1]!, ids[2]!);
    assert.deepEqual([unasked.code, unasked.out], [2, '']);
    assert.match(unasked.err, /This ends 2 sessions\. Continue\? There is no terminal to ask at: repeat with --yes\./);
    assert.equal((await server.verify(opened[1]!.token)).active, true);
    const some = await run('--yes', 'sessions', 'end', ids[1]!, '0'.repeat(22), ids[2]!);
    assert.equal(some.code, 1);
    assert.match(some.out, /^2 sessions ended\.\n0{22}: There is no such session/);
    const named = await server.createSession('grace', { name: 'desk' });
    assert.match((await run('sessions', 'end', '--name', 'desk')).out, /has ended/);
    assert.equal((await server.verify(named.token)).active, false);
    assert.equal((await run('sessions', 'end')).code, 2);
  });

  test('N8.24: a token and the secret of an authenticator may come from standard input', async () => {
    for (const secret of ['token', 'refreshToken'] as const) {
      const opened = await server.createSession('grace', { name: undefined });
      const flag = secret === 'token' ? '--session-token' : '--refresh-token';
      const { code, err } = await runCli(['sessions', 'end', flag, '-'], env(), `${opened[secret]}\n`);
      assert.deepEqual([code, err], [0, '']);
      assert.equal((await server.verify(opened.token)).active, false, secret);
    }
    const [secret, at] = ['JBSWY3DPEHPK3PXP', '59'];
    const { out } = await runCli(['totp', '-', '--at', at], env(), `${secret}\n`);
    assert.equal(out, (await run('totp', secret, '--at', at)).out);
    assert.match(out, /^\d{6}\n$/);
  });

  test('the sessions that match are counted, and these are ended after a confirmation that states their number', async () => {
    const opened = await Promise.all(
      ['mona', 'mona', 'nina'].map((userId) => server.createSession(userId, { accessGroups: ['night'] })),
    );
    const asked = await run('sessions', 'end', '--group', 'night');
    assert.deepEqual(
      [asked.code, /This ends 3 sessions of 2 users\. Continue\?/.test(asked.err)],
      [2, true],
      asked.err,
    );
    const active = async () =>
      (await Promise.all(opened.map(({ token }) => server.verify(token)))).map((verdict) => verdict.active);
    assert.deepEqual(await active(), [true, true, true]);
    const [kept] = opened;
    const end = (...args: string[]) => run('--yes', 'sessions', 'end', ...args);
    const some = await end('--group', 'night', '--except', kept!.session.id);
    assert.match(some.out, /^2 sessions ended\.\nIn force everywhere/);
    assert.deepEqual(await active(), [true, false, false]);
    assert.equal((await json('--yes', 'sessions', 'end', '--user', 'mona', '--filter', 'NIGHT')).ended, 1);
    const none = await end('--group', 'night');
    assert.deepEqual([none.code, none.out], [4, '']);
    for (const wrong of [
      ['--group', 'night', 'some-id'],
      ['some-id', '--except', 'other'],
      ['--group', 'a', '--name', 'b'],
    ]) {
      assert.equal((await end(...wrong)).code, 2, wrong.join(' '));
    }
    const byKey = await end('--group', 'night', '--except', 'current');
    assert.match(byKey.err, /--except current needs a session/);
  });

  test('ending all sessions of a user, all but one, and everybody’s', async () => {
    const opened = await Promise.all(['a', 'b', 'c'].map(() => server.createSession('alan')));
    const asked = await run('sessions', 'end-all', '--user', 'alan');
    assert.deepEqual([asked.code, asked.err.includes('This ends 3 sessions of user alan.')], [2, true]);
    const kept = opened[1]!;
    const some = await run('--yes', 'sessions', 'end-all', '--user', 'alan', '--except', kept.session.id);
    assert.match(some.out, /^2 sessions of user alan have ended\.\nIn force everywhere/);
    assert.equal((await server.verify(kept.token)).active, true);
    const keep = (id: string) => run('sessions', 'end-all', '--user', 'alan', '--except', id);
    const [stranger, ended] = [await server.createSession('grace'), opened[0]!];
    for (const [id, why] of [
      [stranger.session.id, 'it is one of grace, not of user alan'],
      [ended.session.id, 'it has ended'],
    ] as const) {
      const { code, err } = await keep(id);
      assert.deepEqual([code, err.includes(why), err.includes('Continue?')], [1, true, false], err);
    }
    const everybody = await run('sessions', 'end-all', '--everyone');
    assert.match(everybody.err, /This ends \d+ sessions?: everybody is signed out\./);
    assert.ok((await json('--yes', 'sessions', 'end-all', '--everyone')).ended >= 1);
    assert.equal((await server.verify(kept.token)).active, false);
    assert.equal((await run('sessions', 'end-all')).code, 2);
  });

  const suspend = async (id: SessionId, suspended: boolean) => {
    const { store } = server.context;
    const { version } = (await store.readSession(id))!.stored;
    const change = { id, version, set: { suspended }, logged: true, now: Date.now() };
    assert.equal((await store.changeSession(change)).kind, 'changed');
  };

  test('the number of sessions to end includes those that are suspended, which end too', async () => {
    const opened = await Promise.all(['a', 'b', 'c'].map(() => server.createSession('edsger')));
    await suspend(opened[0]!.session.id, true);
    const everybody = async () => {
      const { err } = await run('sessions', 'end-all', '--everyone');
      return Number(/This ends (\d+) sessions?: everybody/.exec(err)?.[1]);
    };
    const before = await everybody();
    const asked = await run('sessions', 'end-all', '--user', 'edsger');
    assert.match(asked.err, /This ends 3 sessions of user edsger\./);
    for (const { session } of opened.slice(0, 2)) {
      const all = await run('sessions', 'end-all', '--user', 'edsger', '--except', session.id);
      assert.match(all.err, /This ends 2 sessions of user edsger\./);
    }
    const done = await run('--yes', 'sessions', 'end-all', '--user', 'edsger');
    assert.match(done.out, /^\d sessions of user edsger have ended\./);
    assert.equal(await everybody(), before - 3);
    const only = await server.createSession('edsger');
    await suspend(only.session.id, true);
    const last = await run('--yes', 'sessions', 'end-all', '--user', 'edsger');
    assert.deepEqual([last.code, last.err], [0, '']);
    assert.equal((await server.call('GET', `/v1/sessions/${only.session.id}`)).body.session.status, 'ended');
    assert.equal((await run('--yes', 'sessions', 'end-all', '--user', 'edsger')).code, 4);
  });

  test('groups are added and removed', async () => {
    const { token } = await server.createSession('barbara');
    assert.match((await run('groups', 'add', 'barbara', 'staff', 'night')).out, /^1 session of user barbara changed\./);
    await run('groups', 'remove', 'barbara', 'night');
    assert.deepEqual((await server.verify(token)).session.accessGroups, ['staff']);
  });

  test('accounts and keys', async () => {
    const made = await json('accounts', 'add', 'donald', '--role', 'support', '--random-password', '--name', 'D. K.');
    assert.equal((await server.login('donald', made.password)).status, 200);
    assert.match((await run('accounts', 'list')).out, /donald +support +password only +(now|\d+ s ago)/);
    const totp = await json('accounts', 'totp', 'donald');
    assert.match(totp.url, /^otpauth:/);
    const code = (await run('totp', totp.secret)).out.trim();
    assert.match(code, /^\d{6}$/);
    assert.equal((await server.call('POST', `/v1/accounts/${totp.id}/totp/confirm`, { code })).status, 200);
    assert.match((await run('--yes', 'accounts', 'totp', 'donald', '--remove')).out, /has been removed/);
    assert.match((await run('--yes', 'accounts', 'disable', 'donald')).out, /has been disabled/);
    assert.equal((await server.login('donald', made.password)).status, 401);
    assert.match((await run('accounts', 'enable', 'donald')).out, /has been enabled/);
    assert.match((await run('accounts', 'disable', 'nobody')).err, /There is no account "nobody"/);

    const key = await json('keys', 'create', 'reader', '--scope', 'sessions.read');
    assert.ok(parseToken('key', key.token));
    assert.match((await run('keys', 'list')).out, /reader +valid +(now|\d+ s ago) +never +sessions\.read/);
    assert.match((await run('--yes', 'keys', 'revoke', key.key.id)).out, /reader is revoked\.\nIn force everywhere, /);
    assert.deepEqual((await json('keys', 'create', 'web', '--browser')).key.scopes, []);
    assert.match((await run('keys', 'list')).out, /web +valid +(now|\d+ s ago) +never +none: for browsers/);
    assert.match((await run('keys', 'create', 'web')).err, /Give the key scopes, or --browser/);
    assert.ok(parseToken('key', (await run('keys', 'make')).out.trim()));
  });

  test('a key is rotated: another one with its name and scopes, and the first is revoked at once or later', async () => {
    const scopes = ['sessions.read', 'sessions.verify'];
    const first = await json('keys', 'create', 'rotated', '--scope', ...scopes);
    const second = await json('keys', 'rotate', first.key.id);
    assert.deepEqual([second.key.name, second.key.scopes, second.revoked], ['rotated', scopes, undefined]);
    const works = async (token: string) => (await server.call('GET', '/v1/sessions', undefined, { as: token })).status;
    assert.deepEqual([await works(first.token), await works(second.token)], [200, 200]);
    const { out } = await run('--yes', 'keys', 'rotate', second.key.id, '--revoke');
    const [token] = /cfk_\w+/.exec(out)!;
    assert.match(out, /The other key is revoked\.\nIn force everywhere, /);
    assert.deepEqual([await works(first.token), await works(second.token), await works(token)], [200, 401, 200]);
    assert.match(
      (await run('keys', 'rotate', first.key.id)).out,
      new RegExp(`\`curfew keys revoke ${first.key.id}\`\n$`),
    );
    assert.match((await run('keys', 'rotate', second.key.id)).err, /rotated is revoked; create a new one/);
  });

  test('a user whose id has no place in a path is treated like any other', async () => {
    for (const userId of ['..', 'a/../b']) {
      const [{ token }] = [await server.createSession(userId), await server.createSession(userId)];
      const added = await run('groups', 'add', userId, 'staff');
      assert.ok(added.out.startsWith(`2 sessions of user ${userId} changed.`), added.out);
      assert.deepEqual((await server.verify(token)).session.accessGroups, ['staff']);
      const asked = await run('sessions', 'end-all', '--user', userId);
      assert.ok(asked.err.includes(`This ends 2 sessions of user ${userId}.`), asked.err);
      const ended = await run('--yes', 'sessions', 'end-all', '--user', userId);
      assert.ok(ended.out.startsWith(`2 sessions of user ${userId} have ended.`), ended.out);
    }
  });

  test('N7.9: the session of a login is sent only to the server that it was kept for', async (t) => {
    const own = mkdtempSync(join(tmpdir(), 'curfew-home-'));
    const password = `${adminPassword}\n`;
    const login = ['login', '--username', 'admin', '--password-stdin'];
    assert.equal((await runCli(login, { CURFEW_URL: server.url, XDG_CONFIG_HOME: own }, password)).code, 0);
    const shown: unknown[] = [];
    const stranger = createServer((request, response) => {
      shown.push(request.headers.authorization);
      response.writeHead(401, { 'content-type': 'application/json' }).end('{}');
    }).listen(0);
    t.after(() => {
      stranger.close();
      rmSync(own, { recursive: true });
    });
    await once(stranger, 'listening');
    const { port } = stranger.address() as AddressInfo;
    await runCli(['sessions', 'list'], { CURFEW_URL: `http://127.0.0.1:${port}`, XDG_CONFIG_HOME: own });
    assert.deepEqual(shown, [undefined]);
    assert.equal((await runCli(['sessions', 'list'], { XDG_CONFIG_HOME: own })).code, 0);
  });

  test('N7.9: a token that was given is not sent to the server of a login, which it may not be for', async (t) => {
    const asked: unknown[] = [];
    const stranger = createServer(({ headers }, response) => {
      asked.push(headers.authorization);
      response.writeHead(401, { 'content-type': 'application/json' }).end('{}');
    }).listen(0);
    t.after(() => stranger.close());
    await once(stranger, 'listening');
    const { port } = stranger.address() as AddressInfo;
    const keep = keptHome(t, { url: `http://127.0.0.1:${port}`, token: 'cfs_kept', username: 'ada' });
    const list = ['sessions', 'list', '--limit', '1'];
    const given: [args: string[], env: Record<string, string>][] = [
      [[...list, '--token', server.key], {}],
      [list, { CURFEW_API_KEY: server.key }],
      [list, { CURFEW_TOKEN: server.key }],
      [['doctor'], { CURFEW_API_KEY: server.key }],
    ];
    for (const [args, variables] of given) {
      await runCli(args, { XDG_CONFIG_HOME: keep, CURFEW_PORT: new URL(server.url).port, ...variables });
      assert.deepEqual(asked, [], args.join(' '));
    }
    const own = await runCli(list, { XDG_CONFIG_HOME: keep, CURFEW_TOKEN: '' });
    assert.deepEqual([own.code, asked], [1, ['Bearer cfs_kept']], 'the kept token goes there');
    const named = await runCli(list, { XDG_CONFIG_HOME: keep, CURFEW_API_KEY: server.key, CURFEW_URL: server.url });
    assert.equal(named.code, 0, named.err);
  });

  test('7.2.4: a login ends the session of the one before, at the same server and at another one', async (t) => {
    const other = await TestServer.start();
    t.after(() => other.close());
    const own = keptHome(t);
    const login = async (at: string) => {
      const args = ['login', '--username', 'admin', '--password-stdin', '--url', at];
      const { code, err } = await runCli(args, { XDG_CONFIG_HOME: own }, `${adminPassword}\n`);
      return { code, err, token: keptToken(own) };
    };
    const first = await login(server.url);
    const second = await login(server.url);
    assert.deepEqual([first.code, second.code, first.err + second.err], [0, 0, '']);
    assert.deepEqual(await server.verify(first.token), { active: false, reason: 'replaced' });
    assert.equal((await server.verify(second.token)).active, true);
    const third = await login(other.url);
    assert.deepEqual([third.code, third.err], [0, '']);
    assert.deepEqual(await server.verify(second.token), { active: false, reason: 'logout' });
    assert.equal((await other.verify(third.token)).active, true);
    await other.leave();
    const fourth = await login(server.url);
    const { port } = new URL(other.url);
    assert.equal(fourth.code, 0, fourth.err);
    assert.match(
      fourth.err,
      new RegExp(`^Your session at http://127\\.0\\.0\\.1:${port} stays, because .*ECONNREFUSED\\.\n$`),
    );
    assert.equal((await server.verify(fourth.token)).active, true);
  });

  test('a login that fails ends nothing, and one with a kept session that has ended is like any other', async (t) => {
    const own = keptHome(t);
    const login = (password: string) => {
      const args = ['login', '--username', 'admin', '--password-stdin', '--url', server.url];
      return runCli(args, { XDG_CONFIG_HOME: own }, `${password}\n`);
    };
    assert.equal((await login(adminPassword)).code, 0);
    const token = keptToken(own);
    assert.equal((await login('wrong')).code, 1);
    assert.deepEqual([keptToken(own), (await server.verify(token)).active], [token, true]);
    await server.call('POST', '/v1/logout', undefined, { as: token });
    assert.equal((await login(adminPassword)).code, 0);
    assert.equal((await server.verify(keptToken(own))).active, true);
  });

  test('a logout that could not end the session fails, and keeps the login', async (t) => {
    const own = keptHome(t);
    const login = ['login', '--username', 'admin', '--password-stdin', '--url', server.url];
    assert.equal((await runCli(login, { XDG_CONFIG_HOME: own }, `${adminPassword}\n`)).code, 0);
    const token = keptToken(own);
    const { id } = (await server.verify(token)).session;
    await suspend(id, true);
    const { code, err } = await runCli(['logout'], { XDG_CONFIG_HOME: own });
    assert.equal(code, 1);
    assert.match(err, /The session is suspended/);
    assert.equal(keptToken(own), token);
    await suspend(id, false);
    assert.equal((await runCli(['logout'], { XDG_CONFIG_HOME: own })).code, 0);
    assert.deepEqual(await server.verify(token), { active: false, reason: 'logout' });
  });

  test('a login is readable only by its owner, used, and deleted at logout', async () => {
    const login = await runCli(
      ['login', '--username', 'admin', '--password-stdin'],
      { CURFEW_URL: server.url, XDG_CONFIG_HOME: home, NO_COLOR: '1' },
      `${adminPassword}\n`,
    );
    assert.equal(login.code, 0, login.err);
    assert.match(login.out, /Signed in to http:.* as admin/);
    const path = join(home, 'curfew', 'credentials.json');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const { token } = JSON.parse(readFileSync(path, 'utf8'));
    const me = await runCli(['--json', 'accounts', 'list'], { XDG_CONFIG_HOME: home });
    assert.equal(me.code, 0, me.err);
    assert.equal((await runCli(['logout'], { XDG_CONFIG_HOME: home })).code, 0);
    assert.deepEqual(await server.verify(token), { active: false, reason: 'logout' });
    assert.equal((await runCli(['logout'], { XDG_CONFIG_HOME: home })).code, 1);
  });

  test('errors name the remedy; exit codes show the kind of failure', async () => {
    const unknown = await run('sessions', 'get', 'nonsense');
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /^error There is no such session\. .*"nonsense"\.\n {6}→ Check the id/);
    const asJson = await run('--json', 'sessions', 'get', 'nonsense');
    assert.equal(JSON.parse(asJson.err).error.code, 'session_not_found');
    const away = await runCli(['sessions', 'list'], { ...env(), CURFEW_URL: 'http://127.0.0.1:64999' });
    assert.equal(away.code, 3);
    assert.match(away.err, /cannot be reached: ECONNREFUSED\.\n {6}→ Check the URL, and whether the server runs/);
    assert.equal((await run('sessions', 'fly')).code, 2);
    const many = await run('sessions', 'list', '--limit', '1000');
    assert.equal(many.code, 2);
    assert.match(many.err, /option '-n, --limit <number>' argument '1000' is invalid\. It must be a whole number/);
    const wrong = await runCli(['serve'], { ...env(), CURFEW_PORT: 'many' });
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /error A setting is wrong: CURFEW_PORT: "many" must be a whole number/);
    const embedded = await TestServer.start({}, undefined, 'lmdb');
    const inUse = await runCli(['serve'], { ...embedded.env, CURFEW_PORT: '0' });
    await embedded.close();
    assert.match(inUse.err, /error Another process has the store open: Process \d+/);
  });

  test('another program at the URL is reported as such', async () => {
    const { createServer } = await import('node:http');
    const other = createServer((_request, response) => response.end('<html>hello</html>')).listen(0);
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const answer = await runCli(['sessions', 'list'], { ...env(), CURFEW_URL: `http://127.0.0.1:${port}` });
    other.close();
    assert.equal(answer.code, 1);
    assert.match(answer.err, /answered 200, and not as Curfew does/);
  });

  for (const [status, text] of [
    [200, 'null'],
    [200, '{"status":"UP","checks":[{"name":"db","status":"UP"}]}'],
    [200, '{"status":"ready","checks":{"db":null}}'],
    [404, 'Not Found'],
    [503, '<html>Service Unavailable</html>'],
  ] as const) {
    test(`doctor tells a server of Curfew from another program, which gets no credential: ${status} ${text}`, async (t) => {
      const asked: string[] = [];
      const other = createServer(({ url, headers }, response) => {
        asked.push(`${url} ${headers.authorization}`);
        response.writeHead(status, { 'content-type': 'application/json' }).end(text);
      }).listen(0, '127.0.0.1');
      t.after(() => other.close());
      await once(other, 'listening');
      const { port } = other.address() as AddressInfo;
      const { out, code } = await runCli(['doctor'], { ...env(), CURFEW_URL: `http://127.0.0.1:${port}` });
      assert.equal(code, 1);
      assert.match(
        out,
        new RegExp(`✗ server +http://127\\.0\\.0\\.1:\\d+ answers ${status} \\(\\d+ ms\\) and no report`),
      );
      assert.deepEqual(asked, ['/readyz undefined']);
    });
  }

  /** A server before the real one, which answers a call by itself if `answered` says so. */
  async function between(t: TestContext, answered: (asked: string) => [status: number, body: object] | undefined) {
    const proxy = createServer(async (request, response) => {
      const content = await consumers.text(request);
      const own = answered(`${request.method} ${request.url} ${content}`);
      const answer =
        own === undefined
          ? await fetch(server.url + request.url, {
              method: request.method!,
              headers: { authorization: request.headers.authorization!, 'content-type': 'application/json' },
              ...(content && { body: content }),
            })
          : new Response(JSON.stringify(own[1]), { status: own[0] });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(await answer.text());
    }).listen(0, '127.0.0.1');
    t.after(() => proxy.close());
    await once(proxy, 'listening');
    return { ...env(), CURFEW_URL: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  }
  const away = (code: string) => ({ code, title: 'The store does not answer.', detail: 'It is away.' });

  test('if a later call fails, what was ended before it is told, with what was not tried', async (t) => {
    const opened = await Promise.all(['a', 'b', 'c', 'd'].map(() => server.createSession('hopper')));
    const [a, b, c, d] = opened.map(({ session }) => session.id) as [string, string, string, string];
    const failing = await between(t, (asked) =>
      asked.startsWith(`DELETE /v1/sessions/${c}`) ? [503, away('store_unavailable')] : undefined,
    );
    const machine = await runCli(['--yes', '--json', 'sessions', 'end', a, b, '0'.repeat(22), c, d], failing);
    assert.equal(machine.code, 1, machine.err);
    const { failed, ...told } = JSON.parse(machine.out);
    assert.deepEqual(told, { ended: 2, alreadyEnded: 0, notTried: [d] });
    assert.deepEqual(
      failed.map((one: { id: string; code: string }) => [one.id, one.code]),
      [
        ['0'.repeat(22), 'session_not_found'],
        [c, 'store_unavailable'],
      ],
    );
    assert.equal(JSON.parse(machine.err).error.code, 'store_unavailable');
    const people = await runCli(['--yes', 'sessions', 'end', a, c, d], failing);
    assert.equal(people.code, 1);
    assert.match(
      people.out,
      new RegExp(`^0 sessions ended\\.\n1 session had ended before\\.\n${c}: .*\n${d}: not tried\n$`),
    );
    assert.match(people.err, /^error /);
    assert.equal((await server.verify(opened[3]!.token)).active, true);
    // Nothing was done before the first one.
    const first = await runCli(['--yes', 'sessions', 'end', c, d], failing);
    assert.deepEqual([first.code, first.out], [1, '']);
  });

  test('a session that was changed at the same moment does not keep the others from being ended', async (t) => {
    const opened = await Promise.all(['a', 'b'].map(() => server.createSession('hopper')));
    const [a, b] = opened.map(({ session }) => session.id) as [string, string];
    const changing = await between(t, (asked) =>
      asked.startsWith(`DELETE /v1/sessions/${a}`) ? [409, away('changed_meanwhile')] : undefined,
    );
    const { code, out, err } = await runCli(['--yes', '--json', 'sessions', 'end', a, b], changing);
    assert.deepEqual([code, err], [1, '']);
    const { ended, failed, notTried } = JSON.parse(out);
    assert.deepEqual([ended, failed[0].code, notTried], [1, 'changed_meanwhile', undefined]);
    const absent = '0'.repeat(22);
    assert.equal((await runCli(['--yes', 'sessions', 'end', a, absent], changing)).code, 1);
    assert.equal((await runCli(['--yes', 'sessions', 'end', absent, absent], changing)).code, 4);
  });

  test('if a later call fails, what matched and was ended before it is told, with what may be left', async (t) => {
    let calls = 0;
    const receipt = undefined;
    const failing = await between(t, (asked) => {
      if (asked.startsWith('POST /v1/sessions/preview'))
        return [200, { preview: 'p', sessions: 5, users: 1, partial: false }];
      if (!asked.startsWith('POST /v1/sessions/end-previewed')) return undefined;
      calls += 1;
      if (calls % 2 === 0) return [503, away('outcome_unknown')];
      return [200, { counted: 5, ended: 2, alreadyEnded: 1, changed: 0, preview: 'q', receipt }];
    });
    const args = ['sessions', 'end', '--filter', 'x', '--yes'];
    const machine = await runCli([...args, '--json'], failing);
    assert.equal(machine.code, 1, machine.err);
    const { ended, alreadyEnded, failed, notTried } = JSON.parse(machine.out);
    assert.deepEqual([ended, alreadyEnded, failed[0].code, notTried], [2, 1, 'outcome_unknown', 2]);
    assert.equal(JSON.parse(machine.err).error.code, 'outcome_unknown');
    const people = await runCli(args, failing);
    assert.equal(people.code, 1);
    assert.match(
      people.out,
      /^2 sessions ended\.\n1 session had ended before\.\n2 sessions may be left: try again\.\n$/,
    );
  });

  test('ending what matches fails if the count was cut short, because others that match are left', async (t) => {
    await server.createSession('cut-short');
    // The count of a real server is cut short only with very many sessions.
    const between = createServer(async (request, response) => {
      const content = await consumers.text(request);
      const answer = await fetch(server.url + request.url, {
        method: request.method!,
        headers: { authorization: request.headers.authorization!, 'content-type': 'application/json' },
        ...(content && { body: content }),
      });
      const body = await answer.text();
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(body.replace('"partial":false', '"partial":true'));
    }).listen(0, '127.0.0.1');
    t.after(() => between.close());
    await once(between, 'listening');
    const url = `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
    const args = ['sessions', 'end', '--filter', 'cut-short', '--yes'];
    const { code, out } = await runCli(args, { ...env(), CURFEW_URL: url });
    assert.match(out, /1 session ended\.\nThere are more that match, because the count ran out of time: try again\./);
    assert.equal(code, 1);
    await server.createSession('cut-short');
    const machine = await runCli([...args, '--json'], { ...env(), CURFEW_URL: url });
    assert.deepEqual([machine.code, JSON.parse(machine.out).partial], [1, true]);
  });

  test('doctor shows its credential only to the server that it has checked', async (t) => {
    const asked: string[] = [];
    const other = createServer(({ url, headers }, response) => {
      asked.push(`${url} ${headers.authorization}`);
      response.end();
    });
    t.after(() => other.close());
    // The default address, unless a program that the test has not started listens there.
    const listening = new Promise((resolve) => other.once('listening', resolve).once('error', resolve));
    other.listen(Number(new URL(defaultUrl).port), new URL(defaultUrl).hostname);
    await listening;
    const { CURFEW_URL: _, ...local } = env();
    const { out } = await runCli(['doctor'], { ...local, CURFEW_PORT: new URL(server.url).port });
    assert.match(out, /✓ credential +API key /);
    assert.deepEqual(asked, []);
    const kept = mkdtempSync(join(tmpdir(), 'curfew-home-'));
    t.after(() => rmSync(kept, { recursive: true }));
    mkdirSync(join(kept, 'curfew'));
    writeFileSync(
      join(kept, 'curfew', 'credentials.json'),
      JSON.stringify({ url: defaultUrl, token: server.key, username: 'ada' }),
    );
    const { CURFEW_API_KEY: _key, ...without } = local;
    const signedIn = await runCli(['doctor'], {
      ...without,
      XDG_CONFIG_HOME: kept,
      CURFEW_PORT: new URL(server.url).port,
    });
    assert.match(signedIn.out, /! credential /, 'what was kept for one server was sent to another');
    assert.deepEqual(asked, []);
  });

  test('doctor checks this machine and the server', async () => {
    const well = await json('doctor');
    const states = Object.fromEntries(
      well.findings.map(({ check, state }: { check: string; state: string }) => [check, state]),
    );
    assert.deepEqual([states['Node.js'], states['server'], states['credential']], ['ok', 'ok', 'ok']);
    const slash = await runCli(['doctor', '--json', '--url', `${server.url}/`], env());
    assert.deepEqual([slash.code, /answers 200/.test(slash.out)], [0, true], slash.out);
    const { CURFEW_URL: _, ...local } = env();
    const here = await runCli(['doctor', '--json'], { ...local, CURFEW_PORT: new URL(server.url).port });
    assert.ok(here.out.includes(`${server.url} answers 200`), here.out);
    const away = await runCli(['doctor'], { ...env(), CURFEW_URL: 'http://127.0.0.1:64999', CURFEW_PORT: 'x' });
    assert.equal(away.code, 1);
    assert.match(away.out, /✗ settings +A setting is wrong: CURFEW_PORT/);
    assert.match(away.out, /! server +http:\/\/127\.0\.0\.1:64999 does not answer: ECONNREFUSED/);
  });

  test('at a terminal it asks for the second factor, and shows a bar for work that takes over a second', async (t) => {
    if (!terminalInstalled) {
      t.skip('script is not installed');
      return;
    }
    const { body } = await server.login();
    const authenticator = await server.enrol(body.account.id);
    const opened = await Promise.all(Array.from({ length: 3 }, () => server.createSession('leslie')));
    const code = authenticator.next();
    // The sign-in above preceded the factor, so none is remembered for this session.
    const command = curfewCommand('sessions', 'end', opened[0]!.session.id);
    const terminal = new AtTerminal(command, { CURFEW_URL: server.url, CURFEW_TOKEN: body.token });
    await terminal.prompt('Code from your authenticator');
    terminal.type(code);
    await terminal.ended();
    assert.match(terminal.printed, /Session \w{22} of leslie has ended/);
    assert.equal((await server.verify(opened[0]!.token)).active, false);
  });
});
