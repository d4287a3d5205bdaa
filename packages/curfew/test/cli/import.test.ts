import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { day, hour, minute } from '../../src/domain/limits.ts';
import type { ImportReceipt } from '../../src/import-sessions.ts';
import { readSettings } from '../../src/start/config.ts';
import { openStore } from '../../src/stores/open.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { startChild } from '../support/child.ts';
import { commandLine, runCli } from '../support/process.ts';
import { RedisServer, redisInstalled } from '../support/redis.ts';
import { type Json, TestServer } from '../support/server.ts';
import { type TemporaryStore, temporaryStore } from '../support/store.ts';

type Test = { after(done: () => unknown): void };
type Told = ImportReceipt & { kind: string; from: string; store: string; dryRun: boolean };

/** What express-session would have put there: the end of the cookie is that of the last change. */
function sessionOf(user: unknown, more: object = {}): string {
  const expires = new Date(Date.now() + day).toISOString();
  const cookie = { originalMaxAge: day, expires, httpOnly: true, path: '/' };
  return JSON.stringify({ cookie, ...(user !== undefined && { passport: { user } }), ...more });
}

describe('curfew import connect-redis', { skip: redisInstalled ? false : 'redis-server is not installed' }, () => {
  let redis: RedisServer;
  let number = 0;
  before(async () => {
    redis = await RedisServer.start('--databases', '1000', '--appendonly', 'no');
  });
  after(() => redis?.remove());

  /** A database of that Redis with these keys; a value without a time has an hour left. */
  async function filled(
    entries: Record<string, string | { text: string; left?: number | undefined }>,
  ): Promise<string> {
    number += 1;
    const url = `${redis.url}/${number}`;
    const client = createClient({ url });
    await client.connect();
    await Promise.all(
      Object.entries(entries).map(([key, value]) => {
        const { text, left } = typeof value === 'string' ? { text: value, left: hour } : value;
        return client.sendCommand(['SET', key, text, ...(left === undefined ? [] : ['PX', String(left)])]);
      }),
    );
    client.destroy();
    return url;
  }

  async function emptyStore(t: Test): Promise<TemporaryStore> {
    const store = await temporaryStore();
    t.after(() => store.remove());
    return store;
  }

  async function importFrom(
    store: TemporaryStore,
    from: string,
    ...more: string[]
  ): Promise<{ code: number | null; told: Told; err: string }> {
    const { code, out, err } = await runCli(['import', 'connect-redis', '--from', from, '--json', ...more], store.env);
    return { code, told: out === '' ? undefined : JSON.parse(out), err };
  }

  /** What a server on that store says of the sessions. */
  async function sessionsIn(store: TemporaryStore): Promise<Json[]> {
    const server = await TestServer.over(store);
    try {
      return (await server.call('GET', '/v1/sessions?limit=100')).body.sessions;
    } finally {
      await server.leave();
    }
  }

  const numbers = ({ read, imported, already, expired, withoutUser, other, refused }: Told) => ({
    read,
    imported,
    already,
    expired,
    withoutUser,
    other,
    refused,
  });
  const none = { read: 0, imported: 0, already: 0, expired: 0, withoutUser: 0, other: 0, refused: 0 };

  test('N8.24: the store to read may come from the environment or a file, so that its password is on no command line', async (t) => {
    const store = await emptyStore(t);
    const from = await filled({ 'sess:a': sessionOf('ada') });
    const folder = temporaryFolder();
    t.after(folder.remove);
    const file = join(folder.path, 'from');
    writeFileSync(file, `${from}\n`);
    const run = (env: Record<string, string>, ...args: string[]) =>
      runCli(['import', ...args, '--json'], { ...store.env, ...env });
    for (const env of [{ CURFEW_IMPORT_FROM: from }, { CURFEW_IMPORT_FROM_FILE: file }]) {
      const { code, out, err } = await run(env as Record<string, string>, 'connect-redis', '--dry-run');
      assert.deepEqual([code, JSON.parse(out || '{}').imported, err], [0, 1, '']);
    }
    // The option takes precedence, and the variable is not used for an export, nor is it an unknown setting.
    const elsewhere = { CURFEW_IMPORT_FROM: 'redis://127.0.0.1:1' };
    assert.equal((await run(elsewhere, 'connect-redis', '--from', from, '--dry-run')).code, 0);
    assert.match((await run(elsewhere, join(folder.path, 'absent'))).err, /absent cannot be read/);
    assert.match((await run({}, 'connect-redis')).err, /name it with --from or CURFEW_IMPORT_FROM/);
    assert.deepEqual(readSettings({ CURFEW_IMPORT_FROM: from, CURFEW_IMPORT_FROM_FILE: file }).warnings, []);
  });

  test('imports each session once, however often it runs, and prints a receipt', async (t) => {
    const store = await emptyStore(t);
    const from = await filled({ 'sess:a': sessionOf('ada'), 'sess:b': sessionOf('ada'), 'sess:c': sessionOf(7) });
    const first = await importFrom(store, from);
    assert.equal(first.code, 0, first.err);
    assert.deepEqual(numbers(first.told), { ...none, read: 3, imported: 3 });
    assert.deepEqual([first.told.kind, first.told.from, first.told.dryRun], ['connect-redis', from, false]);
    const again = await importFrom(store, from);
    assert.deepEqual([again.code, numbers(again.told)], [0, { ...none, read: 3, already: 3 }]);
    const users = (await sessionsIn(store)).map(({ userId }) => userId);
    assert.deepEqual(users.sort(), ['7', 'ada', 'ada']);
  });

  test('a session keeps its end, its last use and its data; it is no fresh sign-in', async (t) => {
    const store = await emptyStore(t);
    // The cookie was written when it had a day; a visit a quarter of a day ago moved the end of the key alone.
    const left = 0.75 * day;
    const from = await filled({ 'sess:a': { text: sessionOf('ada', { basket: ['a book'] }), left } });
    const began = Date.now();
    assert.equal((await importFrom(store, from)).code, 0);
    const [session] = await sessionsIn(store);
    const near = (time: string, expected: number) => assert.ok(Math.abs(Date.parse(time) - expected) < minute, time);
    near(session.idleExpiresAt, began + left);
    near(session.lastSeenAt, began - 0.25 * day);
    near(session.createdAt, began - 0.25 * day);
    near(session.authenticatedAt, began - 0.25 * day);
    assert.deepEqual(session.metadata, {});
    const server = await TestServer.over(store);
    t.after(() => server.leave());
    const [{ data }] = (await server.call('GET', '/v1/sessions/data?kind=express-session')).body.sessions;
    const { cookie, ...rest } = JSON.parse(data);
    assert.deepEqual(rest, { passport: { user: 'ada' }, basket: ['a book'] });
    near(cookie.expires, began + left);
    assert.equal(session.status, 'active');
  });

  test('a later import moves the end of a session that was used there since', async (t) => {
    const store = await emptyStore(t);
    const text = sessionOf('ada');
    assert.equal((await importFrom(store, await filled({ 'sess:a': { text, left: hour } }))).told.imported, 1);
    const { code, told } = await importFrom(store, await filled({ 'sess:a': { text, left: 20 * hour } }));
    assert.deepEqual([code, told.renewed, told.already, told.timedOut], [0, 1, 0, 0]);
    const [session] = await sessionsIn(store);
    assert.ok(Math.abs(Date.parse(session.idleExpiresAt) - Date.now() - 20 * hour) < minute, session.idleExpiresAt);
  });

  test('a session that is used may go on for as long as --lifetime says; an unused one ends as before', async (t) => {
    const from = await filled({ 'sess:a': sessionOf('ada') });
    const began = Date.now();
    const near = (time: string, expected: number) => assert.ok(Math.abs(Date.parse(time) - expected) < minute, time);
    const ends = async (...more: string[]) => {
      const into = await emptyStore(t);
      assert.equal((await importFrom(into, from, ...more)).code, 0);
      const [session] = await sessionsIn(into);
      near(session.idleExpiresAt, began + hour);
      return session.expiresAt;
    };
    // In express-session, every visit moves the end.
    near(await ends(), began + 30 * day);
    near(await ends('--lifetime', '10d'), began + 10 * day);
    near(await ends('--lifetime', '1m'), began + hour);
  });

  test('what cannot be imported is counted by its reason, with examples that contain no secret', async (t) => {
    const store = await emptyStore(t);
    const secret = 'the-secret-of-this-session';
    const from = await filled({
      'sess:good': sessionOf('ada'),
      'sess:anonymous': sessionOf(undefined),
      'sess:no-cookie': '{"passport":{"user":"ada"}}',
      [`sess:${secret}`]: '{"cookie":{"originalMaxAge":1},"password":"hunter2"',
      'sess:object': sessionOf({ name: 'Ada' }),
      'sess:long': sessionOf('x'.repeat(256)),
      'sess:control': sessionOf('a\u0007b'),
      'sess:large': sessionOf('ada', { text: 'x'.repeat(70_000) }),
      'sess:deep': sessionOf('ada', { a: { b: { c: { d: { e: { f: { g: { h: {} } } } } } } } }),
      'sess:past': {
        text: JSON.stringify({ cookie: { expires: '2020-01-01T00:00:00.000Z' }, passport: { user: 'ada' } }),
        left: undefined,
      },
      'cache:1': 'something else',
      'cache:2': sessionOf('eve'),
    });
    const client = createClient({ url: from });
    await client.connect();
    await client.sendCommand(['HSET', 'sess:hash', 'field', 'value']);
    client.destroy();
    const { code, told, err } = await importFrom(store, from);
    assert.equal(code, 1, err);
    assert.deepEqual(numbers(told), {
      read: 13,
      imported: 2,
      already: 0,
      expired: 1,
      withoutUser: 1,
      other: 4,
      refused: 5,
    });
    assert.deepEqual(Object.fromEntries(told.reasons.map(({ reason, count }) => [reason, count])), {
      not_a_session: 2,
      broken_json: 1,
      user_id_invalid: 1,
      user_id_too_long: 1,
      invalid_value: 1,
      session_data_too_large: 1,
    });
    const broken = told.reasons.find(({ reason }) => reason === 'broken_json')!;
    assert.equal(broken.examples[0]!.sha256, createHash('sha256').update(secret).digest('hex').slice(0, 12));
    const text = JSON.stringify(told) + err;
    for (const hidden of [secret, 'hunter2']) assert.ok(!text.includes(hidden), `it shows ${hidden}`);
    assert.match(
      told.reasons.find(({ reason }) => reason === 'user_id_invalid')!.examples[0]!.detail,
      /--user-id passport\.user\./,
    );
    // Nothing of the data is needed to stay signed in.
    const bare = await importFrom(store, from, '--without-data');
    assert.deepEqual([bare.told.imported, bare.told.already, bare.told.refused], [1, 2, 4]);
  });

  test('one odd entry does not end the import of the others', async (t) => {
    const store = await emptyStore(t);
    const nested = `{"cookie":{},"passport":{"user":"eve"},"list":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    const cookie = { originalMaxAge: 1e300, expires: 1e300 };
    const from = await filled({
      'sess:a': sessionOf('ada'),
      'sess:far': { text: sessionOf('bob'), left: 1e17 },
      'sess:never': { text: JSON.stringify({ cookie, passport: { user: 'cem' } }), left: undefined },
      'sess:nested': nested,
    });
    const { code, told, err } = await importFrom(store, from);
    assert.equal(code, 1, err);
    assert.deepEqual(numbers(told), { ...none, read: 4, imported: 3, refused: 1 });
    assert.equal(told.reasons[0]!.reason, 'broken_data');
    const statuses = (await sessionsIn(store)).map(({ userId, status }) => `${userId} ${status}`);
    assert.deepEqual(statuses.sort(), ['ada active', 'bob active', 'cem active']);
  });

  test('a dry run writes nothing, and has the same numbers as the import before and after it', async (t) => {
    const store = await emptyStore(t);
    const from = await filled({
      'sess:a': sessionOf('ada'),
      'sess:b': sessionOf(undefined),
      'sess:c': '{',
      other: '1',
    });
    const folder = store.url.replace(/^lmdb:/, '');
    const dry = await importFrom(store, from, '--dry-run');
    if (store.url.startsWith('lmdb:')) assert.equal(existsSync(join(folder, 'data.mdb')), false, 'it made a store');
    assert.deepEqual([dry.code, dry.told.dryRun], [1, true]);
    const real = await importFrom(store, from);
    assert.deepEqual(numbers(dry.told), numbers(real.told));
    assert.deepEqual(dry.told.reasons, real.told.reasons);
    const later = await importFrom(store, from, '--dry-run');
    assert.deepEqual(numbers(later.told), { ...numbers(real.told), imported: 0, already: 1 });
    assert.equal((await sessionsIn(store)).length, 1);
  });

  test('a session that has ended here stays ended, and is not imported again', async (t) => {
    const store = await emptyStore(t);
    const from = await filled({ 'sess:a': sessionOf('ada'), 'sess:b': sessionOf('bob'), 'sess:c': sessionOf('bob') });
    assert.equal((await importFrom(store, from)).told.imported, 3);
    const server = await TestServer.over(store);
    const { body } = await server.call('GET', '/v1/sessions?user=ada');
    assert.equal((await server.call('DELETE', `/v1/sessions/${body.sessions[0].id}`)).status, 200);
    assert.equal((await server.call('DELETE', '/v1/users/bob/sessions')).status, 200);
    await server.leave();
    const again = await importFrom(store, from);
    assert.deepEqual(numbers(again.told), { ...none, read: 3, already: 3 });
    assert.deepEqual(
      (await sessionsIn(store)).filter(({ status }) => status !== 'ended'),
      [],
    );
  });

  test('a logout in the old application ends the imported session by its alias, and no later import revives it', async (t) => {
    const store = await emptyStore(t);
    const from = await filled({ 'sess:a': sessionOf('ada') });
    assert.equal((await importFrom(store, from)).told.imported, 1);
    const server = await TestServer.over(store);
    const logout = (secret: string) =>
      server.call('POST', '/v1/sessions/logout', { alias: { kind: 'express-session', secret } });
    assert.equal((await logout('a')).status, 200);
    const unknown = await logout('b');
    assert.deepEqual([unknown.status, unknown.body.code], [404, 'session_not_found']);
    await server.leave();
    const later = await filled({ 'sess:a': { text: sessionOf('ada'), left: 20 * hour } });
    assert.deepEqual(numbers((await importFrom(store, later)).told), { ...none, read: 1, already: 1 });
    assert.equal((await sessionsIn(store))[0].status, 'ended');
  });

  test('a user whose sessions were all ended here gets none of those that come later', async (t) => {
    const store = await emptyStore(t);
    assert.equal((await importFrom(store, await filled({ 'sess:a': sessionOf('bob') }))).told.imported, 1);
    const server = await TestServer.over(store);
    await server.call('DELETE', '/v1/users/bob/sessions');
    await server.leave();
    const { code, told } = await importFrom(store, await filled({ 'sess:b': sessionOf('bob') }));
    assert.deepEqual([code, told.imported, told.reasons[0]?.reason], [1, 0, 'signed_out_meanwhile']);
  });

  test('after everybody was signed out, an import does not go on by itself', async (t) => {
    const store = await emptyStore(t);
    const from = await filled({ 'sess:a': sessionOf('ada') });
    assert.equal((await importFrom(store, from)).told.imported, 1);
    const server = await TestServer.over(store);
    await server.call('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' });
    await server.leave();
    const rest = await filled({ 'sess:b': sessionOf('bob') });
    const { code, err } = await importFrom(store, rest);
    assert.deepEqual([code, JSON.parse(err).error.code], [1, 'imported_before']);
    assert.equal((await importFrom(store, rest, '--again')).told.imported, 1);
  });

  test('an import is refused when ended sessions may have been forgotten since the first, unless with --again', async (t) => {
    const store = await emptyStore(t);
    const from = await filled({ 'sess:a': sessionOf('ada') });
    const opened = await openStore(store.url);
    const details = { kind: 'connect-redis' };
    await opened.appendEvent({ type: 'sessions.imported', at: Date.now() - 2 * hour, by: 'library', details });
    await opened.close();
    const keyed = { CURFEW_SECRET_KEY: 'ab'.repeat(32), ...store.env };
    const env = { ...store, env: { ...keyed, CURFEW_KEEP_ENDED: '1h' } };
    const refused = await importFrom(env, from);
    assert.equal(refused.code, 1);
    assert.equal(JSON.parse(refused.err).error.code, 'imported_before');
    assert.match(refused.err, /--again/);
    assert.equal((await importFrom(env, from, '--again')).told.imported, 1);
    assert.equal((await importFrom({ ...store, env: keyed }, from)).told.already, 1);
  });

  test('the user’s id is where --user-id says; nobody has one there: the receipt says what there is', async (t) => {
    const store = await emptyStore(t);
    const own = JSON.stringify({ cookie: {}, account: { 'the id': 12 } });
    const from = await filled({ 'sess:a': own });
    const astray = await importFrom(store, from);
    assert.deepEqual([astray.code, astray.told.withoutUser], [0, 1]);
    assert.match(astray.told.notes.join(), /passport\.user.*account.*--user-id/);
    assert.equal((await importFrom(store, from, '--user-id', 'account["the id"]')).told.imported, 1);
    const [session] = await sessionsIn(store);
    assert.equal(session.userId, '12');
    // The same cookie for another user would be a mistake of the option.
    const other = await filled({ 'sess:a': JSON.stringify({ cookie: {}, account: { 'the id': 13 } }) });
    const { told } = await importFrom(store, other, '--user-id', 'account["the id"]');
    assert.deepEqual([told.already, told.reasons[0]?.reason], [0, 'alias_taken']);
  });

  test('keys have the prefix that --prefix names', async (t) => {
    const store = await emptyStore(t);
    const from = await filled({
      'my[app]*:a': sessionOf('ada'),
      'my[app]:b': sessionOf('bob'),
      'sess:': sessionOf('eve'),
    });
    const astray = await importFrom(store, from);
    assert.deepEqual([astray.code, numbers(astray.told)], [4, { ...none, read: 3, other: 3 }]);
    assert.match(astray.told.notes.join(), /No key begins with sess:.*--prefix/);
    assert.equal((await importFrom(store, from, '--prefix', 'my[app]*:')).told.imported, 1);
  });

  test('without an end in the store, a session has the longest life that Curfew gives', async (t) => {
    const store = await emptyStore(t);
    const text = JSON.stringify({ cookie: { originalMaxAge: null, expires: null }, passport: { user: 'ada' } });
    const began = Date.now();
    assert.equal((await importFrom(store, await filled({ 'sess:a': { text, left: undefined } }))).code, 0);
    const [session] = await sessionsIn(store);
    assert.ok(Math.abs(Date.parse(session.expiresAt) - began - 30 * day) < minute, session.expiresAt);
    assert.ok(Date.parse(session.authenticatedAt) <= Date.now() - 15 * minute, session.authenticatedAt);
  });

  test('killed at any point, the next run imports what is missing, and nothing twice', async (t) => {
    const store = await emptyStore(t);
    const count = 12_000;
    const from = await filled(
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`sess:${i}`, sessionOf(`user-${i}`)])),
    );
    const args = [...commandLine, 'import', 'connect-redis', '--from', from, '--json'];
    const child = startChild([process.execPath, ...args], { env: { PATH: process.env['PATH'], ...store.env } });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    // A part is written when the store has grown by more than its own bookkeeping.
    await untilWritten(store, child);
    child.kill('SIGKILL');
    await gone;
    const second = await importFrom(store, from);
    assert.equal(second.code, 0, second.err);
    assert.equal(second.told.imported + second.told.already, count);
    assert.ok(second.told.already > 0, 'nothing was imported before it was killed');
    assert.ok(second.told.imported > 0, 'everything was imported before it was killed');
    const third = await importFrom(store, from);
    assert.deepEqual(numbers(third.told), { ...none, read: count, already: count });
    const server = await TestServer.over(store);
    t.after(() => server.leave());
    assert.equal(await server.context.store.countActive(Date.now()), count);
  });

  test('what is wrong with a URL, a password or a server is told by name, without the password', async (t) => {
    const store = await emptyStore(t);
    const locked = await RedisServer.start('--requirepass', 'right');
    t.after(() => locked.remove());
    const port = new URL(locked.url).port;
    const cases: [from: string, code: number, error: string][] = [
      ['localhost:6379', 2, 'import_option'],
      ['mysql://u:hunter2@h/db', 2, 'import_option'],
      ['redis://u:hunter2/x@h', 2, 'import_option'],
      ['postgres://u:hunter2@127.0.0.1/db', 2, 'import_option'],
      ['redis://:hunter2@127.0.0.1/abc', 2, 'import_option'],
      ['redis://u%zz:hunter2@127.0.0.1/0', 2, 'import_option'],
      [`redis://:hunter2@127.0.0.1:${port}`, 1, 'source_refused'],
      [`redis://127.0.0.1:${port}`, 1, 'source_refused'],
      [`redis://:hunter2@127.0.0.1:1`, 3, 'source_unreachable'],
      [`${redis.url}/100000`, 1, 'source_unreadable'],
    ];
    for (const [from, code, error] of cases) {
      const { code: given, err } = await importFrom(store, from);
      assert.equal(JSON.parse(err).error.code, error, `${from}: ${err}`);
      assert.equal(given, code, from);
      assert.ok(!err.includes('hunter2'), err);
    }
    assert.equal(existsSync(join(store.url.replace(/^lmdb:/, ''), 'data.mdb')), false, 'it made a store');
  });

  test('the server of an embedded store must be stopped first', async (t) => {
    if (process.env['CURFEW_TEST_STORE']) return t.skip('a store on a server is shared');
    const server = await TestServer.start();
    t.after(() => server.close());
    const { code, out, err } = await runCli(
      ['import', 'connect-redis', '--from', await filled({}), '--json'],
      server.env,
    );
    assert.deepEqual([code, out, JSON.parse(err).error.code], [1, '', 'store_in_use']);
  });

  test('a store that an import has made is one that a server starts on, with its own key', async (t) => {
    const store = await emptyStore(t);
    const from = await filled({ 'sess:a': sessionOf('ada') });
    assert.equal((await importFrom(store, from)).code, 0);
    // A failover that never was must not end everybody's sessions.
    const server = await TestServer.over(store, { CURFEW_END_ALL_AFTER_FAILOVER: 'true' });
    t.after(() => server.leave());
    const { body } = await server.call('DELETE', '/v1/users/nobody/sessions');
    assert.ok(body.receipt.waitedMs < 2000, JSON.stringify(body));
    const { sessions } = (await server.call('GET', '/v1/sessions')).body;
    assert.deepEqual(
      sessions.map(({ status }: Json) => status),
      ['active'],
    );
    const { events } = (await server.call('GET', '/v1/events?type=sessions.imported')).body;
    assert.deepEqual(
      events.map(({ by, details }: Json) => [by, details]),
      [['library', { kind: 'connect-redis', from }]],
    );
  });
});

/** Resolves when sessions are in the store that a process writes. */
async function untilWritten(store: TemporaryStore, child: ReturnType<typeof startChild>): Promise<void> {
  if (!store.url.startsWith('lmdb:')) return void (await setTimeout(500));
  const file = join(store.url.slice('lmdb:'.length), 'data.mdb');
  // The size of the file is what shows outside of the process that something was written.
  while (child.exitCode === null && !(existsSync(file) && statSync(file).size > 2_000_000)) await setTimeout(1);
}

describe('curfew import', () => {
  test('what is to be imported is a file or a kind; what could be both, or neither, is told', async (t) => {
    const folder = temporaryFolder();
    t.after(() => folder.remove());
    const store = { CURFEW_STORE: `lmdb:${join(folder.path, 'store')}` };
    const cases: [args: string[], message: RegExp][] = [
      [['connect-redis'], /name it with --from/],
      [['mongo', '--from', 'redis://h'], /"mongo" is not a kind of sessions.*connect-redis, connect-pg-simple/],
      [['--from', 'redis://h'], /needs the kind/],
      [['lucia', '--from', 'postgres://h/d', '--input', 'x'], /give one of them/],
      [['a.jsonl', '--input', 'b.jsonl'], /two files/],
      [['a.jsonl', '--user-id', 'x'], /--user-id belongs to an import with --from/],
      [['--dry-run'], /--dry-run belongs to an import with --from/],
      [['lucia', '--from', 'redis://h'], /lucia is read from postgres:/],
      [['connect-redis', '--from', 'redis://h', '--table', 'x'], /--table means nothing for connect-redis/],
      [['lucia', '--from', 'postgres://h/d', '--prefix', 'x'], /--prefix means nothing/],
      [['lucia', '--from', 'postgres://h/d', '--secret', import.meta.filename], /--secret means nothing for lucia/],
      [['lucia', '--from', 'postgres://h/d', '--users-table', 'x'], /--users-table means nothing for lucia/],
      [['django', '--from', 'postgres://h/d', '--users-table', 'x'], /--users-table means nothing .*without --secret/],
      [['django', '--from', 'postgres://h/d', '--secret', '/nonexistent'], /--secret: .*ENOENT/],
      [['connect-redis', '--from', 'redis://h', '--user-id', 'user.id()'], /--user-id: .*character 8/],
      [['connect-redis', '--from', 'redis://h', '--lifetime', '3 weeks'], /duration such as/],
    ];
    for (const [args, message] of cases) {
      const { code, err } = await runCli(['import', ...args], store);
      assert.equal(code, 2, `${args.join(' ')}: ${err}`);
      assert.match(err, message);
    }
    assert.equal(existsSync(join(folder.path, 'store')), false);
  });

  test('an export is imported from a file, named alone or with --input, or from standard input', async (t) => {
    const source = await temporaryStore('lmdb');
    t.after(() => source.remove());
    const server = await TestServer.over(source);
    await server.createSession('ada');
    await server.leave();
    const folder = temporaryFolder();
    t.after(() => folder.remove());
    const file = join(folder.path, 'connect-redis');
    assert.equal((await runCli(['export', '--output', file], source.env)).code, 0);
    const ways: [args: string[], input: string][] = [
      [[file], ''],
      [['--input', file], ''],
      [[], readFileSync(file, 'utf8')],
    ];
    for (const [i, [args, input]] of ways.entries()) {
      const { code, err } = await runCli(
        ['import', ...args],
        { CURFEW_STORE: `lmdb:${join(folder.path, String(i))}` },
        input,
      );
      assert.equal(code, 0, err);
      assert.match(err, /records imported/);
    }
    writeFileSync(join(folder.path, 'not-an-export'), 'hello\n');
    const { code, err } = await runCli(['import', join(folder.path, 'not-an-export')], {
      CURFEW_STORE: `lmdb:${join(folder.path, 'x')}`,
    });
    assert.deepEqual([code, /The export is damaged/.test(err)], [1, true]);
  });

  test('servers do not take a store made from an export for one that was failed over', async (t) => {
    const [source, store] = [await temporaryStore('lmdb'), await temporaryStore()];
    t.after(() => Promise.all([source.remove(), store.remove()]));
    const secret = { CURFEW_SECRET_KEY: randomBytes(32).toString('hex') };
    const before = await TestServer.over(source, secret);
    await before.createSession('ada');
    await before.leave();
    const { out } = await runCli(['export'], { ...source.env, ...secret });
    const { code, err } = await runCli(['import'], { ...store.env, ...secret }, out);
    assert.equal(code, 0, err);
    const server = await TestServer.over(store, { ...secret, CURFEW_END_ALL_AFTER_FAILOVER: 'true' });
    t.after(() => server.leave());
    const call = async (method: string, path: string) =>
      (await server.call(method, path, undefined, { as: before.key })).body;
    const { receipt } = await call('DELETE', '/v1/users/nobody/sessions');
    assert.ok(receipt.waitedMs < 2000, JSON.stringify(receipt));
    const { sessions } = await call('GET', '/v1/sessions');
    assert.deepEqual(
      sessions.map(({ userId, status }: Json) => [userId, status]),
      [['ada', 'active']],
    );
    assert.deepEqual((await call('GET', '/v1/events?type=store.failed_over')).events, []);
  });
});
