import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { StoreFixture } from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { commitCall, endOf } from './changes.ts';
import { PostgresServer } from './server.ts';

type Connection = Awaited<ReturnType<PostgresServer['connect']>>;

/** The interface of a log for this test: a function to append within a transaction, and one to read. */
type Log = {
  append(connection: Connection): Promise<unknown>;
  readAfter(sequence: number): Promise<number[]>;
};

describe('the change log on PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  /** The first of two transactions to append is the last to commit, if the log lets that happen. */
  async function interleave(database: string, log: Log): Promise<{ followed: number[]; all: number[] }> {
    const [first, second] = [await server.connect(database), await server.connect(database)];
    await first.query('BEGIN');
    await second.query('BEGIN');
    await log.append(first);
    const { rows } = await second.query('SELECT pg_backend_pid() AS pid');
    const appended = log.append(second).then(() => 'appended' as const);
    const outcome = await Promise.race([appended, waitsForLock(database, rows[0].pid)]);
    const followed: number[] = [];
    const follow = async () => followed.push(...(await log.readAfter(followed.at(-1) ?? 0)));
    if (outcome === 'appended') await second.query('COMMIT');
    await follow();
    await first.query('COMMIT');
    await follow();
    if (outcome === 'waits') {
      await appended;
      await second.query('COMMIT');
    }
    await follow();
    await first.end();
    await second.end();
    return { followed, all: await log.readAfter(0) };
  }

  async function waitsForLock(database: string, pid: number): Promise<'waits'> {
    for (;;) {
      const { rows } = await server.sql(database, `SELECT wait_event_type FROM pg_stat_activity WHERE pid = ${pid}`);
      if (rows[0]?.wait_event_type === 'Lock') return 'waits';
    }
  }

  test('a follower never skips a sequence that becomes visible later', async () => {
    const store = await openPostgresStore(await server.createDatabase('followed'));
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const sessions = await fixture.createMany(2);
    const { followed, all } = await interleave('followed', {
      append: async (connection) => {
        const end = commitCall(endOf(sessions.pop()!));
        await connection.query('SET LOCAL search_path = curfew');
        await connection.query(`SELECT * FROM ${end}`);
      },
      readAfter: async (sequence) => (await store.readLog(sequence + 1, 100)).map((entry) => entry.sequence),
    });
    assert.deepEqual(
      [followed, all],
      [
        [1, 2],
        [1, 2],
      ],
    );
    await store.close();
  });

  test('with a bigserial instead, the same reader skips one', async () => {
    await server.createDatabase('serial');
    await server.sql('serial', 'CREATE TABLE log (sequence bigserial PRIMARY KEY)');
    const { followed, all } = await interleave('serial', {
      append: (connection) => connection.query('INSERT INTO log DEFAULT VALUES'),
      readAfter: async (sequence) => {
        const text = `SELECT sequence::integer FROM log WHERE sequence > ${sequence} ORDER BY sequence`;
        return (await server.sql('serial', text)).rows.map((row) => row.sequence);
      },
    });
    assert.deepEqual(all, [1, 2]);
    assert.deepEqual(followed, [2], 'the interleaving of this test shows nothing');
  });

  test('a transaction that is rolled back leaves no gap', async () => {
    const store = await openPostgresStore(await server.createDatabase('undone'));
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const sessions = await fixture.createMany(30);
    const connection = await server.connect('undone');
    await connection.query('SET search_path = curfew');
    for (const [i, session] of sessions.entries()) {
      await connection.query('BEGIN');
      await connection.query(`SELECT * FROM ${commitCall(endOf(session))}`);
      await connection.query(randomInt(2) === 0 || i === 0 ? 'ROLLBACK' : 'COMMIT');
    }
    await connection.end();
    const log = await fixture.log();
    assert.ok(log.length < 30);
    assert.deepEqual(
      log.map(({ sequence }) => sequence),
      log.map((_, i) => i + 1),
    );
    assert.equal((await store.logHead()).sequence, log.length);
    assert.equal(await store.countActive(0), 30 - log.length);
    await store.close();
  });
});
