import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type CurfewError, createCurfew } from 'curfew';
import type { Permission } from '../../../../packages/curfew/src/domain/permissions.ts';
import { logout, note, StoreFixture, start, user } from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import {
  encodeAccount,
  encodeEvent,
  encodeKey,
  encodeSession,
} from '../../../../packages/curfew/src/stores/postgres/codec.ts';
import { Database } from '../../../../packages/curfew/src/stores/postgres/database.ts';
import {
  openPostgresStore,
  parseLocation,
  planPostgres,
} from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { migrate, schemaVersion } from '../../../../packages/curfew/src/stores/postgres/migrate.ts';
import { migrations } from '../../../../packages/curfew/src/stores/postgres/migrations/index.ts';
import { account, key, layoutOf } from '../../../../packages/curfew/test/support/layout.ts';
import { newestOlder, stepsUntil } from './older/index.ts';
import { PostgresServer } from './server.ts';

/** Every error of an opening names the problem, and never the password. */
async function refused(url: string): Promise<CurfewError> {
  const error = await openPostgresStore(url).then(
    async (store) => {
      await store.close();
      return assert.fail(`${url} was opened`);
    },
    (fault: CurfewError) => fault,
  );
  assert.doesNotMatch(`${error.message} ${JSON.stringify(error.facts)}`, /hunter2/);
  assert.ok(error.remedy.length > 20);
  return error;
}

describe('opening a store on PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  const tables = async (database: string) => {
    const { rows } = await server.sql(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'curfew'");
    return Number(rows[0].count);
  };

  test('a wrong URL is refused with what is wrong with it', async () => {
    const wrong: [string, RegExp][] = [
      ['postgres://curfew:hunter2@localhost:port/db', /must be postgres:\/\/user:password@host:port\/database/],
      ['postgres://curfew:hunter2@localhost/', /names no database/],
      ['postgres://curfew:hunter2@localhost/db?schema=Robert%27);', /schema=Robert'\);/],
      ['postgres://curfew:hunter2@localhost/db?connections=many', /connections=many/],
      ['postgres://curfew:hunter2@localhost/db?statement_timeout=1', /statement_timeout=1, .* from 100/],
    ];
    for (const [url, says] of wrong) {
      const error = await refused(url);
      assert.equal(error.code, 'config_invalid');
      assert.match(error.message, says);
      assert.match(error.message, /CURFEW_STORE/);
    }
    await assert.rejects(createCurfew({ store: 'mysql://root:hunter2@localhost/db' }), (error: CurfewError) => {
      assert.equal(error.code, 'config_invalid');
      assert.match(error.message, /"mysql:" is not a kind of store; it must be lmdb:folder \| postgres:/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });

  test('an unreachable server, a wrong password, a missing database and a missing right each have their own error', async () => {
    const host = `127.0.0.1:${server.port}`;
    await server.sql('postgres', "CREATE ROLE guest LOGIN PASSWORD 'hunter2'");
    const expected: [string, string, RegExp][] = [
      ['postgres://curfew:hunter2@127.0.0.1:1/db', 'store_unavailable', /127\.0\.0\.1:1\/db: .*ECONNREFUSED/],
      ['postgres://curfew:hunter2@no.such.host.invalid/db', 'store_unavailable', /no\.such\.host\.invalid/],
      [`postgres://postgres:hunter2@${host}/postgres`, 'store_login_refused', /password authentication failed/],
      [`postgres://postgres@${host}/postgres`, 'store_login_refused', /password/],
      [`postgres://nobody:hunter2@${host}/postgres`, 'store_login_refused', /nobody/],
      [server.url('missing'), 'store_database_missing', /"missing" does not exist/],
      [`postgres://guest:hunter2@${host}/postgres`, 'store_denied', /permission denied/],
    ];
    for (const [url, code, says] of expected) {
      const error = await refused(url);
      assert.equal(error.code, code, error.message);
      assert.match(error.message, says);
    }
  });

  test('a store on a server requires a shared secret key: without one no server starts', async () => {
    const url = await server.createDatabase('keyless');
    await assert.rejects(createCurfew({ store: url }), (error: CurfewError) => {
      assert.equal(error.code, 'config_invalid');
      assert.match(error.message, /CURFEW_SECRET_KEY/);
      return true;
    });
  });

  test('of many that open an empty database at once, one creates the schema and all succeed', async () => {
    const url = await server.createDatabase('crowded');
    const stores = await Promise.all(Array.from({ length: 8 }, () => openPostgresStore(url)));
    await Promise.all(stores.map((store) => store.ping()));
    const { rows } = await server.sql('crowded', 'SELECT number, name FROM curfew.migrations ORDER BY number');
    assert.deepEqual(
      rows,
      migrations.map(({ number, name }) => ({ number, name })),
    );
    for (const store of stores) await store.close();
  });

  test('a plan lists what opening would do, and does nothing', async () => {
    const url = await server.createDatabase('planned');
    const plan = await planPostgres(url);
    assert.deepEqual([plan.version, plan.pending.length], [0, migrations.length]);
    assert.equal(await tables('planned'), 0);
    await (await openPostgresStore(url)).close();
    assert.deepEqual((await planPostgres(url)).pending, []);
  });

  test('a failed step leaves nothing of itself or of the steps with it', async () => {
    const url = await server.createDatabase('broken');
    const database = new Database(parseLocation(url));
    const bad = { number: 99, name: 'bad', sql: 'CREATE TABLE half (a integer); SELECT nonsense' };
    await assert.rejects(migrate(database, [...migrations, bad]), /nonsense/);
    assert.equal(await tables('broken'), 0);
    await migrate(database);
    await assert.rejects(migrate(database, [...migrations, bad]), /nonsense/);
    assert.equal((await planPostgres(url)).version, schemaVersion);
    const good = { number: 99, name: 'good', sql: 'CREATE TABLE whole (a integer)' };
    const done = await migrate(database, [...migrations, good]);
    assert.deepEqual(
      done.pending.map(({ number }) => number),
      [99],
    );
    await database.close();
  });

  test('step 8: keys that could attach a verifier get the scope for it, whatever their names contain', async (t) => {
    const url = await server.createDatabase('attaching');
    const database = new Database(parseLocation(url));
    await migrate(database, stepsUntil(7));
    const fixture = new StoreFixture({ store: undefined as never, dispose: async () => {} });
    const names = ['plain', '"scopes":["sessions.verify"', 'sessions.verify', 'a\u0000b', '\\"scopes\\":['];
    const keys = names.flatMap((name) => [
      { ...fixture.key(['sessions.read', 'sessions.verify']), name },
      { ...fixture.key(['sessions.read']), name },
    ]);
    for (const key of keys) {
      const { id, data } = encodeKey(key);
      await server.sql('attaching', `INSERT INTO curfew.keys VALUES ('${id}', NULL, $text$${data}$text$)`);
    }
    await database.close();
    const store = await openPostgresStore(url);
    t.after(() => store.close());
    for (const key of keys) {
      const more: Permission[] = key.scopes.length === 2 ? ['fence.attach'] : [];
      assert.deepEqual(await store.readKey(key.id), { ...key, scopes: [...key.scopes, ...more] });
    }
  });

  test('step 15: users keep their epochs and their numbers of active sessions', async (t) => {
    const url = await server.createDatabase('counted');
    const database = new Database(parseLocation(url));
    await migrate(database, stepsUntil(14));
    await database.close();
    // The functions of then write rows that a store of today has made elsewhere.
    const model = await openPostgresStore(await server.createDatabase('model'));
    const models = new StoreFixture({ store: model, dispose: async () => {} });
    const [first] = await models.createMany(3, { userId: 'ada' });
    await models.createMany(2, { userId: 'bob' });
    await model.close();
    const { rows } = await server.sql('model', 'SELECT to_jsonb(s) AS session FROM curfew.sessions s ORDER BY id');
    const end = { at: start, actor: 'user:ada', reason: 'logout' };
    const writes = [
      ...rows.map(({ session }) => ({
        do: 'create_session',
        now: start,
        session,
        event: { type: 'session.created', at: start, user_id: session.user_id, session_id: session.id, data: '{}' },
      })),
      { do: 'end_session', id: first!.id, end },
      { do: 'end_sessions_of_user', user_id: 'bob', end: { ...end, actor: 'user:bob', reason: 'all_of_user' } },
    ];
    const earlier = await server.connect('counted');
    await earlier.query('SET search_path = curfew');
    const write = (one: unknown) => earlier.query('SELECT write($1)', [JSON.stringify([one])]);
    for (const one of writes) await write(one);
    const store = await openPostgresStore(url);
    t.after(() => store.close());
    // A server of that version that still runs changes nothing any more.
    await assert.rejects(write(writes.at(-1)), /function write\(unknown\) does not exist/);
    await earlier.end();
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const state = async (userId: string) => [
      (await store.readUser(user(userId))).epochs.user,
      await store.countActive(start + 10, user(userId)),
    ];
    assert.deepEqual(
      [await state('ada'), await state('bob')],
      [
        [0, 2],
        [1, 0],
      ],
    );
    for (const userId of ['ada', 'bob']) {
      const { id } = await fixture.create({ userId });
      await fixture.create({ userId });
      await store.endSession(id, logout());
    }
    assert.deepEqual(
      [await state('ada'), await state('bob')],
      [
        [0, 3],
        [1, 1],
      ],
    );
    assert.equal(await store.countActive(start + 10), 4);
  });

  test('a schema of each earlier version becomes the same as a new one', async () => {
    const shapeOf = async (database: string) => {
      const { rows } = await server.sql(
        database,
        `WITH here AS (SELECT 'curfew'::regnamespace AS oid)
         SELECT format('column %s.%s %s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
             a.attnotnull, (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
               WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)) AS text
           FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN here ON c.relnamespace = here.oid
           WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
         UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'curfew'
         UNION ALL SELECT format('%s %s %s', c.relname, c.relpersistence, c.reloptions) FROM pg_class c JOIN here
           ON c.relnamespace = here.oid WHERE c.relkind = 'r'
         UNION ALL SELECT format('%s: %s', conrelid::regclass, pg_get_constraintdef(c.oid)) FROM pg_constraint c JOIN here
           ON connamespace = here.oid WHERE contype <> 'n'
         UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN here
           ON c.relnamespace = here.oid WHERE NOT t.tgisinternal
         UNION ALL SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN here ON p.pronamespace = here.oid
         UNION ALL SELECT format('type %s', t.typname) FROM pg_type t JOIN here ON t.typnamespace = here.oid
         ORDER BY text`,
      );
      return rows.map(({ text }) => text as string);
    };
    await (await openPostgresStore(await server.createDatabase('fresh'))).close();
    const fresh = await shapeOf('fresh');
    assert.ok(fresh.length > 150, `only ${fresh.length} parts`);
    for (let version = 1; version <= newestOlder; version++) {
      const url = await server.createDatabase(`version_${version}`);
      const database = new Database(parseLocation(url));
      await migrate(database, stepsUntil(version));
      await database.close();
      await (await openPostgresStore(url)).close();
      assert.deepEqual(await shapeOf(`version_${version}`), fresh, `version ${version}`);
    }
  });

  test('functions that an application has in the same schema stay, whatever their names', async () => {
    const url = await server.createDatabase('shared');
    const application = "CREATE FUNCTION write(jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT $1'";
    await server.sql('shared', `CREATE SCHEMA curfew; SET search_path = curfew; ${application}`);
    await (await openPostgresStore(url)).close();
    const { rows } = await server.sql('shared', `SELECT curfew.write('"here"') AS answer`);
    assert.equal(rows[0].answer, 'here');
  });

  /** The newest step. */
  const known = { number: 22, hash: '6a3c574ba899b8cd' };

  test('N10.2: a change of the functions is a step of its own', () => {
    const { number, sql } = migrations.at(-1)!;
    const hash = createHash('sha256').update(sql).digest('hex').slice(0, 16);
    assert.deepEqual(
      { number, hash },
      known,
      'give the step of the functions the next number, and write both down here',
    );
  });

  test('N10.2: the shape of what a row holds as JSON belongs to the number of the newest step', () => {
    const session = {
      ...StoreFixture.prototype.plan.call(undefined as never),
      userAgent: 'curl/8',
      openedWith: ['sessions.create' as const],
    };
    const event = { ...note('login.failed'), reason: 'logout' as const, details: { address: '192.0.2.1' } };
    assert.deepEqual(
      {
        number: known.number,
        session: layoutOf(encodeSession(session)['data']),
        event: layoutOf(encodeEvent(event)['data']),
        account: layoutOf(encodeAccount(account)['data']),
        key: layoutOf(encodeKey(key)['data']),
      },
      {
        number: 22,
        session: 'JSON [{type: string} string {} number]',
        event: 'JSON {by: string, reason: string, details: {address: string}}',
        account:
          'JSON {pendingEmail: string, name: string, roles: [string], permissions: [string], disabled: boolean, createdAt: number, updatedAt: number, lastLoginAt: number, passwordHash: string, factor: {sealedSecret: string, confirmedAt: number, lastStep: number, backupCodes: [string]}}',
        key: 'JSON {name: string, scopes: [string], createdAt: number, createdBy: string, lastUsedAt: number, hash: string}',
      },
    );
  });

  test('a schema newer than the program is refused and left as it was', async () => {
    const url = await server.createDatabase('newer');
    await (await openPostgresStore(url)).close();
    await server.sql('newer', "INSERT INTO curfew.migrations VALUES (1000, 'from the future')");
    const before = await tables('newer');
    const error = await refused(url);
    assert.equal(error.code, 'store_version');
    assert.match(error.message, /has version 1000; this version of Curfew knows \d+/);
    assert.equal(await tables('newer'), before);
  });
});
