import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { KeyId } from '../../src/domain/brand.ts';
import { newId } from '../../src/domain/ids.ts';
import type { ApiKey } from '../../src/domain/key.ts';
import { hour } from '../../src/domain/limits.ts';
import { serve } from '../../src/start/serve.ts';
import { logout, nodeRow, note, StoreFixture, start } from '../../src/stores/conformance/harness.ts';
import { reserveFile } from '../../src/stores/lmdb/files.ts';
import { type LmdbStore, openLmdbStore } from '../../src/stores/lmdb/index.ts';
import { random } from '../support/ports.ts';
import { cannotMount, type SmallDisk, smallDisk } from '../support/small-disk.ts';

import { temporaryFolder } from './harness.ts';

type Test = { after(done: () => unknown): void; skip(why: string): void };

function diskFor(t: Test, megabytes: number): SmallDisk | undefined {
  const disk = smallDisk(megabytes);
  if (disk) t.after(disk.remove);
  else t.skip(cannotMount);
  return disk;
}

const reserve = 1024 * 1024;

async function reserved(store: LmdbStore): Promise<number> {
  return Number((await store.describe()).facts['reserve']);
}

/** Resolves once a condition is true that no event reports. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise(setImmediate);
}

describe('an embedded store on a full disk', { timeout: 900_000 }, () => {
  test('an attempt that is the first to find the disk full is counted in memory, and leaves the reserve to ends', async (t) => {
    const disk = diskFor(t, 8);
    if (!disk) return;
    const store = await openLmdbStore(disk.path, { reserve });
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const [one, other] = [await fixture.create(), await fixture.create()];
    await until(async () => (await reserved(store)) === reserve);
    disk.fill();
    const rule = { max: 3, window: hour };
    for (let i = 0; store.shortage() === undefined; i++) {
      await store.takeAttempt(`bucket ${i}`, rule, start);
      await new Promise(setImmediate);
    }
    for (let i = 0; i < 4; i++) {
      const { allowed } = await store.takeAttempt('guessed', rule, start);
      assert.equal(allowed, i < 3);
    }
    await assert.rejects(fixture.create(), { code: 'store_full' });
    assert.equal((await store.endSession(one.id, logout())).kind, 'ended');
    // An attempt and an end in one turn share a transaction.
    const [, ended] = await Promise.all([
      store.takeAttempt('another', rule, start),
      store.endSession(other.id, logout()),
    ]);
    assert.equal(ended.kind, 'ended');
    await store.close();
  });

  test('N10.5: sessions can be ended and keys revoked while nothing else is written; all writes resume when there is room', async (t) => {
    const disk = diskFor(t, 8);
    if (!disk) return;
    let store = await openLmdbStore(disk.path, { reserve });
    let fixture = new StoreFixture({ store, dispose: async () => {} });
    const created = await fixture.createMany(1200);
    const key: ApiKey = {
      id: newId('keys', start, random) as KeyId,
      name: 'one',
      hash: random(32),
      scopes: [],
      createdAt: start,
      createdBy: 'library',
      revokedAt: undefined,
    };
    await store.createKey(key, note('key.created'));
    await until(async () => (await reserved(store)) === reserve);
    disk.fill();
    const refused = async () => {
      for (;;) await fixture.create();
    };
    await assert.rejects(refused(), (error: Error & { code: string }) => {
      assert.equal(error.code, 'store_full');
      assert.match(error.message, /The disk is full: sessions can be ended.*\(the disk of .*curfew-/);
      return true;
    });
    assert.match(store.shortage()!, /^The disk is full/);
    await assert.rejects(store.appendEvent(note('login.failed')), { code: 'store_full' });
    await assert.rejects(store.touchSessions([{ id: created[0]!.id, at: start + 1 }]), { code: 'store_full' });
    // The program that fills the disk takes any space that is freed and not used at once.
    for (const [i, { id }] of created.slice(0, 1000).entries()) {
      if (i % 100 === 0) disk.fill();
      assert.equal((await store.endSession(id, logout(start + i))).kind, 'ended');
    }
    assert.ok(await store.revokeKey(key.id, start, note('key.revoked')));
    // Writes that precede ending others' sessions, and the rows of nodes that others wait for.
    const shown = { factorShown: { at: start, area: 'sessions', network: '127.0.0.1' } } as const;
    const { id: own } = created[1100]!;
    assert.equal(
      (await store.changeSession({ id: own, version: 1, set: shown, logged: false, now: start })).kind,
      'changed',
    );
    disk.fill();
    for (let i = 0; i < 40; i++) await store.renewNode({ ...nodeRow(`node ${i}`, 1), lends: true });
    assert.ok((await reserved(store)) < reserve);
    const left = created.slice(1000);

    // A server that is restarted there still ends sessions.
    await store.close();
    disk.fill();
    store = await openLmdbStore(disk.path, { reserve });
    fixture = new StoreFixture({ store, dispose: async () => {} });
    for (const { id } of created.slice(0, 1000)) assert.equal((await fixture.view(id)).status, 'ended');
    await assert.rejects(fixture.create(), { code: 'store_full' });
    assert.equal((await store.endSession(left[0]!.id, logout())).kind, 'ended');
    assert.equal(await store.listNodes().then(({ nodes }) => nodes.length), 40);
    assert.equal((await store.endSessionsOfUser(left[1]!.userId, logout())).kind, 'ended');
    assert.equal((await fixture.view(left[1]!.id)).status, 'ended');
    await store.endEveryone(logout());

    disk.makeRoom();
    await until(async () => store.shortage() === undefined);
    assert.equal(await reserved(store), reserve);
    await fixture.create();
    await store.close();
  });

  test('a server that was killed while it filled its reserve leaves no store that takes its disk for full', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    await (await openLmdbStore(folder.path, { reserve })).close();
    writeFileSync(join(folder.path, reserveFile), random(1000));
    const store = await openLmdbStore(folder.path, { reserve });
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    t.after(() => store.close());
    assert.equal(store.shortage(), undefined);
    await fixture.create();
  });

  test('a reserve that somebody has removed makes no call wait', async (t) => {
    const disk = diskFor(t, 8);
    if (!disk) return;
    const store = await openLmdbStore(disk.path, { reserve });
    t.after(() => store.close());
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const [one] = await fixture.createMany(100);
    await until(async () => (await reserved(store)) === reserve);
    disk.fill();
    rmSync(join(disk.path, 'reserve'));
    disk.fill();
    const refused = async () => {
      for (;;) await fixture.create();
    };
    await assert.rejects(refused(), { code: 'store_full' });
    const end = await store.endSession(one!.id, logout()).catch((error: { code: string }) => error);
    assert.ok('kind' in end || end.code === 'store_full');
    disk.makeRoom();
    await until(async () => store.shortage() === undefined && (await reserved(store)) === reserve);
    await fixture.create();
  });

  test('creations that share a transaction with an end do not make it fail', async (t) => {
    const disk = diskFor(t, 6);
    if (!disk) return;
    const store = await openLmdbStore(disk.path, { reserve });
    t.after(() => store.close());
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const created = await fixture.createMany(200);
    await until(async () => (await reserved(store)) === reserve);
    disk.fill();
    let refused = 0;
    for (const { id } of created) {
      const creations = Array.from({ length: 30 }, () => fixture.create().catch(() => (refused += 1)));
      assert.equal((await store.endSession(id, logout())).kind, 'ended');
      await Promise.all(creations);
    }
    assert.ok(refused > 5000, `${refused} creations were refused`);
  });

  test('N10.8: a server reports it: the refusal names disk and remedy and readiness is degraded, until there is room', async (t) => {
    const disk = diskFor(t, 40);
    if (!disk) return;
    const server = await serve({
      CURFEW_STORE: `lmdb:${disk.path}/data`,
      CURFEW_PORT: '0',
      CURFEW_LOG_LEVEL: 'silent',
    });
    t.after(() => server.close());
    const { store } = server.opened.context;
    await until(async () => Number((await store.describe()).facts['reserve']) === 8 * 1024 * 1024);
    const call = async (method: string, path: string, body?: object) => {
      const answer = await fetch(server.url + path, {
        method,
        headers: { authorization: `Bearer ${server.first!.apiKey}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      });
      // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
      return { status: answer.status, body: (await answer.json()) as any };
    };
    const create = () => call('POST', '/v1/sessions', { userId: 'ada' });
    const { session } = (await create()).body;
    assert.equal((await call('GET', '/readyz')).body.status, 'ready');
    disk.fill();
    let refusal = await create();
    while (refusal.status === 201) refusal = await create();
    assert.deepEqual([refusal.status, refusal.body.code], [503, 'store_full']);
    assert.match(refusal.body.detail, /The disk is full: sessions can be ended.*the disk of .*data/);
    assert.match(refusal.body.remedy, /Free space on its disk/);
    const end = await call('DELETE', `/v1/sessions/${session.id}`);
    assert.deepEqual([end.status, end.body.success], [200, true]);
    const ready = await call('GET', '/readyz');
    assert.deepEqual([ready.status, ready.body.status], [200, 'degraded']);
    assert.match(ready.body.checks.storeWrite.detail, /^The disk is full: sessions can be ended/);
    disk.makeRoom();
    await until(async () => (await call('GET', '/readyz')).body.status === 'ready');
    assert.equal((await create()).status, 201);
  });

  test('a server whose last write was refused can close, and one that starts there ends sessions', async (t) => {
    const disk = diskFor(t, 40);
    if (!disk) return;
    const env = {
      CURFEW_STORE: `lmdb:${disk.path}/data`,
      CURFEW_PORT: '0',
      CURFEW_LOG_LEVEL: 'silent',
    };
    const before = await serve(env);
    const { store } = before.opened.context;
    await until(async () => Number((await store.describe()).facts['reserve']) === 8 * 1024 * 1024);
    const call = (url: string, path: string) =>
      fetch(url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${before.first!.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ userId: 'ada' }),
      });
    let answer = await call(before.url, '/v1/sessions');
    assert.equal(answer.status, 201);
    disk.fill();
    while (answer.status === 201) answer = await call(before.url, '/v1/sessions');
    assert.equal(answer.status, 503);
    await before.close();
    disk.fill();
    const after = await serve(env);
    try {
      assert.equal((await call(after.url, '/v1/sessions')).status, 503);
      const ended = await call(after.url, '/v1/sessions/end-user');
      assert.equal(ended.status, 200);
      assert.ok(((await ended.json()) as { ended: number }).ended > 0);
    } finally {
      await after.close();
    }
  });
});
