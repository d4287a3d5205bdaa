import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createVerifier } from 'curfew-client/verifier';
import { Client } from 'pg';
import { day, hour, minute } from '../../../packages/curfew/src/domain/limits.ts';
import type { ImportReceipt } from '../../../packages/curfew/src/import-sessions.ts';
import { UsersTable } from '../../../packages/curfew/src/sources/users-table.ts';
import { temporaryFolder } from '../../../packages/curfew/test/stores/harness.ts';
import { clientFor, runCli } from '../../../packages/curfew/test/support/process.ts';
import { RedisServer, redisInstalled, tellRedis } from '../../../packages/curfew/test/support/redis.ts';
import { type Json, TestServer } from '../../../packages/curfew/test/support/server.ts';
import { type TemporaryStore, temporaryStore } from '../../../packages/curfew/test/support/store.ts';
import { PostgresServer } from '../../servers/test/postgres/server.ts';
import {
  connectPgSimpleStore,
  connectRedisStore,
  curfewStoreOf,
  expressApplication,
  movedApplication,
  type SignedIn,
  signInWithAuthJs,
  signInWithBetterAuth,
  signInWithLucia,
} from './writers.ts';

let postgres: PostgresServer;
let redis: RedisServer;
let databases = 0;
before(async () => {
  postgres = await PostgresServer.start(['fsync=off']);
  if (redisInstalled) redis = await RedisServer.start('--databases', '100', '--appendonly', 'no');
});
after(async () => {
  await postgres?.dispose();
  await redis?.remove();
});

type Test = { after(done: () => unknown): void };

async function emptyStore(t: Test, kind?: string): Promise<TemporaryStore> {
  const store = await temporaryStore(kind);
  t.after(() => store.remove());
  return store;
}

async function importInto(store: TemporaryStore, ...args: string[]): Promise<ImportReceipt> {
  const { code, out, err } = await runCli(['import', ...args, '--json'], store.env);
  assert.equal(code, 0, err || out);
  return JSON.parse(out);
}

const needsRedis = { skip: redisInstalled ? false : 'redis-server is not installed' };
const newRedis = () => `${redis.url}/${++databases}`;

/** What a server says of an old cookie, given what it proves. */
async function verify(server: TestServer, kind: string, { secret }: SignedIn): Promise<Json> {
  return (await server.call('POST', '/v1/sessions/verify', { alias: { kind, secret } })).body;
}

/** The old cookie is that of the user's session here; another one is not; and none is once the session has ended. */
async function provesItself(server: TestServer, kind: string, cookie: SignedIn): Promise<Json> {
  const verdict = await verify(server, kind, cookie);
  assert.equal(verdict.active, true, JSON.stringify(verdict));
  assert.equal(verdict.session.userId, cookie.userId);
  assert.equal((await verify(server, kind, { ...cookie, secret: `${cookie.secret}x` })).active, false);
  await server.call('DELETE', `/v1/sessions/${verdict.session.id}`);
  assert.equal((await verify(server, kind, cookie)).active, false);
  return verdict.session;
}

/** Imports what one of these programs wrote, and returns the session that its cookie leads to, as it was before its first use here. */
async function movesFrom(t: Test, kind: string, from: string, alias: string, cookie: SignedIn): Promise<Json> {
  const store = await emptyStore(t, 'lmdb');
  const { imported, refused } = await importInto(store, kind, '--from', from);
  assert.deepEqual([imported, refused], [1, 0]);
  const server = await TestServer.over(store);
  t.after(() => server.leave());
  const { sessions } = (await server.call('GET', `/v1/sessions?user=${encodeURIComponent(cookie.userId)}`)).body;
  const proven = await provesItself(server, alias, cookie);
  assert.equal(sessions[0].id, proven.id);
  return sessions[0];
}

function near(time: string, expected: number, within = minute): void {
  assert.ok(Math.abs(Date.parse(time) - expected) < within, `${time} is not near ${new Date(expected).toISOString()}`);
}

describe('a program of express-session signs somebody in, and nobody has to sign in again', () => {
  test(
    'with connect-redis, while servers run on the store: the cookie works on all of them, and on none after its end',
    needsRedis,
    async (t) => {
      const from = newRedis();
      const kept = await connectRedisStore(from);
      t.after(() => kept.close());
      const application = await expressApplication(kept.store);
      t.after(() => application.close());
      const cookie = await application.signIn('ada');
      const other = await application.signIn('ada');
      assert.equal(await application.visit(cookie.cookie), 'ada');

      const server = await TestServer.start({}, undefined, 'postgres');
      t.after(() => server.close());
      const second = await server.another();
      t.after(() => second.leave());
      const { body: key } = await server.call('POST', '/v1/keys', {
        name: 'app',
        scopes: ['sessions.verify', 'fence.attach'],
      });
      const verifier = createVerifier({ url: second.url, key: key.token });
      t.after(() => verifier.close());

      const { code, out, err } = await runCli(['import', 'connect-redis', '--from', from, '--json'], server.env);
      assert.equal(code, 0, err);
      assert.equal(JSON.parse(out).imported, 2);

      const alias = { kind: 'express-session', secret: cookie.secret };
      for (const one of [server, second])
        assert.equal((await verify(one, 'express-session', cookie)).session.userId, 'ada');
      assert.equal((await verifier.verify({ alias })).active, true);
      const moved = await movedApplication(verifier);
      t.after(() => moved.close());
      assert.deepEqual(await moved.visit(cookie.cookie), { status: 200, text: 'ada' });
      const same = await expressApplication(curfewStoreOf(verifier, clientFor(second, server.key)));
      t.after(() => same.close());
      assert.equal(await same.visit(cookie.cookie), 'ada');
      assert.equal((await moved.visit(cookie.cookie.replace(cookie.secret, other.secret))).status, 401);
      const { session } = await verify(server, 'express-session', cookie);
      const { sessions } = (await server.call('GET', '/v1/sessions/data?kind=express-session')).body;
      assert.deepEqual(
        (sessions as Json[]).map(({ data }) => JSON.parse(data).theme),
        ['dark', 'dark'],
      );
      assert.equal((await server.call('DELETE', `/v1/sessions/${session.id}`)).status, 200);
      for (const one of [server, second]) assert.equal((await verify(one, 'express-session', cookie)).active, false);
      assert.equal((await verifier.verify({ alias })).active, false);
      assert.equal((await moved.visit(cookie.cookie)).status, 401);
      assert.equal(await same.visit(cookie.cookie), 'nobody');
      assert.equal((await verify(second, 'express-session', other)).active, true, 'another device was signed out');
    },
  );

  test('with connect-pg-simple: in the zone of the database, and after a visit that moved the end', async (t) => {
    const from = await postgres.createDatabase();
    await postgres.sql(
      'postgres',
      `ALTER DATABASE ${new URL(from).pathname.slice(1)} SET timezone = 'Pacific/Auckland'`,
    );
    const kept = connectPgSimpleStore(from);
    t.after(() => kept.close());
    const application = await expressApplication(kept.store);
    t.after(() => application.close());
    const cookie = await application.signIn('ada');
    const moved = Date.now() + 2 * day;
    await postgres.sql(new URL(from).pathname.slice(1), `UPDATE session SET expire = to_timestamp(${moved / 1000})`);
    const session = await movesFrom(t, 'connect-pg-simple', from, 'express-session', cookie);
    near(session.idleExpiresAt, moved);
  });
});

test('Better Auth with its table', async (t) => {
  const from = await postgres.createDatabase();
  const cookie = await signInWithBetterAuth(from);
  const session = await movesFrom(t, 'better-auth', from, 'better-auth', cookie);
  near(session.idleExpiresAt, Date.now() + 7 * day);
  near(session.createdAt, Date.now());
  assert.equal(
    session.device.browser?.name ?? session.userAgent.includes('Firefox'),
    session.device.browser?.name ?? true,
  );
  assert.equal(session.ip, '192.0.2.7');
});

test('Better Auth with its secondary storage in a Redis', needsRedis, async (t) => {
  const from = newRedis();
  const cookie = await signInWithBetterAuth(await postgres.createDatabase(), from);
  const session = await movesFrom(t, 'better-auth', from, 'better-auth', cookie);
  near(session.idleExpiresAt, Date.now() + 7 * day);
  near(session.createdAt, Date.now());
  assert.equal(session.ip, '192.0.2.7');
});

test('what Better Auth has ended for all of a user is not imported', needsRedis, async (t) => {
  const from = newRedis();
  const { userId } = await signInWithBetterAuth(await postgres.createDatabase(), from);
  // As it writes that itself, before it deletes the sessions that it knows of.
  await tellRedis(from, 'SET', `better-auth:revoked-sessions-before-${userId}`, String(Date.now() + 1));
  const store = await emptyStore(t, 'lmdb');
  const { out } = await runCli(['import', 'better-auth', '--from', from, '--json'], store.env);
  const { expired, imported } = JSON.parse(out) as ImportReceipt;
  assert.deepEqual([expired, imported], [1, 0]);
});

test('Auth.js with @auth/pg-adapter', async (t) => {
  const from = await postgres.createDatabase();
  const cookie = await signInWithAuthJs(from);
  near((await movesFrom(t, 'authjs', from, 'authjs', cookie)).idleExpiresAt, Date.now() + 30 * day);
});

test('times without a zone are read in that of the connection; the receipt names it unless that is sure to be right', async (t) => {
  const from = await postgres.createDatabase();
  const database = new URL(from).pathname.slice(1);
  await postgres.sql('postgres', `ALTER DATABASE ${database} SET timezone = 'Pacific/Auckland'`);
  // As Prisma makes the table of Auth.js; it keeps UTC.
  const end = Date.now() + 20 * day;
  await postgres.sql(
    database,
    `CREATE TABLE sessions ("sessionToken" text PRIMARY KEY, "userId" text NOT NULL, expires timestamp(3) NOT NULL);
     INSERT INTO sessions VALUES ('a', 'ada', to_timestamp(${end / 1000}) AT TIME ZONE 'UTC')`,
  );
  const { notes } = await importInto(await emptyStore(t, 'lmdb'), 'authjs', '--from', from, '--dry-run');
  assert.equal(notes.length, 1);
  assert.match(notes[0]!, /table sessions, the times in expires .*Pacific\/Auckland.*\?options=-c%20timezone%3DUTC/);

  const store = await emptyStore(t, 'lmdb');
  const right = await importInto(store, 'authjs', '--from', `${from}?options=-c%20timezone%3DUTC`);
  assert.deepEqual([right.imported, right.notes], [1, []]);
  const server = await TestServer.over(store);
  const { session } = await verify(server, 'authjs', { userId: 'ada', cookie: '', secret: 'a' });
  await server.leave();
  near(session.idleExpiresAt, end);

  await postgres.sql(database, 'ALTER TABLE sessions ALTER expires TYPE timestamptz');
  assert.deepEqual((await importInto(store, 'authjs', '--from', from)).notes, []);
  await postgres.sql(
    database,
    `CREATE TABLE session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
     INSERT INTO session VALUES ('a', '{"cookie":{},"passport":{"user":"ada"}}', now() + interval '1 hour')`,
  );
  const simple = await importInto(store, 'connect-pg-simple', '--from', from);
  assert.deepEqual([simple.imported, simple.notes], [1, []]);
});

test('Lucia 3 with its adapter for PostgreSQL, and what it keeps with a session', async (t) => {
  const from = await postgres.createDatabase();
  const cookie = await signInWithLucia(from);
  const session = await movesFrom(t, 'lucia', from, 'lucia', cookie);
  near(session.idleExpiresAt, Date.now() + 30 * day);
  assert.deepEqual(session.metadata, { country: 'NZ' });
});

describe('Django', () => {
  const fixture = new URL('../../../packages/curfew/test/fixtures/django-sessions.json', import.meta.url);
  const { secretKey, sessions } = JSON.parse(readFileSync(fixture, 'utf8')) as {
    secretKey: string;
    sessions: Record<string, { text: string }>;
  };

  /** The table that Django's migration makes, with a session of each format. */
  async function django(ends: (name: string) => string = () => "now() + interval '2 weeks'"): Promise<string> {
    const from = await postgres.createDatabase();
    const rows = Object.entries(sessions).map(([name, { text }]) => `('key-${name}', '${text}', ${ends(name)})`);
    await postgres.sql(
      new URL(from).pathname.slice(1),
      `CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
       INSERT INTO django_session VALUES ${rows.join(', ')}`,
    );
    return from;
  }

  const counts = ({ imported, withoutUser, refused, reasons }: ImportReceipt) => ({
    imported,
    withoutUser,
    refused,
    reasons: Object.fromEntries(reasons.map(({ reason, count }) => [reason, count])),
  });

  test('each format of session data; the signature is checked with the key', async (t) => {
    const folder = temporaryFolder();
    t.after(() => folder.remove());
    const [right, wrong] = [join(folder.path, 'right'), join(folder.path, 'wrong')];
    writeFileSync(right, `${secretKey}\n`);
    writeFileSync(wrong, 'the key of another application\n');
    const from = await django();
    const store = await emptyStore(t, 'lmdb');
    const run = async (...more: string[]) =>
      JSON.parse((await runCli(['import', 'django', '--from', from, '--json', ...more], store.env)).out);
    assert.deepEqual(counts(await run('--secret', wrong)), {
      imported: 0,
      withoutUser: 0,
      refused: 6,
      reasons: { wrong_signature: 6 },
    });
    assert.deepEqual(counts(await run('--secret', right)), {
      imported: 3,
      withoutUser: 1,
      refused: 2,
      reasons: { pickled_data: 2 },
    });
    const server = await TestServer.over(store);
    t.after(() => server.leave());
    const session = await provesItself(server, 'django', { userId: '7', cookie: '', secret: 'key-earlier' });
    near(session.expiresAt, Date.now() + 14 * day);
    assert.equal(session.metadata.name, 'Zoë 🦉');
  });

  const ofUsers = JSON.parse(
    readFileSync(new URL('../../../packages/curfew/test/fixtures/django-users.json', import.meta.url), 'utf8'),
  ) as {
    secretKey: string;
    users: { id: number; password: string; isActive: boolean }[];
    sessions: Record<string, string>;
  };
  const ids: Record<string, { type: string; of(id: number): string }> = {
    'integer that counts up': { type: 'integer', of: String },
    UUID: { type: 'uuid', of: (id) => `00000000-0000-4000-8000-${String(id).padStart(12, '0')}` },
    name: { type: 'varchar(40)', of: (id) => `user "${id}"` },
  };

  /** Sessions and their users, as Django's migrations make the tables. */
  async function djangoWithUsers(table = 'auth_user', active = true): Promise<string> {
    const from = await postgres.createDatabase();
    const sessions = Object.entries(ofUsers.sessions).map(
      ([name, text]) => `('key-${name}', '${text}', now() + interval '2 weeks')`,
    );
    // Enough that there are several pieces.
    const many = `INSERT INTO django_session
      SELECT 'key-' || i, '${ofUsers.sessions['after']}', now() + interval '2 weeks' FROM generate_series(1, 2500) AS i`;
    const users = ofUsers.users.map(
      ({ id, password, isActive }) => `(${id}, '${password}'${active ? `, ${isActive}` : ''})`,
    );
    await postgres.sql(
      new URL(from).pathname.slice(1),
      `CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
       INSERT INTO django_session VALUES ${sessions.join(', ')};
       ${many};
       CREATE TABLE ${table} (id serial PRIMARY KEY, password varchar(128) NOT NULL${active ? ', is_active boolean NOT NULL' : ''});
       INSERT INTO ${table} VALUES ${users.join(', ')}`,
    );
    return from;
  }

  /** Runs the import with the key of the application. */
  async function importWithKey(t: Test, from: string, ...more: string[]) {
    const folder = temporaryFolder();
    t.after(() => folder.remove());
    const file = join(folder.path, 'key');
    writeFileSync(file, ofUsers.secretKey);
    const store = await emptyStore(t, 'lmdb');
    const { code, out, err } = await runCli(
      ['import', 'django', '--from', from, '--secret', file, '--json', ...more],
      store.env,
    );
    return { code, store, told: (out && JSON.parse(out)) as ImportReceipt, err };
  }

  test('a session from before its user changed the password is refused, as Django does, and one of an inactive user', async (t) => {
    const { store, told } = await importWithKey(t, await djangoWithUsers());
    assert.deepEqual(counts(told), {
      imported: 2502,
      withoutUser: 0,
      refused: 3,
      reasons: { password_changed: 1, user_inactive: 1, user_deleted: 1 },
    });
    assert.deepEqual(told.notes, []);
    const server = await TestServer.over(store);
    t.after(() => server.leave());
    const says = (name: string) => verify(server, 'django', { userId: '7', cookie: '', secret: `key-${name}` });
    for (const name of ['before', 'inactive', 'deleted']) assert.equal((await says(name)).active, false, name);
    for (const name of ['after', 'inactiveAllowed', '1', '2500']) assert.equal((await says(name)).active, true, name);
    const { session } = await says('after');
    assert.deepEqual(session.metadata.cart, [7]);
    assert.equal('_auth_user_hash' in session.metadata, false, 'the hash of the password was kept');
  });

  test('a model of users of one’s own is named by its table; it may have no column that says who is active', async (t) => {
    const from = await djangoWithUsers('"Shop""s people"', false);
    const { told } = await importWithKey(t, from, '--users-table', 'Shop"s people');
    assert.deepEqual(counts(told).reasons, { password_changed: 1, user_deleted: 1 });
    assert.deepEqual(told.notes, []);
    const absent = await importWithKey(t, from, '--users-table', 'nobody');
    assert.equal(absent.code, 1);
    const { error } = JSON.parse(absent.err);
    assert.equal(error.code, 'source_unreadable');
    assert.match(error.message, /no table nobody/);
    assert.match(error.remedy, /--users-table/);
  });

  test('the users are those in the schema of the sessions, not those of another tenant', async (t) => {
    const from = await djangoWithUsers();
    await postgres.sql(
      new URL(from).pathname.slice(1),
      `CREATE SCHEMA tenant1;
       ALTER TABLE django_session SET SCHEMA tenant1;
       ALTER TABLE auth_user SET SCHEMA tenant1;
       CREATE TABLE auth_user (LIKE tenant1.auth_user INCLUDING ALL);
       INSERT INTO auth_user SELECT id, 'another', true FROM tenant1.auth_user`,
    );
    const { told } = await importWithKey(t, from, '--table', 'tenant1.django_session');
    assert.deepEqual(counts(told).reasons, { password_changed: 1, user_inactive: 1, user_deleted: 1 });
    const other = await importWithKey(t, from, '--table', 'tenant1.django_session', '--users-table', 'auth_user');
    assert.equal(other.told.imported, 0);
  });

  for (const [what, { type, of }] of Object.entries(ids)) {
    test(`users whose primary key is a ${what} are found`, async (t) => {
      const from = await djangoWithUsers();
      const database = new URL(from).pathname.slice(1);
      const rows = ofUsers.users.map(({ id, password }) => `('${of(id)}', '${password}')`);
      await postgres.sql(
        database,
        `CREATE TABLE people (key ${type} PRIMARY KEY, password text NOT NULL); INSERT INTO people VALUES ${rows.join(', ')}`,
      );
      const client = new Client({ connectionString: from });
      await client.connect();
      t.after(() => client.end());
      const users = await UsersTable.open(client, '"people"');
      const wanted = [...ofUsers.users.map(({ id }) => of(id)), of(9), 'nobody', '', '99999999999999999999', 'a\0b'];
      const found = await users.find(new Set(wanted));
      assert.deepEqual(
        ofUsers.users.map(({ id }) => found.get(of(id))?.password),
        ofUsers.users.map(({ password }) => password),
      );
      assert.equal(found.size, ofUsers.users.length);
    });
  }

  test('without a key, or without a table of users that can be read, the receipt says what was not checked', async (t) => {
    const from = await djangoWithUsers();
    const store = await emptyStore(t, 'lmdb');
    const { notes } = await importInto(store, 'django', '--from', from, '--dry-run');
    assert.match(notes.join(), /NOT CHECKED: without --secret, .*changed their passwords/);
    const database = new URL(from).pathname.slice(1);
    await postgres.sql(database, "CREATE ROLE importer LOGIN PASSWORD 'x'; GRANT SELECT ON django_session TO importer");
    const denied = await importWithKey(t, `postgres://importer:x@127.0.0.1:${postgres.port}/${database}`);
    assert.equal(denied.told.imported, 2505);
    assert.match(denied.told.notes.join(), /NOT CHECKED: whether users .*permission denied.*--users-table/);
    await postgres.sql(database, 'ALTER TABLE auth_user RENAME TO shop_user');
    const absent = await importWithKey(t, from);
    assert.equal(absent.told.imported, 2505);
    assert.match(absent.told.notes.join(), /NOT CHECKED: whether users .*no table auth_user.*--users-table/);
  });

  test('an end that has passed, and one that never comes', async (t) => {
    const from = await django((name) => (name === 'current' ? "now() - interval '1 second'" : "'infinity'"));
    const store = await emptyStore(t, 'lmdb');
    const { out } = await runCli(['import', 'django', '--from', from, '--json'], store.env);
    const told = JSON.parse(out) as ImportReceipt;
    assert.deepEqual([told.expired, told.imported], [1, 2]);
    const server = await TestServer.over(store);
    t.after(() => server.leave());
    assert.equal((await verify(server, 'django', { userId: '7', cookie: '', secret: 'key-current' })).active, false);
    const { session } = await verify(server, 'django', { userId: '7', cookie: '', secret: 'key-compressed' });
    near(session.expiresAt, Date.now() + 30 * day);
  });
});

describe('a table', () => {
  /** A table of sessions with these names of its columns. */
  async function tableWith(columns: string, name = 'sessions'): Promise<string> {
    const from = await postgres.createDatabase();
    await postgres.sql(new URL(from).pathname.slice(1), `CREATE TABLE ${name} (${columns})`);
    return from;
  }
  const failing = async (t: Test, from: string, ...more: string[]) => {
    const store = await emptyStore(t, 'lmdb');
    const { code, err } = await runCli(['import', 'authjs', '--from', from, '--json', ...more], store.env);
    return { code, error: JSON.parse(err).error };
  };

  test('of another name is named by --table, with its schema; names of columns may be written in another way', async (t) => {
    const from = await postgres.createDatabase();
    const database = new URL(from).pathname.slice(1);
    await postgres.sql(
      database,
      `CREATE SCHEMA "My ""Auth"""; CREATE TABLE "My ""Auth""".session_of_user
         (session_token text, user_id bigint, expires timestamptz, note text);
       INSERT INTO "My ""Auth""".session_of_user
         SELECT 'token-' || i, i, now() + interval '1 hour', 'x' FROM generate_series(1, 2500) AS i`,
    );
    const store = await emptyStore(t, 'lmdb');
    const args = ['authjs', '--from', from, '--table', 'My "Auth".session_of_user'];
    assert.equal((await importInto(store, ...args)).imported, 2500);
    const server = await TestServer.over(store);
    t.after(() => server.leave());
    const [unused] = (await server.call('GET', '/v1/sessions?user=2500')).body.sessions;
    const { session } = await verify(server, 'authjs', { userId: '2500', cookie: '', secret: 'token-2500' });
    assert.deepEqual([session.userId, session.metadata], ['2500', { note: 'x' }]);
    near(unused.idleExpiresAt, Date.now() + hour);
  });

  test('that is not there, or lacks a column, is told with the option that helps', async (t) => {
    const from = await tableWith('"sessionToken" text, "userId" text');
    const absent = await failing(t, from, '--table', 'auth.sessions');
    assert.deepEqual([absent.code, absent.error.code], [1, 'source_unreadable']);
    assert.match(absent.error.message, /no table auth\.sessions/);
    assert.match(absent.error.remedy, /--table/);
    const lacking = await failing(t, from);
    assert.match(lacking.error.message, /no column expires; it has sessionToken, userId/);
    const wrong = await failing(t, await tableWith('"sessionToken" text, "userId" text, expires boolean'));
    assert.equal(wrong.error.code, 'source_unreadable');
  });

  test('that may not be read, a wrong password and a server that is away have their own errors, without the password', async (t) => {
    const from = await tableWith('"sessionToken" text, "userId" text, expires timestamptz');
    const database = new URL(from).pathname.slice(1);
    await postgres.sql(database, "CREATE ROLE reader LOGIN PASSWORD 'hunter2'");
    const at = `127.0.0.1:${postgres.port}/${database}`;
    const cases: [url: string, code: number, error: string][] = [
      [`postgres://reader:hunter2@${at}`, 1, 'source_refused'],
      [`postgres://reader:hunter3@${at}`, 1, 'source_refused'],
      [`postgres://reader:hunter2@127.0.0.1:${postgres.port}/absent`, 1, 'source_unreadable'],
      ['postgres://reader:hunter2@127.0.0.1:1/x', 3, 'source_unreachable'],
    ];
    for (const [url, code, expected] of cases) {
      const { code: given, error } = await failing(t, url);
      assert.deepEqual([given, error.code], [code, expected], `${url}: ${error.message}`);
      assert.doesNotMatch(JSON.stringify(error), /hunter/);
    }
  });

  test('is read in one snapshot, by a role that can only read', async (t) => {
    const from = await tableWith('"sessionToken" text, "userId" text, expires timestamptz');
    const database = new URL(from).pathname.slice(1);
    await postgres.sql(
      database,
      `INSERT INTO sessions VALUES ('a', 'ada', now() + interval '1 hour'), (NULL, 'eve', now());
       CREATE ROLE only_reads LOGIN PASSWORD 'x'; GRANT SELECT ON sessions TO only_reads`,
    );
    const store = await emptyStore(t, 'lmdb');
    const { read, imported } = await importInto(
      store,
      'authjs',
      '--from',
      `postgres://only_reads:x@127.0.0.1:${postgres.port}/${database}`,
    );
    assert.deepEqual([read, imported], [1, 1]);
  });
});

test('the later guide of Lucia keeps the hash of what the cookie holds', async (t) => {
  const { createHash } = await import('node:crypto');
  const from = await postgres.createDatabase();
  const id = createHash('sha256').update('the token').digest('hex');
  await postgres.sql(
    new URL(from).pathname.slice(1),
    `CREATE TABLE user_session (id text PRIMARY KEY, user_id text, expires_at timestamptz);
     INSERT INTO user_session VALUES ('${id}', 'ada', now() + interval '1 hour')`,
  );
  await movesFrom(t, 'lucia', from, 'lucia', { userId: 'ada', cookie: '', secret: 'the token' });
});
