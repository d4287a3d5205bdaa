import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import {
  beginning,
  everyone,
  logout,
  nodeRow,
  positionOf,
  StoreFixture,
} from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { Database } from '../../../../packages/curfew/src/stores/postgres/database.ts';
import {
  openPostgresStore,
  type PostgresStore,
  parseLocation,
} from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { migrate } from '../../../../packages/curfew/src/stores/postgres/migrate.ts';
import { recovers } from '../../../../packages/curfew/test/support/recovers.ts';
import { stepsUntil } from './older/index.ts';
import { PostgresServer } from './server.ts';

describe('positions and incarnations on PostgreSQL', () => {
  let server: PostgresServer;
  const open: { close(): Promise<unknown> }[] = [];
  before(async () => {
    server = await PostgresServer.start();
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  after(() => server.dispose());
  const opened = async (url: string): Promise<StoreFixture> => {
    const store: PostgresStore = await openPostgresStore(url);
    open.push(store);
    return new StoreFixture({ store, dispose: async () => {} });
  };

  test('in an earlier schema each entry gets a unique mark, a trimmed log an entry at its head, and no node is lost', async () => {
    const url = await server.createDatabase('earlier');
    const database = new Database(parseLocation(url));
    open.push(database);
    await migrate(database, stepsUntil(2));
    const client = await server.connect('earlier');
    await client.query('SET search_path = curfew');
    for (let i = 0; i < 3; i++) {
      await client.query('SELECT write($1)', [
        JSON.stringify([{ do: 'end_everyone', end: { at: i, actor: 'user:root', reason: 'everyone' } }]),
      ]);
    }
    await client.query('DELETE FROM log WHERE sequence = 3');
    await client.query("INSERT INTO nodes VALUES ('earlier', 7, 2)");
    await client.end();
    const fixture = await opened(url);
    const log = await fixture.log();
    assert.deepEqual(
      log.map(({ sequence }) => sequence),
      [1, 2, 3],
    );
    assert.equal(new Set(log.map(({ mark }) => mark)).size, 3);
    assert.deepEqual(positionOf(await fixture.store.logHead()), positionOf(log[2]!));
    const { nodes } = await fixture.store.listNodes();
    assert.deepEqual(nodes, [{ id: 'earlier', counter: 7, applied: 2, tail: beginning, current: true }]);
    assert.equal((await fixture.store.endEveryone(everyone())).sequence, 4);
  });

  test('a role with rights only to its database can read all of it', async () => {
    const plain = new URL(await server.createDatabase('plain'));
    await server.sql('plain', "CREATE ROLE plain LOGIN PASSWORD 'plain'; GRANT CREATE ON DATABASE plain TO plain");
    [plain.username, plain.password] = ['plain', 'plain'];
    const { store } = await opened(plain.href);
    const { incarnation } = await store.logHead();
    assert.equal((await store.renewNode(nodeRow('n1', 1))).incarnation, incarnation);
    await store.confirmIncarnation(incarnation);
    assert.equal((await store.listNodes()).confirmed, true);
  });

  test('R10: an incarnation survives a restart and a crash of the server, but not a new schema', async () => {
    const url = await server.createDatabase('lasting');
    const { store } = await opened(url);
    const { incarnation } = await store.logHead();
    await store.confirmIncarnation(incarnation);
    for (const end of [() => server.stop(), () => server.kill()]) {
      await end();
      await server.startAgain();
      await recovers(() => store.ping());
      assert.equal((await store.logHead()).incarnation, incarnation);
      assert.equal((await store.listNodes()).confirmed, true);
    }
    await server.sql('lasting', 'DROP SCHEMA curfew CASCADE');
    const anew = await opened(url);
    assert.notEqual((await anew.store.logHead()).incarnation, incarnation);
  });

  test('R10: a database restored from a copy is another incarnation, in which sequences have other marks', async () => {
    const url = await server.createDatabase('kept');
    const fixture = await opened(url);
    await fixture.logOne();
    await open.pop()!.close();
    await server.sql('postgres', 'CREATE DATABASE copy TEMPLATE kept');
    const before = await opened(url);
    const lost = await before.logOne();
    const { incarnation } = await before.store.logHead();
    await before.store.renewNode(nodeRow('n1', 1, lost));
    await before.store.confirmIncarnation(incarnation);
    await open.pop()!.close();
    await server.sql('postgres', 'DROP DATABASE kept WITH (FORCE)');
    await server.sql('postgres', 'ALTER DATABASE copy RENAME TO kept');
    const { store } = await opened(url);
    assert.notEqual((await store.logHead()).incarnation, incarnation);
    await store.confirmIncarnation(incarnation);
    assert.equal((await store.listNodes()).confirmed, false);
    await store.renewNode(nodeRow('n1', 2, lost));
    const { sequence } = await store.endEveryone(everyone());
    assert.equal(sequence, lost.sequence);
    assert.equal((await store.listNodes()).nodes[0]!.current, false);
  });

  test('R4: a renewal’s head is read once the row is visible, so it includes an end that saw no row yet', async () => {
    const url = await server.createDatabase('barrier');
    const [node, ender] = [await opened(url), await opened(url)];
    const { id } = await ender.create();
    const holder = await server.connect('barrier');
    await holder.query('SELECT pg_advisory_lock(1)');
    // The commit of a renewal waits for the holder.
    await server.sql(
      'barrier',
      `CREATE FUNCTION curfew.waits() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
       CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON curfew.renewals DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION curfew.waits()`,
    );
    const renewed = node.store.renewNode(nodeRow('n1', 1));
    const waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND NOT granted";
    while ((await holder.query(waits)).rowCount === 0);
    const outcome = await ender.store.endSession(id, logout());
    assert.deepEqual((await ender.store.listNodes()).nodes, []);
    await holder.end();
    assert.ok(outcome.kind === 'ended');
    assert.equal((await renewed).sequence, outcome.end.sequence);
  });

  test('R2: a delayed renewal does not undo a later one', async () => {
    const { store } = await opened(await server.createDatabase('late'));
    await store.renewNode(nodeRow('n1', 2));
    await store.renewNode(nodeRow('n1', 1));
    assert.equal((await store.listNodes()).nodes[0]!.counter, 2);
    await store.removeNode('n1', 1);
    assert.equal((await store.listNodes()).nodes.length, 1);
  });
});
