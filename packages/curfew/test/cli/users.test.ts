import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCli } from '../support/process.ts';
import { type Json, TestServer } from '../support/server.ts';

describe('users at the command line', () => {
  let server: TestServer;
  let olga: Json;
  const home = mkdtempSync(join(tmpdir(), 'curfew-home-'));
  before(async () => {
    server = await TestServer.start();
    olga = await server.createAccount('olga', { email: 'olga@example.com', roles: ['support'] });
  });
  after(async () => {
    await server.close();
    rmSync(home, { recursive: true });
  });

  const run = (...args: string[]) => runAs(server.key, ...args);
  const runAs = (token: string, ...args: string[]) =>
    runCli(args, { CURFEW_URL: server.url, CURFEW_TOKEN: token, XDG_CONFIG_HOME: home, NO_COLOR: '1' });
  const endAll = (...args: string[]) => run('--yes', 'sessions', 'end-all', ...args);
  const signIn = async (): Promise<Json> => (await server.login('olga', 'olga password')).body;

  test('wherever a command takes a user, it accepts an account’s user name, address or id', async () => {
    const { token, session } = await signIn();
    const listed = await run('sessions', 'list', '--user', 'Olga');
    assert.match(listed.out, new RegExp(`^${session.id} +olga \\(${olga.id}\\) +active`, 'm'));
    assert.match(listed.out, new RegExp(`^1 session of account olga \\(${olga.id}\\)\\.$`, 'm'));
    const changed = await run('groups', 'add', 'olga@example.com', 'staff');
    assert.match(changed.out, new RegExp(`^1 session of account olga \\(${olga.id}\\) changed\\.`));
    assert.deepEqual((await server.verify(token)).session.accessGroups, ['staff']);
    const ended = await endAll('--user', olga.id);
    assert.match(
      ended.out,
      new RegExp(`^1 session of account olga \\(${olga.id}\\) has ended\\.\nIn force everywhere`),
    );
    assert.deepEqual([ended.code, (await server.verify(token)).active], [0, false]);
  });

  test('ending nothing is not a success: it names the user, and has its own exit code, which --help explains', async () => {
    const nobody = await endAll('--user', 'nobody');
    assert.deepEqual([nobody.code, nobody.out], [4, '']);
    assert.match(
      nobody.err,
      /^error No user with the id "nobody" has a session to end, and no account is called that\./,
    );
    const active = await run('sessions', 'list', '--user', 'nobody', '--status', 'active');
    assert.match(active.out, /No user with the id "nobody" has an active session/);
    const groups = await run('groups', 'remove', 'nobody', 'staff');
    assert.equal(groups.code, 4);
    assert.match(groups.err, /No user with the id "nobody" has a live session, and no account is called that\./);
    const session = await run('sessions', 'end', 'olga');
    assert.equal(session.code, 4);
    assert.match(
      session.err,
      /No session has the id "olga"\.\n.*`curfew sessions end-all --user <user>` ends all sessions of a user/,
    );
    assert.match((await run('--help')).out, /4 there was\s+nothing to end or to change/);
  });

  test('changing nothing is a success if the groups are already as requested', async () => {
    await server.createSession('vera', { accessGroups: ['staff'] });
    const again = await run('groups', 'add', 'vera', 'staff');
    const unchanged = /^No change: the access groups of the sessions of user vera are already as requested\.\nIn force/;
    assert.deepEqual([again.code, unchanged.test(again.out)], [0, true], again.err);
    const removed = await run('groups', 'remove', 'vera', 'night');
    assert.deepEqual([removed.code, unchanged.test(removed.out)], [0, true], removed.err);
    const one = (await server.createSession('vera', {})).session.id;
    const ofOne = await run('groups', 'remove', 'vera', 'night', '--session', one);
    assert.deepEqual(
      [ofOne.code, ofOne.out.startsWith(`No change: the access groups of the session ${one} are`)],
      [0, true],
    );
    const ofNone = await run('groups', 'remove', 'vera', 'night', '--session', '0'.repeat(22));
    assert.deepEqual([ofNone.code, /no such session, or it has ended/.test(ofNone.err)], [4, true], ofNone.err);
  });

  test('ending a session again is a success that shows its first end; so are a second revocation and disabling', async () => {
    const open = async () => (await server.createSession('wanda', {})).session.id;
    const [id, other] = [await open(), await open()];
    const first = await run('sessions', 'end', id);
    const when = /has ended at (\S+): ended_by_admin\./.exec(first.out)?.[1];
    assert.ok(when, first.out);
    const again = await run('sessions', 'end', id);
    assert.equal(again.code, 0, again.err);
    assert.ok(again.out.includes(`Session ${id} of wanda had already ended at ${when}: ended_by_admin.`), again.out);
    const both = await run('--yes', 'sessions', 'end', id, other);
    assert.deepEqual([both.code, both.out], [0, '1 session ended.\n1 session had ended before.\n'], both.err);
    const none = await run('--yes', '--json', 'sessions', 'end', id, other);
    assert.deepEqual([none.code, JSON.parse(none.out)], [0, { ended: 0, alreadyEnded: 2, failed: [] }]);

    const { key } = (await server.call('POST', '/v1/keys', { name: 'twice', scopes: ['sessions.read'] })).body;
    const revoke = () => run('--yes', 'keys', 'revoke', key.id);
    assert.match((await revoke()).out, /^API key twice is revoked\./);
    const revoked = await revoke();
    assert.deepEqual([revoked.code, /^API key twice had already been revoked at \S+\.\n/.test(revoked.out)], [0, true]);
    await server.createAccount('walter');
    assert.match((await run('--yes', 'accounts', 'disable', 'walter')).out, /^Account walter has been disabled\./);
    const disabled = await run('--yes', 'accounts', 'disable', 'walter');
    assert.deepEqual([disabled.code, /^Account walter was already disabled\./.test(disabled.out)], [0, true]);
    const factor = await run('--yes', 'accounts', 'totp', 'walter', '--remove');
    assert.deepEqual([factor.code, /Account walter has no second factor to remove\./.test(factor.err)], [4, true]);
  });

  test('a name that is also another user’s id ends nobody’s session; the account’s id, or --exact, makes it clear', async () => {
    const twin = await server.createAccount('twin');
    const [account, other] = [(await server.login('twin', 'twin password')).body, await server.createSession('twin')];
    const active = async () => [(await server.verify(account.token)).active, (await server.verify(other.token)).active];
    const unclear = await endAll('--user', 'twin');
    assert.equal(unclear.code, 2);
    assert.match(
      unclear.err,
      new RegExp(`"twin" is the account twin \\(${twin.id}\\), and also the id of another user`),
    );
    assert.deepEqual(await active(), [true, true]);
    assert.match((await endAll('--user', 'twin', '--exact')).out, /^1 session of user twin has ended\./);
    assert.deepEqual(await active(), [true, false]);
    await endAll('--user', twin.id);
    assert.deepEqual(await active(), [false, false]);
  });

  test('an id means its account, whatever the names of others are', async () => {
    const mallory = await server.createAccount('mallory');
    await server.createAccount(mallory.id.toLowerCase());
    const disabled = await run('--yes', 'accounts', 'disable', mallory.id);
    assert.equal(disabled.code, 0, disabled.err);
    const { body } = await server.call('GET', `/v1/accounts/${mallory.id}`);
    assert.equal(body.account.disabled, true);
  });

  test('a name is not resolved to an account if the credential cannot check whether it is also a user’s id', async () => {
    await server.createAccount('ceo-7');
    const scopes = ['groups.change', 'accounts.manage'];
    const { body } = await server.call('POST', '/v1/keys', { name: 'groups', scopes });
    const { code, err } = await runAs(body.token, 'groups', 'add', 'ceo-7', 'finance');
    assert.equal(code, 2);
    assert.match(err, /perhaps also the id of another user: this credential lacks the permission sessions\.read/);
  });

  test('without the permission to see accounts only one’s own name and ids work; the output says that names were not looked up', async () => {
    const { token } = await signIn();
    assert.match((await runAs(token, 'sessions', 'list', '--user', 'olga')).out, /^1 session of account olga/m);
    const other = await server.createSession('zoe');
    assert.match(
      (await runAs(token, 'sessions', 'list', '--user', 'zoe')).out,
      new RegExp(`^${other.session.id} +zoe`, 'm'),
    );
    const unknown = await runAs(token, 'sessions', 'list', '--user', 'admin');
    assert.match(
      unknown.out,
      /Accounts could not be looked up by name: this credential lacks the permission accounts\.manage/,
    );
  });

  test('the session that the command uses is marked, and --except current spares it', async () => {
    const [here, there] = [await signIn(), await signIn()];
    const listed = await runAs(here.token, 'sessions', 'list', '--user', 'olga');
    assert.match(listed.out, new RegExp(`^${here.session.id} .* current `, 'm'));
    assert.match(listed.out, new RegExp(`^${there.session.id} .* active `, 'm'));
    const ended = await runAs(here.token, '--yes', 'sessions', 'end-all', '--user', 'olga', '--except', 'current');
    assert.equal(ended.code, 0, ended.err);
    assert.equal((await server.verify(here.token)).active, true);
    assert.equal((await server.verify(there.token)).active, false);
    const byKey = await endAll('--user', 'olga', '--except', 'current');
    assert.deepEqual([byKey.code, /--except current needs a session/.test(byKey.err)], [2, true]);
    assert.equal((await server.verify(here.token)).active, true);
  });
});
