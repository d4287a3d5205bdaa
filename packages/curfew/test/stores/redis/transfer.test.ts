import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Store } from '../../../src/stores/contract.ts';
import { openLmdbStore } from '../../../src/stores/lmdb/index.ts';
import { openRedisStore } from '../../../src/stores/redis/index.ts';
import { exportLines, importLines } from '../../../src/transfer.ts';
import { assertSame, contentsOf, fill } from '../../support/filled.ts';
import { runCli } from '../../support/process.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';
import { emptyStore, temporaryFolder } from '../harness.ts';

describe('exporting from and importing into Redis', { skip: !redisInstalled }, () => {
  let server: RedisServer;
  let databases = 0;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.remove());

  type Test = { after(done: () => unknown): void };
  const kinds: Record<string, (t: Test) => Promise<Store>> = {
    async redis(t) {
      const store = await openRedisStore(`${server.url}/${databases++}`);
      t.after(store.close);
      return store;
    },
    /** Next to another store in the same database. */
    async prefixed(t) {
      const store = await openRedisStore(`${server.url}/${databases - 1}?prefix=shop:sessions`);
      t.after(store.close);
      return store;
    },
    lmdb: emptyStore,
  };

  for (const [from, to] of [
    ['redis', 'redis'],
    ['redis', 'prefixed'],
    ['redis', 'lmdb'],
    ['lmdb', 'redis'],
  ] as const) {
    test(`from ${from} to ${to}: the copy is the same and works in the same way`, async (t) => {
      const [one, other] = [await kinds[from]!(t), await kinds[to]!(t)];
      await fill(one);
      const lines: string[] = [];
      for await (const line of exportLines(one, undefined, 0)) lines.push(line.slice(0, -1));
      await importLines(other, each(lines), undefined);
      await assertSame(one, other);
    });
  }

  test('an import that fails halfway leaves a store that refuses to open; one that is not empty refuses an import', async (t) => {
    const one = await kinds['lmdb']!(t);
    await fill(one);
    const lines: string[] = [];
    for await (const line of exportLines(one, undefined, 0)) lines.push(line.slice(0, -1));
    const url = `${server.url}/${databases++}`;
    const other = await openRedisStore(url);
    await assert.rejects(importLines(other, each(lines.slice(0, -3)), undefined), { code: 'export_damaged' });
    await other.close();
    await assert.rejects(openRedisStore(url), { code: 'store_damaged' });
    const used = await kinds['redis']!(t);
    await fill(used);
    await assert.rejects(importLines(used, each(lines), undefined), { code: 'store_not_empty' });
  });

  test('servers do not take a store that the command line has filled from an export for one that was failed over', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const store = await openLmdbStore(folder.path);
    await fill(store);
    const before = await contentsOf(store);
    await store.close();
    const { out } = await runCli(['export', '--store', `lmdb:${folder.path}`]);
    const url = `${server.url}/${databases++}`;
    const { code, err } = await runCli(['import', '--store', url], {}, out);
    assert.equal(code, 0, err);
    const copy = await openRedisStore(url);
    t.after(copy.close);
    assert.deepEqual(await contentsOf(copy), before);
    assert.ok((await copy.listNodes()).confirmed);
  });

  test('N10.1: while servers run, an export fails before its first line because it cannot show one moment; killed servers do not matter', async (t) => {
    const one = await kinds['redis']!(t);
    await fill(one);
    const row = (counter: number) => ({ id: 'server', counter, applied: 0, tail: { sequence: 0, mark: '' } });
    await one.renewNode(row(1));
    const exported = async () => {
      let lines = 0;
      for await (const _ of exportLines(one, undefined, 0)) lines += 1;
      return lines;
    };
    let counter = 1;
    let renewal: Promise<unknown> = Promise.resolve();
    const renewing = setInterval(() => {
      renewal = one.renewNode(row(++counter));
    }, 100);
    let lines = 0;
    const refused = async () => {
      for await (const _ of exportLines(one, undefined, 0)) lines += 1;
    };
    await assert.rejects(refused(), { code: 'servers_running', message: /a server runs on it/ });
    assert.equal(lines, 0);
    const folder = temporaryFolder();
    t.after(folder.remove);
    const file = join(folder.path, 'export');
    const { code, err } = await runCli(['export', '--store', `${server.url}/${databases - 1}`, '-o', file]);
    assert.deepEqual(
      [code, /Servers are running on the store.*\n.*Stop the servers/.test(err), existsSync(file)],
      [1, true, false],
    );
    clearInterval(renewing);
    await renewal;
    assert.ok((await exported()) > 10);
    // A server that starts during the export is noticed at its end, even if it changes nothing that is numbered.
    const late = (async () => {
      for await (const _ of exportLines(one, undefined, 0)) if (lines++ === 3) await one.renewNode(row(++counter));
    })();
    await assert.rejects(late, { code: 'changed_meanwhile' });
  });

  test('N10.1: an export fails if anything changes meanwhile', async (t) => {
    const one = await kinds['redis']!(t);
    const context = await fill(one);
    const exported = (async () => {
      let lines = 0;
      for await (const _ of exportLines(one, undefined, 0)) if (lines++ === 3) await context.create({ userId: 'late' });
    })();
    await assert.rejects(exported, { code: 'changed_meanwhile' });
  });
});

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}
