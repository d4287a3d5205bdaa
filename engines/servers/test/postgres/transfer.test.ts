import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Store } from '../../../../packages/curfew/src/stores/contract.ts';
import { openLmdbStore } from '../../../../packages/curfew/src/stores/lmdb/index.ts';
import { openPostgresStore, planPostgres } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { exportLines, importLines, splitLines } from '../../../../packages/curfew/src/transfer.ts';
import { emptyStore, temporaryFolder } from '../../../../packages/curfew/test/stores/harness.ts';
import { assertSame, contentsOf, fill } from '../../../../packages/curfew/test/support/filled.ts';
import { runCli } from '../../../../packages/curfew/test/support/process.ts';
import { PostgresServer } from './server.ts';

type Test = { after(done: () => unknown): void };

describe('exporting and importing with PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  async function postgres(t: Test): Promise<Store> {
    const store = await openPostgresStore(await server.createDatabase());
    t.after(() => store.close());
    return store;
  }

  const ways = [
    ['LMDB', 'PostgreSQL', emptyStore, postgres],
    ['PostgreSQL', 'LMDB', postgres, emptyStore],
    ['PostgreSQL', 'PostgreSQL', postgres, postgres],
  ] as const;
  for (const [from, to, openFrom, openTo] of ways) {
    test(`from ${from} to ${to}: the imported store is the same as the exported one and works in the same way`, async (t) => {
      const [one, other] = [await openFrom(t), await openTo(t)];
      await fill(one);
      await importLines(other, splitLines(exportLines(one, undefined, 0)), undefined);
      await assertSame(one, other);
    });
  }

  test('an export shows one moment, whatever is written meanwhile', async (t) => {
    const [one, other] = [await postgres(t), await postgres(t)];
    const context = await fill(one);
    const before = await contentsOf(one);
    const records = one.exportRecords()[Symbol.asyncIterator]();
    const first = await records.next();
    for (const { id } of await context.createMany(50))
      await one.endSession(id, { at: 0, by: 'policy', reason: 'logout' });
    await other.importRecords({
      async *[Symbol.asyncIterator]() {
        yield first.value;
        yield* { [Symbol.asyncIterator]: () => records };
      },
    });
    assert.deepEqual(await contentsOf(other), before);
  });

  test('a failed import leaves an empty store, in which a complete one succeeds', async (t) => {
    const [one, other] = [await postgres(t), await postgres(t)];
    await fill(one);
    const lines: string[] = [];
    for await (const line of splitLines(exportLines(one, undefined, 0))) lines.push(line);
    const part = async function* (length: number) {
      yield* lines.slice(0, length);
    };
    await assert.rejects(importLines(other, part(lines.length - 1), undefined), { code: 'export_damaged' });
    assert.equal((await contentsOf(other)).length, 1, 'half of it stayed');
    await importLines(other, part(lines.length), undefined);
    await assert.rejects(importLines(other, part(lines.length), undefined), { code: 'store_not_empty' });
    assert.deepEqual(await contentsOf(other), await contentsOf(one));
  });

  test('an import that has committed is a success, although the tables cannot be analyzed then', async (t) => {
    const one = await emptyStore(t);
    await fill(one);
    const name = 'analyzed';
    const url = `${await server.createDatabase(name)}?statement_timeout=300`;
    const other = await openPostgresStore(url);
    t.after(() => other.close());
    const operator = await server.connect(name);
    t.after(() => operator.end());
    // As `VACUUM` and `ANALYZE` of somebody else do.
    await operator.query('BEGIN; LOCK TABLE curfew.events IN SHARE UPDATE EXCLUSIVE MODE');
    await importLines(other, splitLines(exportLines(one, undefined, 0)), undefined);
    await operator.query('COMMIT');
    await assertSame(one, other);
  });

  test('on the command line, `migrate --dry-run` shows the steps, and an import from a pipe works', async (t) => {
    const url = await server.createDatabase();
    const plan = await runCli(['migrate', '--dry-run', '--store', url]);
    assert.match(plan.out, /-- postgres:\/\/postgres@127\.0\.0\.1:\d+\/\w+ has version 0; this would be done:/);
    assert.match(plan.out, /CREATE TABLE sessions/);
    assert.doesNotMatch(plan.out + plan.err, /p%40ss|p@ss/);
    assert.equal((await planPostgres(url)).version, 0);
    const folder = temporaryFolder();
    t.after(folder.remove);
    const store = await openLmdbStore(folder.path);
    await fill(store);
    const before = await contentsOf(store);
    await store.close();
    const piped = await runCli(['export', '--store', `lmdb:${folder.path}`]);
    const done = await runCli(['import'], { CURFEW_STORE: url }, piped.out);
    assert.equal(done.code, 0, done.err);
    assert.match((await runCli(['migrate', '--store', url])).out, /is up to date \(version \d+\)/);
    const copy = await openPostgresStore(url);
    assert.deepEqual(await contentsOf(copy), before);
    assert.ok((await copy.listNodes()).confirmed, 'servers would take it for a store that was failed over');
    await copy.close();
  });
});
