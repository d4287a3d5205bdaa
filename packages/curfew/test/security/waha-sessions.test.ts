import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeKey } from '../../src/authority/keys.ts';
import type { SessionName } from '../../src/domain/brand.ts';
import { day, hour, minute } from '../../src/domain/limits.ts';
import { readSettings } from '../../src/start/config.ts';
import type { Store } from '../../src/stores/contract.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { whileFailing } from '../support/hostile.ts';
import { readPage } from '../support/pages.ts';
import { manualClock, random } from '../support/ports.ts';
import { startProcess } from '../support/process.ts';
import { type Json, TestServer } from '../support/server.ts';

type After = { after(done: () => Promise<void>): void };
const base = '/api/sessions';

async function start(t: After, env: Record<string, string> = {}) {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  const server = await TestServer.start(env, clock);
  t.after(() => server.close());
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    server.call(method, base + path, body, { as: '', headers: { 'x-api-key': server.key, ...headers } });
  await call('POST', '', { name: 'desk' });
  const stateOf = async () => (await call('GET', '/desk')).body.status;
  return { clock, server, call, stateOf };
}

describe('sessions: WAHA', () => {
  test('7.1.1, 7.1.3: the page states the configured lifetimes, and who ends what', () => {
    const { settings } = readSettings({});
    const page = readPage('docs/waha.md').split('## Lifetimes, and who ends what\n')[1]!;
    const stated = `at most ${settings.absolute / day} days, and ${settings.idle / day} days without activity`;
    assert.ok(page.includes(stated), stated);
    for (const name of ['CURFEW_ABSOLUTE', 'CURFEW_IDLE', 'it is ended by']) assert.ok(page.includes(name), name);
  });

  test('7.2.1: nothing that a client claims about a session is accepted: its status, its user, its times', async (t) => {
    const { server, call } = await start(t);
    const claims = { status: 'WORKING', me: { id: 'admin', pushName: 'admin' }, timestamps: { activity: 1 } };
    const made = (await call('POST', '', { name: 'made-up', ...claims })).body;
    assert.deepEqual([made.status, made.me, made.timestamps], ['SCAN_QR_CODE', null, { activity: null }]);
    const updated = (await call('PUT', '/made-up', { ...claims, config: claims })).body;
    assert.deepEqual([updated.status, updated.me], ['SCAN_QR_CODE', null]);
    const { token } = await server.createSession('ada', { name: 'desk' });
    for (const headers of [{ 'x-api-key': token }, { 'x-api-key': '', cookie: `__Host-curfew=${token}` }]) {
      assert.equal((await call('POST', '/desk/logout', undefined, headers)).status, 401);
    }
    assert.equal((await server.verify(token)).active, true);
  });

  test('7.3.1, 7.3.2: a named session ends at its limits; starting and stopping extends neither', async (t) => {
    const { clock, server, call, stateOf } = await start(t, { CURFEW_ABSOLUTE: '2h', CURFEW_IDLE: '90m' });
    const { token } = await server.createSession('ada', { name: 'desk' });
    for (let i = 0; i < 3; i++) {
      clock.advance(30 * minute);
      await call('POST', '/desk/restart');
      assert.equal((await server.verify(token)).active, true);
      await server.running.opened.upkeep.sweep();
    }
    await call('POST', '/desk/stop');
    clock.advance(30 * minute);
    assert.equal((await call('POST', '/desk/start')).body.status, 'SCAN_QR_CODE');
    assert.deepEqual(await server.verify(token), { active: false, reason: 'expired' });
    assert.equal(await stateOf(), 'SCAN_QR_CODE');
  });

  test('7.4.1, CVE-2023-20862: a session that was logged out or stopped stays so, even after the server was killed', async (t) => {
    const folder = temporaryFolder();
    t.after(async () => folder.remove());
    const key = makeKey(Date.now(), random);
    const settings = { CURFEW_STORE: `lmdb:${folder.path}`, CURFEW_API_KEY: key };
    const send = async (url: string, method: string, path: string, body?: object): Promise<Json> => {
      const headers = { 'x-api-key': key, authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const content = body && { body: JSON.stringify(body) };
      return (await fetch(url + path, { method, headers, ...content })).json();
    };
    const first = await startProcess(settings);
    const tokens: string[] = [];
    for (const name of ['out', 'stopped', 'working']) {
      await send(first.url, 'POST', base, { name });
      tokens.push((await send(first.url, 'POST', '/v1/sessions', { userId: 'ada', name })).token);
    }
    await send(first.url, 'POST', `${base}/out/logout`);
    await send(first.url, 'POST', `${base}/stopped/stop`);
    await first.stop('SIGKILL');
    const again = await startProcess(settings);
    t.after(() => again.stop('SIGTERM'));
    const all: Json[] = await send(again.url, 'GET', `${base}?all=true`);
    assert.deepEqual(
      all.map(({ name, status }) => [name, status]),
      [
        ['out', 'SCAN_QR_CODE'],
        ['stopped', 'STOPPED'],
        ['working', 'WORKING'],
      ],
    );
    const active = tokens.map((token) => send(again.url, 'POST', '/v1/sessions/verify', { token }));
    assert.deepEqual(
      (await Promise.all(active)).map((one) => one.active),
      [false, false, true],
    );
  });

  test('N3.10: a list of very many sessions is bounded, and lets other callers in between', async (t) => {
    const { clock, server, call } = await start(t);
    const { store } = server.context;
    const now = clock.now();
    const create = (name: SessionName, started: boolean) =>
      store.createNamed(
        { name, config: {}, started, sessionId: undefined, kept: true, createdAt: now, updatedAt: now, version: 1 },
        { type: 'named_session.created', at: now, by: 'library', details: { name } },
      );
    const names = Array.from({ length: 1200 }, (_, i) => `slot-${1000 + i}` as SessionName);
    for (let i = 0; i < names.length; i += 100) {
      await Promise.all(names.slice(i, i + 100).map((name, j) => create(name, (i + j) % 12 !== 0)));
    }
    const { listNamed } = store;
    let pages = 0;
    let turns = 0;
    store.listNamed = (query) => {
      assert.equal(turns, pages, 'a page was read before others had their turn');
      pages += 1;
      setImmediate(() => {
        turns += 1;
      });
      return listNamed.call(store, query);
    };
    const listed = async (query: string) => {
      pages = turns = 0;
      const { status, body } = await call('GET', query);
      assert.equal(status, 200, JSON.stringify(body));
      return body.map(({ name }: Json) => name);
    };
    const running = names.filter((_, i) => i % 12 !== 0);
    assert.deepEqual(await listed('?all=true'), ['desk', ...names].slice(0, 1000));
    assert.equal(pages, 10);
    assert.deepEqual(await listed(''), ['desk', ...running].slice(0, 1000));
    assert.ok(pages <= 12, `${pages} pages`);
  });

  test('7.4.2: disabling an account ends its named session; the name becomes free for somebody else', async (t) => {
    const { server, stateOf } = await start(t);
    const account = await server.createAccount('ada');
    const { token } = await server.createSession(account.id, { name: 'desk' });
    await server.call('PATCH', `/v1/accounts/${account.id}`, { disabled: true });
    assert.deepEqual(await server.verify(token), { active: false, reason: 'account_disabled' });
    assert.equal(await stateOf(), 'SCAN_QR_CODE');
    assert.equal((await server.verify((await server.createSession('eve', { name: 'desk' })).token)).active, true);
  });

  test('7.6.1, 7.6.2: no call creates a session: a name waits until somebody signs in to it', async (t) => {
    const { server, call, stateOf } = await start(t);
    const calls: [string, string, object?][] = [
      ['POST', '/desk/restart'],
      ['POST', '/desk/logout'],
      ['POST', '/desk/stop'],
      ['POST', '/start', { name: 'desk' }],
      ['PUT', '/desk', { config: {} }],
      ['POST', '', { name: 'another', start: true }],
    ];
    for (const [method, path, body] of calls) assert.ok((await call(method, path, body)).status < 300, path);
    assert.equal(await stateOf(), 'SCAN_QR_CODE');
    assert.deepEqual((await server.call('GET', '/v1/sessions')).body.sessions, []);
  });

  test('7.6.2: only callers that may create sessions can take a name, and never from its holder', async (t) => {
    const { server, stateOf } = await start(t);
    await server.createAccount('eve');
    const signIn = (username: string, password: string) =>
      server.call('POST', '/v1/login', { username, password, name: 'desk' }, { as: '' });
    assert.equal((await signIn('eve', 'eve password')).body.code, 'permission_missing');
    assert.equal(await stateOf(), 'SCAN_QR_CODE');
    const { token } = await server.createSession('ada', { name: 'desk' });
    const taken = await server.call('POST', '/v1/sessions', { userId: 'eve', name: 'desk' });
    assert.deepEqual([taken.status, taken.body.code], [409, 'name_taken']);
    assert.equal((await server.verify(token)).session.userId, 'ada');
  });

  test('CVE-2020-15223: if the store fails, every logout fails with an error', async (t) => {
    const { server, call } = await start(t);
    const { token } = await server.createSession('ada', { name: 'desk' });
    const calls: [string, string, object?][] = [
      ['POST', '/desk/logout'],
      ['DELETE', '/desk'],
      ['POST', '/logout', { name: 'desk' }],
      ['POST', '/stop', { name: 'desk', logout: true }],
    ];
    for (const operation of ['readNamed', 'endSession'] satisfies (keyof Store)[]) {
      for (const [method, path, body] of calls) {
        const answer = await whileFailing(server.context.store, operation, () => call(method, path, body));
        assert.equal(answer.status, 503, `${operation} ${method} ${path}`);
        await call('POST', '/desk/start');
        assert.equal((await server.verify(token)).active, true);
      }
    }
  });

  test('keycloak 51127, better-auth 11073, express-session 632: whatever races a logout, the logout wins', async (t) => {
    const { server, call } = await start(t);
    for (let round = 0; round < 10; round++) {
      const { token, refreshToken, session } = await server.createSession('ada', { name: 'desk' });
      const [out] = await Promise.all([
        call('POST', '/desk/logout'),
        call('POST', '/desk/restart'),
        call('POST', '/desk/stop'),
        call('PUT', '/desk', { config: { round } }),
        server.call('POST', '/v1/sessions/refresh', { refreshToken }),
        server.call('POST', '/v1/users/ada/access-groups', { add: ['x'], sessionId: session.id }),
        call('POST', '/desk/start'),
      ]);
      assert.equal(out.status, 201);
      assert.equal((await server.verify(token)).active, false);
      assert.equal((await server.call('GET', `/v1/sessions/${session.id}`)).body.session.status, 'ended');
      assert.equal((await call('POST', '/desk/start')).body.status, 'SCAN_QR_CODE');
    }
  });

  test('a stopped session is unusable: it is not valid, cannot be refreshed and signs nobody in', async (t) => {
    const { clock, server, call } = await start(t);
    const { token, refreshToken } = await server.createSession('ada', { name: 'desk' });
    await call('POST', '/desk/stop');
    clock.advance(hour);
    assert.equal((await server.call('GET', '/v1/me', undefined, { as: token })).body.code, 'session_suspended');
    const refreshed = await server.call('POST', '/v1/sessions/refresh', { refreshToken });
    assert.deepEqual([refreshed.status, refreshed.body.code], [401, 'session_suspended']);
    assert.deepEqual(await server.verify(token), { active: false, reason: 'suspended' });
  });

  test('Secrets: no key is in the log, wherever a client sent it', async (t) => {
    const folder = temporaryFolder();
    const file = join(folder.path, 'log');
    const server = await TestServer.start({ CURFEW_LOG_LEVEL: 'debug', CURFEW_LOG_FILE: file });
    t.after(async () => folder.remove());
    const path = `${base}?x-api-key=${server.key}`;
    for (const headers of [{}, { 'x-api-key': server.key }]) {
      assert.equal((await server.call('GET', path, undefined, { as: '', headers })).status, 200);
    }
    await server.context.store.close();
    assert.equal((await server.call('GET', path, undefined, { as: '' })).status, 503);
    await server.close().catch(() => {});
    const log = readFileSync(file, 'utf8');
    assert.ok(log.split('\n').length > 3, 'nothing was logged');
    for (const secret of [server.key, 'x-api-key=']) assert.ok(!log.includes(secret), secret);
  });
});
