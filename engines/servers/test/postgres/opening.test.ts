import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type CurfewError, createCurfew } from 'curfew';
import type { Permission } from '../../../../packages/curfew/src/domain/permissions.ts';
import { logout, StoreFixture, start, user } from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { encodeKey } from '../../../../packages/curfew/src/stores/postgres/codec.ts';
import { Database } from '../../../../packages/curfew/src/stores/postgres/database.ts';
import {
  openPostgresStore,
  parseLocation,
  planPostgres,
} from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { migrate, schemaVersion } from '../../../../packages/curfew/src/stores/postgres/migrate.ts';
import { migrations } from '../../../../packages/curfew/src/stores/postgres/migrations/index.ts';
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
    await migrate(
      database,
      migrations.filter(({ number }) => number < 8),
    );
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
    await migrate(
      database,
      migrations.filter(({ number }) => number < 15),
    );
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
    for (const one of writes) await earlier.query('SELECT write($1)', [JSON.stringify([one])]);
    await earlier.end();
    const store = await openPostgresStore(url);
    t.after(() => store.close());
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
