import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs, {
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { SessionId } from '../../src/domain/brand.ts';
import { newId } from '../../src/domain/ids.ts';
import { day, hour, limits } from '../../src/domain/limits.ts';
import type { CurfewError } from '../../src/errors.ts';
import {
  beginning,
  everyone,
  forever,
  group,
  logout,
  nodeRow,
  note,
  random,
  StoreFixture,
  start,
  user,
} from '../../src/stores/conformance/harness.ts';
import { format } from '../../src/stores/lmdb/codec.ts';
import { openLmdbStore } from '../../src/stores/lmdb/index.ts';
import { timeKey } from '../../src/stores/lmdb/keys.ts';
import { openTables } from '../../src/stores/lmdb/tables.ts';
import { temporaryFolder } from './harness.ts';

const crowded = fileURLToPath(new URL('../support/open-crowded.ts', import.meta.url));
const holder = fileURLToPath(new URL('../support/hold-store.ts', import.meta.url));

/** A separate process that holds a store open until it is killed. */
async function holdStore(path: string) {
  const child = spawn(process.execPath, ['--conditions=curfew-source', holder, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

/** A store in a separate folder for a test. */
async function opened(t: { after(done: () => Promise<void>): void }) {
  const folder = temporaryFolder();
  const store = await openLmdbStore(folder.path);
  t.after(async () => {
    await store.close();
    folder.remove();
  });
  return { store, fixture: new StoreFixture({ store, dispose: async () => {} }) };
}

describe('the embedded store and its indexes', () => {
  test('N10.7: a count examines a limited number of due sessions, whether they are placed yet or not', async (t) => {
    const { store, fixture } = await opened(t);
    await fixture.createMany(limits.dueCounted + 700, { userId: 'ada', idle: hour });
    const later = await fixture.create({ userId: 'bob', idle: 10 * day });
    assert.equal(await store.countActive(start + 2 * hour), 701);
    assert.equal(await store.countActive(start + 2 * hour, later.userId), 1);
    await fixture.sweep(start + 2 * hour);
    assert.equal(await store.countActive(start + 2 * hour), 1);
  });

  test('N9.3: a session is counted once while it is being placed', async (t) => {
    const { store, fixture } = await opened(t);
    await fixture.createMany(300, { userId: 'ada' });
    let placed = false;
    const placing = fixture.sweep(start + hour, forever, 7).then(() => {
      placed = true;
    });
    const counted = new Set<number>();
    while (!placed) {
      counted.add(await store.countActive(start + hour, user('ada')));
      await new Promise(setImmediate);
    }
    await placing;
    assert.deepEqual([...counted], [300]);
  });
});

describe('the embedded store and very many ends at once', () => {
  test('N3.7: no piece of the sweep delays other calls for long, however large the batch, for each kind of work', async (t) => {
    const { store, fixture } = await opened(t);
    const many = 3000;
    for (let i = 0; i < many; i += 500) await fixture.createMany(500, { userId: `user ${i}`, idle: hour });
    await fixture.sweep(start + 60_000);
    const later = start + 2 * hour;
    /** Sweeps everything; returns the numbers of one kind of work from each call, until there is no more. */
    const sweep = async (now: number, keepEnded: number, kind: 'expired' | 'endsWritten' | 'forgotten') => {
      const task = { now, keepEnded, keepEvents: forever, batch: 100_000 };
      const pieces: number[] = [];
      for (let more = true; more; ) {
        const outcome = await store.sweep(task);
        pieces.push(outcome[kind]);
        more = outcome.more;
      }
      assert.equal(
        pieces.reduce((sum, count) => sum + count, 0),
        many,
        kind,
      );
      // Thousands in one piece would take a hundred milliseconds.
      assert.ok(Math.max(...pieces) < many / 2, `${kind}: ${Math.max(...pieces)} in one piece`);
    };
    await sweep(later, forever, 'expired');
    await sweep(later + 3 * hour, hour, 'forgotten');
    for (let i = 0; i < many; i += 500) await fixture.createMany(500, { userId: `user ${i}`, at: later + 4 * hour });
    await store.endEveryone(everyone(later + 5 * hour));
    await sweep(later + 5 * hour, forever, 'endsWritten');
    assert.equal(await store.countActive(later + 5 * hour), 0);
  });
});

describe('the embedded store and its folder', () => {
  test('a store that another process holds is refused with an error that names the process, and is free once that process dies', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const child = await holdStore(folder.path);
    await assert.rejects(openLmdbStore(folder.path), (error: Error & { code: string }) => {
      assert.equal(error.code, 'store_in_use');
      assert.match(error.message, new RegExp(`Process ${child.pid} has ${folder.path} open`));
      return true;
    });
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    const store = await openLmdbStore(folder.path);
    await store.close();
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.endsWith('.sock')),
      [],
    );
  });

  test('of ten concurrent openings of one folder, one succeeds', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => openLmdbStore(folder.path)));
    const opened = tries.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    assert.equal(opened.length, 1);
    for (const outcome of tries) if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'store_in_use');
    await opened[0]!.close();
    await (await openLmdbStore(folder.path)).close();
  });

  test('a folder that this process has open is refused, also in the middle of a write', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const store = await openLmdbStore(folder.path);
    const link = `${folder.path}-link`;
    symlinkSync(folder.path, link);
    t.after(() => rmSync(link));
    for (let tries = 0; tries < 100; tries++) {
      const writes = [store.appendEvent({ type: 'account.created', at: 1, by: 'library' })];
      // LMDB's own thread waits for this one to write: a second opening that waited for that would wait for ever.
      if (tries % 2 === 0) await new Promise(setImmediate);
      await assert.rejects(openLmdbStore(tries % 3 === 0 ? link : folder.path), { code: 'store_in_use' });
      await Promise.all(writes);
    }
    await store.close();
    await (await openLmdbStore(link)).close();
  });

  test('a store of another format is refused and left as it was', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    await (await openLmdbStore(folder.path)).close();
    const tables = openTables(folder.path);
    await tables.meta.put('format', 99);
    await tables.root.close();
    await assert.rejects(openLmdbStore(folder.path), { code: 'store_version' });
    const again = openTables(folder.path);
    assert.equal(again.meta.get('format'), 99);
    await again.root.close();
  });

  test('a file that is not a store, or of another LMDB, is refused', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const file = join(folder.path, 'data.mdb');
    writeFileSync(file, 'x'.repeat(20_000));
    await assert.rejects(openLmdbStore(folder.path), { code: 'store_damaged' });
    assert.equal(statSync(file).size, 20_000);
    const page = Buffer.alloc(8192);
    page.writeUInt32LE(0xbeefc0de, 24);
    page.writeUInt32LE(1, 28);
    writeFileSync(file, page);
    await assert.rejects(openLmdbStore(folder.path), { code: 'store_version' });
  });

  test('a truncated file is refused before it is mapped', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const store = await openLmdbStore(folder.path);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    await fixture.createMany(500);
    await store.close();
    const file = join(folder.path, 'data.mdb');
    const { size } = statSync(file);
    truncateSync(file, Math.floor(size / 2));
    await assert.rejects(openLmdbStore(folder.path), (error: Error & { code: string }) => {
      assert.equal(error.code, 'store_damaged');
      assert.match(error.message, /should have/);
      return true;
    });
    truncateSync(file, 100);
    await assert.rejects(openLmdbStore(folder.path), { code: 'store_damaged' });
  });

  test('a folder that cannot be created or written is refused', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const file = join(folder.path, 'a file');
    writeFileSync(file, '');
    await assert.rejects(openLmdbStore(join(file, 'data')), { code: 'store_not_writable' });
    await assert.rejects(openLmdbStore('/proc/curfew'), { code: 'store_not_writable' });
  });

  test('a process that may open no more files cannot open the store, which is not reported as damaged', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    await (await openLmdbStore(folder.path)).close();
    const said = spawnSync(
      'sh',
      ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, '--conditions=curfew-source', crowded, folder.path],
      { encoding: 'utf8' },
    );
    assert.equal(said.status, 0, said.stderr);
    const { code, message, remedy } = JSON.parse(said.stdout) as Record<string, string>;
    assert.equal(code, 'store_unavailable');
    assert.match(message!, /EMFILE/);
    assert.match(remedy!, /more open files/);
    assert.doesNotMatch(remedy!, /backup/);
    await (await openLmdbStore(folder.path)).close();
  });

  test('a process that cannot ask whether the owner lives does not become the owner', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const child = await holdStore(folder.path);
    t.after(() => child.kill('SIGKILL'));
    for (const code of ['EAGAIN', 'EMFILE', 'EACCES']) {
      const refused = Object.assign(new Error(`connect ${code}: refused`), { code, errno: -1, syscall: 'connect' });
      const connect = t.mock.method(Socket.prototype, 'connect', function (this: Socket) {
        return this.destroy(refused);
      });
      await assert.rejects(openLmdbStore(folder.path), ({ message }: CurfewError) =>
        message.includes(`connect ${code}`),
      );
      connect.mock.restore();
      await assert.rejects(openLmdbStore(folder.path), { code: 'store_in_use' });
    }
  });

  test('a folder in which no socket can be made is not reported as damaged', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    await (await openLmdbStore(folder.path)).close();
    for (const code of ['EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EAFNOSUPPORT', 'ENOMEM']) {
      const refused = Object.assign(new Error(`listen ${code}: refused`), { code, errno: -1, syscall: 'listen' });
      const listen = t.mock.method(Server.prototype, 'listen', function (this: Server) {
        setImmediate(() => this.emit('error', refused));
        return this;
      });
      await assert.rejects(openLmdbStore(folder.path), (error: CurfewError) => {
        assert.equal(error.code, code === 'ENOMEM' ? 'store_unavailable' : 'store_not_writable', code);
        assert.match(error.message, new RegExp(`listen ${code}`));
        assert.equal(/Unix sockets/.test(error.remedy), code !== 'ENOMEM', code);
        assert.doesNotMatch(error.remedy, /backup/);
        return true;
      });
      listen.mock.restore();
      await (await openLmdbStore(folder.path)).close();
    }
  });

  test('a store on a full disk refuses writes, loses nothing acknowledged, and continues when there is room', async (t) => {
    const folder = temporaryFolder();
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder.path]);
    if (mounted.status !== 0) {
      folder.remove();
      t.skip('this user may not mount a small disk');
      return;
    }
    t.after(() => {
      spawnSync('umount', [folder.path]);
      rmSync(folder.path, { recursive: true, force: true });
    });
    // Space that is occupied now and freed later.
    const ballast = join(folder.path, 'ballast');
    writeFileSync(ballast, Buffer.alloc(1_000_000));
    let store = await openLmdbStore(folder.path);
    let fixture = new StoreFixture({ store, dispose: async () => {} });
    const created: string[] = [];
    const ended: string[] = [];
    const refusals = new Set<string>();
    for (let i = 0; refusals.size === 0 && i < 20_000; i += 20) {
      await Promise.all(
        Array.from({ length: 20 }, async (_, k) => {
          try {
            const { id } = await fixture.create({ userId: `user ${k}`, at: start + i });
            created.push(id);
            if (k % 4) return;
            await store.endSession(id, logout(start + i));
            ended.push(id);
          } catch (error) {
            refusals.add((error as { code: string }).code);
          }
        }),
      );
    }
    assert.deepEqual([...refusals], ['store_full']);
    const check = async () => {
      for (const id of created) assert.ok(await store.readSession(id as never), 'an acknowledged session is lost');
      for (const id of ended)
        assert.equal((await fixture.view(id as never)).status, 'ended', 'an acknowledged end is lost');
      const log = await fixture.log();
      assert.deepEqual(
        log.map(({ sequence }) => sequence),
        log.map((_, i) => i + 1),
      );
    };
    assert.ok(created.length > 100 && ended.length > 10);
    await check();
    // A smaller write may still fit, so this writes one after another until nothing fits.
    const fill = async () => {
      for (let i = 0; i < 5000; i++) created.push((await fixture.create({ at: start + 30_000 + i })).id);
    };
    await assert.rejects(fill(), { code: 'store_full' });
    await check();
    rmSync(ballast);
    ended.push(created[1]!);
    assert.equal((await store.endSession(created[1] as never, logout())).kind, 'ended');
    await check();
    await store.close();
    store = await openLmdbStore(folder.path);
    fixture = new StoreFixture({ store, dispose: async () => {} });
    await check();
    await store.close();
    assert.ok(existsSync(join(folder.path, 'data.mdb')));
  });

  test('a piece of the sweep that was rolled back is repeated: no index lacks a session, no end is missing', async (t) => {
    const { store, fixture } = await opened(t);
    const created = await fixture.createMany(40, { groups: ['staff'] });
    // Longer than the engine accepts as a key: its transaction fails, and everything in it.
    const tooLong = fixture.slot('n'.repeat(5000));
    const sweepWithFaults = async (now: number) => {
      for (let turn = 0; ; turn++) {
        const piece = store.sweep({ now, keepEnded: 0, keepEvents: day, batch: 1 });
        const failing = turn % 20 === 3 ? store.createNamed(tooLong, note('named_session.created')) : undefined;
        const [{ more }, code] = await Promise.all([piece, failing?.catch((error) => error.code as string)]);
        assert.equal(code, failing && 'store_unavailable');
        if (!more) return;
        assert.ok(turn < 500, 'the sweep never finished');
      }
    };
    await sweepWithFaults(start + hour);
    assert.equal((await fixture.list({ userId: created[0]!.userId }, start + hour)).length, created.length);
    assert.equal((await fixture.list({ accessGroup: group('staff')[0] }, start + hour)).length, created.length);

    await store.endEveryone(logout(start + hour));
    await sweepWithFaults(start + 2 * hour);
    await sweepWithFaults(start + 3 * hour);
    // The newest entry of the log.
    assert.equal(await store.countEntries(), 1);
  });

  test('if the process ends while sessions are being placed, none is missing, and none is there twice', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    let store = await openLmdbStore(folder.path);
    let fixture = new StoreFixture({ store, dispose: async () => {} });
    // The index orders users in reverse: those that were created last are placed first.
    let users = 60;
    const create = () => fixture.create({ userId: `user ${users--}`, groups: ['staff'], ip: '192.0.2.1' });
    const created = [];
    for (let i = 0; i < 30; i++) created.push(await create());
    for (const pieces of [1, 8, 13, 14, 15, 14, 13]) {
      for (let piece = 0; piece < pieces; piece++) {
        await store.sweep({ now: start + hour, keepEnded: day, keepEvents: day, batch: 1 });
      }
      created.push(await create());
      await store.close();
      store = await openLmdbStore(folder.path);
      fixture = new StoreFixture({ store, dispose: async () => {} });
      const ended = created.splice(-4, 1)[0]!;
      const outcome = await store.endSessionsOfUser(ended.userId, logout(start));
      assert.deepEqual([outcome.kind, 'ended' in outcome && outcome.ended], ['ended', 1], 'it is there twice');
      const ids = created.map(({ id }) => id).sort();
      for (const filter of [{}, { accessGroup: group('staff')[0] }, { ip: '192.0.2.1' }]) {
        const active = await fixture.list({ ...filter, status: 'active' }, start + 1);
        assert.deepEqual(active.map(({ id }) => id).sort(), ids, JSON.stringify(filter));
      }
      assert.equal(await store.countActive(start + 1), created.length);
    }
    await store.endEveryone(logout(start + hour));
    for (const at of [5 * day, 10 * day]) {
      for (let more = true; more; ) {
        ({ more } = await store.sweep({ now: start + at, keepEnded: 0, keepEvents: day, batch: 5 }));
      }
    }
    // The newest entry of the log.
    assert.equal(await store.countEntries(), 1);
    await store.close();
  });

  test('a session that was used before a restart placed it is checked in time and forgotten, and leaves nothing behind', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const open = () => openLmdbStore(folder.path);
    let store = await open();
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const sessions = [await fixture.create(), await fixture.create()];
    await store.touchSessions(sessions.map(({ id }) => ({ id, at: start + 5000 })));
    await store.close();
    store = await open();
    t.after(() => store.close());
    const sweep = async (now: number) => {
      while ((await store.sweep({ now, keepEnded: day, keepEvents: day, batch: 100 })).more);
    };
    await sweep(start + hour);
    await store.endSession(sessions[0]!.id, logout(start + hour));
    for (const days of [35, 70, 71]) await sweep(start + days * day);
    // The newest entry of the log.
    assert.equal(await store.countEntries(), 1);
  });

  test('a check that an earlier version has planned for another time than its session is made up for', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    let store = await openLmdbStore(folder.path);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const { id } = await fixture.create();
    const sweep = async (now: number) => {
      while ((await store.sweep({ now, keepEnded: day, keepEvents: day, batch: 100 })).more);
    };
    await sweep(start + hour);
    await store.close();
    const tables = openTables(folder.path);
    const [planned] = tables.deadlines.getKeys({ limit: 1 });
    await tables.deadlines.remove(planned!);
    await tables.deadlines.put(timeKey(start + 2 * hour, id), true);
    const gone = newId('nobody', start, random) as SessionId;
    await tables.deadlines.put(timeKey(start + 2 * hour, gone), true);
    await tables.root.close();
    store = await openLmdbStore(folder.path);
    t.after(() => store.close());
    await sweep(start + 3 * hour);
    assert.equal((await store.readSession(id))?.stored.end, undefined);
    await sweep(start + 35 * day);
    assert.ok((await store.readSession(id))?.stored.end, 'it was not checked again');
    for (const days of [70, 71]) await sweep(start + days * day);
    assert.equal(await store.countEntries(), 1);
  });

  test('no write waits forever, however soon it follows a failed one', { timeout: 20_000 }, async (t) => {
    const { store, fixture } = await opened(t);
    for (let turns = 0; turns < 20; turns++) {
      await assert.rejects(store.createNamed(fixture.slot('n'.repeat(5000)), note('named_session.created')));
      for (let turn = 0; turn < turns; turn++) await undefined;
      await fixture.create();
    }
  });
});

describe('the embedded store and its keys', () => {
  test('in a folder of format 3, keys that could attach a verifier get the scope for it, others do not', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    let store = await openLmdbStore(folder.path);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const verifies = await fixture.createKey(['sessions.read', 'sessions.verify']);
    const reads = await fixture.createKey(['sessions.read']);
    await store.close();
    const tables = openTables(folder.path);
    await tables.meta.put('format', 3);
    await tables.root.close();
    store = await openLmdbStore(folder.path);
    assert.deepEqual(await store.readKey(verifies.id), {
      ...verifies,
      scopes: ['sessions.read', 'sessions.verify', 'fence.attach'],
    });
    assert.deepEqual(await store.readKey(reads.id), reads);
    const later = await new StoreFixture({ store, dispose: async () => {} }).createKey(['sessions.verify']);
    await store.close();
    store = await openLmdbStore(folder.path);
    t.after(() => store.close());
    assert.deepEqual(await store.readKey(later.id), later, 'a key of this format gained a scope');
  });
});

/** Reads the incarnation on opening, and then confirms it. */
async function incarnationOf(path: string): Promise<{ incarnation: string; confirmed: boolean }> {
  const store = await openLmdbStore(path);
  try {
    const { incarnation, confirmed } = await store.listNodes();
    await store.confirmIncarnation(incarnation);
    return { incarnation, confirmed };
  } finally {
    await store.close();
  }
}

describe('the incarnation of a folder', () => {
  test('R10: it is the same after a restart and after a kill, and stays confirmed', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const { incarnation, confirmed } = await incarnationOf(folder.path);
    assert.equal(confirmed, false);
    assert.deepEqual(await incarnationOf(folder.path), { incarnation, confirmed: true });
    for (let kills = 0; kills < 3; kills++) {
      const child = await holdStore(folder.path);
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      assert.deepEqual(await incarnationOf(folder.path), { incarnation, confirmed: true });
    }
  });

  test('R10: a process that is killed while it replaces the seal leaves the incarnation as it was', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const [seal, before] = ['incarnation', 'incarnation.before'].map((name) => join(folder.path, name)) as [
      string,
      string,
    ];
    const store = await openLmdbStore(folder.path);
    const { incarnation } = await store.logHead();
    // A hard link to the same file, so that the rename, which is the last step, can be undone.
    linkSync(seal, before);
    await store.close();
    renameSync(before, seal);
    assert.equal((await incarnationOf(folder.path)).incarnation, incarnation);
  });

  test('R10: it is the same on a disk that was attached under another number, also if an earlier version noted that', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const { incarnation } = await incarnationOf(folder.path);
    const { statSync: stat } = fs;
    const { mock } = t.mock.method(fs, 'statSync', (path: string, options?: { bigint?: boolean }) => {
      const found = stat(path, options as { bigint: true; throwIfNoEntry: false });
      if (options?.bigint && found) found.dev += 1n;
      return found;
    });
    t.after(() => {
      mock.restore();
      syncBuiltinESMExports();
    });
    syncBuiltinESMExports();
    assert.equal((await incarnationOf(folder.path)).incarnation, incarnation);
    const tables = openTables(folder.path);
    const kept = tables.meta.get('incarnation') as { seals: string[] };
    const seals = kept.seals.map((seal) => seal.replace(/^(\S+) (\S+)/, '2049.$1 2049.$2'));
    assert.notDeepEqual(seals, kept.seals);
    await tables.meta.put('incarnation', { ...kept, seals });
    await tables.root.close();
    assert.equal((await incarnationOf(folder.path)).incarnation, incarnation);
  });

  test('R10: a copy of the folder is another one, and the original is not', async (t) => {
    const [folder, parent] = [temporaryFolder(), temporaryFolder()];
    t.after(folder.remove);
    t.after(parent.remove);
    const { incarnation } = await incarnationOf(folder.path);
    const copy = join(parent.path, 'copy');
    cpSync(folder.path, copy, { recursive: true, preserveTimestamps: true });
    const copied = await incarnationOf(copy);
    assert.notEqual(copied.incarnation, incarnation);
    assert.equal(copied.confirmed, false);
    assert.deepEqual(await incarnationOf(folder.path), { incarnation, confirmed: true });
    rmSync(folder.path, { recursive: true });
    cpSync(copy, folder.path, { recursive: true, preserveTimestamps: true });
    assert.ok(![incarnation, copied.incarnation].includes((await incarnationOf(folder.path)).incarnation));
  });

  test('R10: data restored in place is another one, with the file beside it or without', async (t) => {
    for (const names of [['data.mdb'], ['data.mdb', 'incarnation']]) {
      const [folder, copy] = [temporaryFolder(), temporaryFolder()];
      t.after(folder.remove);
      t.after(copy.remove);
      const put = (from: string, to: string) => {
        for (const name of names) copyFileSync(join(from, name), join(to, name));
      };
      await incarnationOf(folder.path);
      put(folder.path, copy.path);
      const { incarnation, confirmed } = await incarnationOf(folder.path);
      assert.equal(confirmed, true);
      put(copy.path, folder.path);
      const back = await incarnationOf(folder.path);
      assert.notEqual(back.incarnation, incarnation, names.join(' and '));
      assert.equal(back.confirmed, false);
    }
  });

  test('R2: a copy from before a node lent to verifiers is another incarnation, even if no process ended in between', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const [file, copy] = ['data.mdb', 'copy'].map((name) => join(folder.path, name)) as [string, string];
    const store = await openLmdbStore(folder.path);
    const { incarnation } = await store.logHead();
    copyFileSync(file, copy);
    await store.renewNode({ ...nodeRow('n1', 1), lends: true });
    // As after a kill: without the seal of a regular close.
    const [seal, held] = ['incarnation', 'incarnation.held'].map((name) => join(folder.path, name)) as [string, string];
    linkSync(seal, held);
    await store.close();
    renameSync(held, seal);
    copyFileSync(copy, file);
    const back = await openLmdbStore(folder.path);
    t.after(() => back.close());
    assert.notEqual((await back.logHead()).incarnation, incarnation);
    assert.deepEqual((await back.listNodes()).nodes, []);
  });

  test('a row of a node that lent to verifiers survives a kill, with the incarnation in which it was written', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const child = spawn(process.execPath, ['--conditions=curfew-source', holder, folder.path, 'lending'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [told] = (await once(child.stdout, 'data')) as [Buffer];
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    const store = await openLmdbStore(folder.path);
    t.after(() => store.close());
    const { nodes, incarnation } = await store.listNodes();
    assert.deepEqual(nodes, [{ ...nodeRow('lender', 1), lends: true, current: true }]);
    assert.equal(`held ${incarnation}`, String(told).trim());
  });
});

describe('a folder of format 1', () => {
  /** The folder as the previous version wrote it: log rows without marks, node rows without tails, no incarnation. */
  async function asBefore(path: string, keepLog: boolean): Promise<void> {
    const tables = openTables(path);
    for (const { key, value } of tables.log.getRange()) {
      if (keepLog) tables.log.putSync(key, value.slice(0, value[1] === 'a' ? 2 : 3));
      else tables.log.removeSync(key);
    }
    tables.meta.putSync('nodes', [{ id: 'n1', counter: 7, applied: 2, lends: true }]);
    tables.meta.putSync('format', 1);
    tables.meta.removeSync('incarnation');
    await tables.root.close();
    rmSync(join(path, 'incarnation'));
  }

  for (const keepLog of [true, false]) {
    test(`is migrated, ${keepLog ? 'with its log' : 'even if its whole log was deleted'}, and works`, async (t) => {
      const folder = temporaryFolder();
      t.after(folder.remove);
      let store = await openLmdbStore(folder.path);
      let fixture = new StoreFixture({ store, dispose: async () => {} });
      for (let i = 0; i < 3; i++) await fixture.logOne();
      await store.endEveryone(logout(start + 1));
      const before = { sessions: await fixture.list({}, start + 2), events: await fixture.events() };
      const changes = (await fixture.log()).map(({ mark: _, ...change }) => change);
      await store.close();
      await asBefore(folder.path, keepLog);

      store = await openLmdbStore(folder.path);
      t.after(() => store.close());
      fixture = new StoreFixture({ store, dispose: async () => {} });
      assert.deepEqual({ sessions: await fixture.list({}, start + 2), events: await fixture.events() }, before);
      const log = await fixture.log();
      if (keepLog)
        assert.deepEqual(
          log.map(({ mark: _, ...change }) => change),
          changes,
        );
      else
        assert.deepEqual(
          log.map(({ mark: _, ...change }) => change),
          [{ sequence: 4, at: start + 1, all: true }],
        );
      for (const { mark } of log) assert.notEqual(mark, '');
      const head = await store.logHead();
      assert.deepEqual([head.sequence, head.mark], [4, log.at(-1)!.mark]);
      const { nodes, confirmed } = await store.listNodes();
      assert.deepEqual(nodes, [{ id: 'n1', counter: 7, applied: 2, lends: true, tail: beginning, current: true }]);
      assert.equal(confirmed, false);
      assert.equal((await fixture.logOne()).sequence, 5);
      assert.equal((await store.describe()).format, format);
    });
  }
});
