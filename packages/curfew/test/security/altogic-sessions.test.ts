import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeKey } from '../../src/authority/keys.ts';
import { day, minute, second } from '../../src/domain/limits.ts';
import { readSettings } from '../../src/start/config.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { whileFailing } from '../support/hostile.ts';
import { readPage } from '../support/pages.ts';
import { manualClock, random } from '../support/ports.ts';
import { startProcess } from '../support/process.ts';
import { type Answer, adminPassword, type Json, TestServer } from '../support/server.ts';

type After = { after(done: () => Promise<void>): void };
const base = '/_api/rest/v1/auth';
const ada = { email: 'ada@example.com', password: 'ada password' };

/** A server with Ada's account, on a clock that the test sets, with helpers for a client's calls. */
async function start(t: After, env: Record<string, string> = {}) {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  const server = await TestServer.start(env, clock);
  t.after(() => server.close());
  const account = await server.createAccount('ada', { email: ada.email });
  const call = (method: string, path: string, body?: unknown, session = '', headers: Record<string, string> = {}) =>
    server.call(method, base + path, body, {
      as: '',
      headers: { 'x-client-key': server.key, ...(session && { session }), ...headers },
    });
  const signIn = async (session = '', headers: Record<string, string> = {}): Promise<string> => {
    const answer = await call('POST', '/signin-email', ada, session, headers);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body.session.token;
  };
  const sessions = async (): Promise<Json[]> => (await server.call('GET', '/v1/sessions?limit=100')).body.sessions;
  return { clock, server, account, call, signIn, sessions };
}

const codeOf = ({ status, body }: Answer) => [status, body.errors?.[0].code];
const over = [401, 'invalid_session_token'];

describe('sessions: Altogic', () => {
  test('7.1.1, 7.1.3: the page states the configured lifetimes, and who ends what', () => {
    const { settings } = readSettings({});
    const page = readPage('docs/altogic.md').split('## Lifetimes, and who ends what\n')[1]!;
    const stated = `at most ${settings.absolute / day} days, and ${settings.idle / day} days without activity`;
    assert.ok(page.includes(stated), stated);
    for (const name of ['CURFEW_ABSOLUTE', 'CURFEW_IDLE', 'it is ended by']) assert.ok(page.includes(name), name);
  });

  test('7.2.1: nothing that a client makes up is accepted: a session object, an id, claims, cookies', async (t) => {
    const { server, account, call, signIn } = await start(t);
    const token = await signIn();
    const { session } = await server.verify(token);
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const claims = Buffer.from(JSON.stringify({ userId: account.id, sub: account.id })).toString('base64url');
    const made = [session.id, account.id, JSON.stringify({ userId: account.id, token }), `${none}.${claims}.`];
    for (const text of made) assert.deepEqual(codeOf(await call('GET', '/user', undefined, text)), over);
    const cookies = { cookie: `session_token=${token}; __Host-curfew=${token}` };
    assert.deepEqual(codeOf(await call('POST', '/signout-all', {}, '', cookies)), [401, 'missing_session_token']);
    const eve = await server.createSession('eve');
    const told = await call('GET', `/user?userId=${account.id}`, undefined, eve.token, { 'x-user-id': account.id });
    assert.equal(told.body._id, 'eve');
    assert.equal((await call('POST', '/signout-all', { userId: account.id }, eve.token)).status, 200);
    assert.equal((await server.verify(token)).active, true);
  });

  test('7.2.4: signing in again gives a new token and ends the previous one; a failed sign-in ends nothing', async (t) => {
    const { server, call, signIn } = await start(t);
    const first = await signIn();
    assert.equal((await call('POST', '/signin-email', { ...ada, password: 'wrong' }, first)).status, 400);
    assert.equal((await server.verify(first)).active, true);
    const second = await signIn(first);
    assert.notEqual(first, second);
    assert.deepEqual(await server.verify(first), { active: false, reason: 'replaced' });
  });

  test('N3.6: a list of very many sessions is bounded, and includes the caller’s own', async (t) => {
    const { clock, server, account, call, signIn } = await start(t);
    const token = await signIn();
    const own = (await server.verify(token)).session.id;
    const opened = async (count: number) => {
      clock.advance(second);
      for (let i = 0; i < count; i += 100) {
        await Promise.all(Array.from({ length: 100 }, () => server.createSession(account.id)));
      }
    };
    const listed = async () => {
      const { body } = await call('GET', '/sessions', undefined, token);
      return body.map((session: Json) => session.token);
    };
    await opened(900);
    const all = await listed();
    assert.deepEqual([all.length, new Set(all).size, all.at(-1)], [901, 901, own]);
    await opened(200);
    const most = await listed();
    assert.deepEqual([most.length, new Set(most).size, most.at(-1)], [1000, 1000, own]);
    assert.ok(
      most.slice(0, 200).every((id: string) => !all.includes(id)),
      'the newest come first',
    );
  });

  test('CVE-2026-7507: a session from before the sign-in is never used after it', async (t) => {
    const { server, call, signIn } = await start(t);
    const planted = await server.createSession('eve');
    const token = await signIn(planted.token);
    assert.notEqual((await server.verify(token)).session.id, planted.session.id);
    assert.deepEqual(codeOf(await call('GET', '/user', undefined, planted.token)), over);
  });

  test('7.3.1: the idle limit holds to the second', async (t) => {
    const { clock, call, signIn } = await start(t, { CURFEW_IDLE: '1h' });
    const token = await signIn();
    clock.advance(60 * minute - second);
    assert.equal((await call('GET', '/user', undefined, token)).status, 200);
    clock.advance(60 * minute);
    assert.deepEqual(codeOf(await call('GET', '/user', undefined, token)), over);
  });

  test('7.3.2: using a session does not extend its absolute limit', async (t) => {
    const { clock, server, call, signIn } = await start(t, { CURFEW_ABSOLUTE: '2h', CURFEW_IDLE: '1h' });
    const token = await signIn();
    for (let i = 0; i < 3; i++) {
      clock.advance(30 * minute);
      assert.equal((await call('GET', '/sessions', undefined, token)).status, 200);
      await server.running.opened.upkeep.sweep();
    }
    clock.advance(30 * minute);
    assert.deepEqual(codeOf(await call('GET', '/sessions', undefined, token)), over);
  });

  test('7.4.1, CVE-2023-20862: a signed-out session stays signed out, even after the server was killed', async (t) => {
    const folder = temporaryFolder();
    t.after(async () => folder.remove());
    const key = makeKey(Date.now(), random);
    const settings = {
      CURFEW_STORE: `lmdb:${folder.path}`,
      CURFEW_API_KEY: key,
      CURFEW_ADMIN_PASSWORD: adminPassword,
      CURFEW_ADMIN_EMAIL: 'admin@example.com',
    };
    const send = async (url: string, method: string, path: string, session = '', body?: object) => {
      const headers = { 'x-client-key': key, 'content-type': 'application/json', ...(session && { session }) };
      const content = body && { body: JSON.stringify(body) };
      const response = await fetch(url + base + path, { method, headers, ...content });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) };
    };
    const first = await startProcess(settings);
    const login = { email: 'admin@example.com', password: adminPassword };
    const signIn = async () => (await send(first.url, 'POST', '/signin-email', '', login)).body.session.token as string;
    const [one, two] = [await signIn(), await signIn()];
    assert.equal((await send(first.url, 'POST', '/signout', one)).status, 200);
    await first.stop('SIGKILL');
    const again = await startProcess(settings);
    t.after(() => again.stop('SIGTERM'));
    assert.deepEqual(codeOf(await send(again.url, 'GET', '/user', one)), over);
    assert.equal((await send(again.url, 'GET', '/user', two)).status, 200);
  });

  test('7.4.2: disabling or deleting an account ends its sessions, and nobody can sign in to it', async (t) => {
    const { server, account, call, signIn } = await start(t);
    const token = await signIn();
    await server.call('PATCH', `/v1/accounts/${account.id}`, { disabled: true });
    assert.deepEqual(codeOf(await call('GET', '/user', undefined, token)), over);
    const refused = await call('POST', '/signin-email', ada);
    assert.deepEqual(refused.body, (await call('POST', '/signin-email', { ...ada, email: 'nobody@example.com' })).body);
    await server.call('PATCH', `/v1/accounts/${account.id}`, { disabled: false });
    const next = await signIn();
    await server.call('DELETE', `/v1/accounts/${account.id}`);
    assert.deepEqual(codeOf(await call('GET', '/user', undefined, next)), over);
  });

  test('7.5.2: a user can see all their own sessions and end any of them, and nobody else’s', async (t) => {
    const { server, account, call, signIn } = await start(t);
    const token = await signIn();
    const others = [await server.createSession(account.id), await server.createSession(account.id)];
    const eve = await server.createSession('eve');
    const ids = (await call('GET', '/sessions', undefined, token)).body.map((one: Json) => one.token);
    for (const { session } of others) {
      assert.ok(ids.includes(session.id));
      assert.equal((await call('POST', '/signout', { token: session.id }, token)).status, 200);
    }
    assert.ok(!ids.includes(eve.session.id));
    assert.equal((await call('POST', '/signout', { token: eve.session.id }, token)).status, 404);
    assert.equal((await server.verify(eve.token)).active, true);
  });

  test('7.6.1, 7.6.2: only a sign-in creates a session, and a client cannot ask for a longer one', async (t) => {
    const { clock, server, call, signIn, sessions } = await start(t);
    const token = await signIn('', { 'x-session-lifetime': '999999999' });
    const { session } = await server.verify(token);
    assert.equal(Date.parse(session.expiresAt) - clock.now(), 30 * day);
    const calls: [string, string][] = [
      ['GET', '/user'],
      ['GET', '/sessions'],
      ['POST', '/signout-all-except'],
      ['POST', '/signup-email'],
      ['GET', '/grant?key=x'],
      ['POST', '/signout'],
      ['POST', '/signout-all'],
    ];
    for (const [method, path] of calls) await call(method, path, method === 'POST' ? ada : undefined, token);
    assert.deepEqual(
      (await sessions()).map(({ id }) => id),
      [session.id],
    );
  });

  test('GHSA-xg6x-h9c9-2m83: no session is created without the second factor, and one with it', async (t) => {
    const { server, account, call, sessions } = await start(t);
    const authenticator = await server.enrol(account.id);
    const missing = await call('POST', '/signin-email', ada);
    assert.deepEqual(codeOf(missing), [400, 'second_factor_required']);
    const wrong = await call('POST', '/signin-email', ada, '', { 'x-2fa-code': authenticator.wrong() });
    assert.deepEqual(codeOf(wrong), [400, 'second_factor_invalid']);
    assert.deepEqual(await sessions(), []);
    const backup = authenticator.backupCodes[0]!;
    assert.equal((await call('POST', '/signin-email', ada, '', { 'x-2fa-code': backup })).status, 200);
    const again = await call('POST', '/signin-email', ada, '', { 'x-2fa-code': backup });
    assert.deepEqual(codeOf(again), [400, 'second_factor_invalid']);
  });

  test('CVE-2020-15223: if the store fails, every sign-out fails with an error', async (t) => {
    const { server, call, signIn } = await start(t);
    const token = await signIn();
    const outs = {
      signout: 'endSession',
      'signout-all': 'endSessionsOfUser',
      'signout-all-except': 'endSessionsOfUser',
    };
    for (const [path, operation] of Object.entries(outs)) {
      const answer = await whileFailing(server.context.store, operation as 'endSession', () =>
        call('POST', `/${path}`, undefined, token),
      );
      assert.deepEqual(codeOf(answer), [503, 'service_unavailable'], path);
      assert.equal((await server.verify(token)).active, true, path);
    }
  });

  test('guesses count together with those of every other way to sign in', async (t) => {
    const { server, call } = await start(t, { CURFEW_LOGIN_ATTEMPTS: '4/15m' });
    const wrong = { ...ada, password: 'wrong' };
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(codeOf(await call('POST', '/signin-email', wrong)), [400, 'invalid_credentials']);
      assert.equal((await server.call('POST', '/v1/login', wrong, { as: '' })).status, 401);
    }
    const locked = await call('POST', '/signin-email', ada);
    assert.deepEqual(codeOf(locked), [429, 'too_many_requests']);
    assert.ok(Number(locked.headers.get('retry-after')) > 0);
  });

  test('Secrets: no token, key or password is in the log, wherever a client sent it', async (t) => {
    const folder = temporaryFolder();
    const file = join(folder.path, 'log');
    const server = await TestServer.start({ CURFEW_LOG_LEVEL: 'debug', CURFEW_LOG_FILE: file });
    t.after(async () => folder.remove());
    await server.createAccount('ada', { email: ada.email });
    const headers = { 'x-client-key': server.key };
    const signIn = await server.call('POST', `${base}/signin-email?apikey=${server.key}`, ada, { as: '', headers });
    const session = signIn.body.session.token as string;
    const use = (method: string, path: string, body?: unknown) =>
      server.call(method, `${base}${path}?apikey=${server.key}&session=${session}`, body, {
        as: '',
        headers: { ...headers, session },
      });
    for (const path of ['/user', '/sessions', '/nothing']) await use('GET', path);
    await server.context.store.close();
    await use('GET', '/user');
    await use('POST', '/signout', { token: session });
    await server.close().catch(() => {});
    const log = readFileSync(file, 'utf8');
    assert.ok(log.split('\n').length > 5, 'nothing was logged');
    for (const secret of [server.key, session, ada.password, 'apikey=']) assert.ok(!log.includes(secret), secret);
  });
});
