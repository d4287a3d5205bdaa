import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hour, logout, StoreFixture, start } from '../../src/stores/conformance/harness.ts';
import { openLmdbStore } from '../../src/stores/lmdb/index.ts';
import { damageOf } from '../../src/stores/lmdb/sound.ts';
import { random } from '../support/ports.ts';
import { runCli } from '../support/process.ts';
import { temporaryFolder } from './harness.ts';

const page = 4096;
const program = (name: string) => fileURLToPath(new URL(`../support/${name}.ts`, import.meta.url));
const run = (name: string, ...args: string[]) =>
  spawn(process.execPath, ['--conditions=curfew-source', program(name), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });

const ownReads = '/proc/self/io';
/** Bytes that this process has read so far, from files or the system's cache. */
const bytesRead = () => Number(/^rchar: (\d+)$/m.exec(readFileSync(ownReads, 'utf8'))![1]);

/** Opens stores in a separate process and reports the result; if that process ends, the test fails. */
class Opener {
  readonly #child: ChildProcess = run('open-stores');
  readonly #lines: AsyncIterator<string> = createInterface(this.#child.stdout!)[Symbol.asyncIterator]();

  async open(folder: string): Promise<string> {
    this.#child.stdin!.write(`${folder}\n`);
    const { value, done } = await this.#lines.next();
    assert.ok(!done, `opening ${folder} ended the process: ${this.#child.signalCode ?? this.#child.exitCode}`);
    return value;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

describe('an embedded store that is damaged', () => {
  const folder = temporaryFolder();
  const whole = join(folder.path, 'whole');
  const file = join(whole, 'data.mdb');
  let opener: Opener;
  let copies = 0;

  before(async () => {
    const store = await openLmdbStore(whole);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    for (let i = 0; i < 6; i++) {
      const [first, second] = await fixture.createMany(150, { groups: [`group ${i % 2}`], ip: '192.0.2.1' });
      await store.endSession(first!.id, logout(start + i));
      await store.endSessionsOfUser(second!.userId, logout(start + i));
      await store.sweep({ now: start + i * hour, keepEnded: hour, keepEvents: 1e12, batch: 300 });
    }
    await store.appendEvent({
      type: 'account.changed',
      at: start,
      by: 'library',
      details: { large: 'x'.repeat(9000) },
    });
    await store.close();
    opener = new Opener();
  });
  after(() => {
    opener.stop();
    folder.remove();
  });

  /** A copy of the folder with a modified data file. */
  function copied(damage: (file: string, size: number) => void): string {
    const path = join(folder.path, `copy ${copies++}`);
    mkdirSync(path);
    copyFileSync(file, join(path, 'data.mdb'));
    damage(join(path, 'data.mdb'), statSync(file).size);
    return path;
  }

  test('an undamaged one is found sound, even as a copy', async () => {
    assert.equal(damageOf(file, 'all'), undefined);
    assert.match(await opener.open(copied(() => {})), /^opened \d+$/);
  });

  // A check takes as long as reading the file, which may have many gigabytes; the system counts what is read.
  test('a copy is checked only once when it is opened', { skip: !existsSync(ownReads) }, async () => {
    const path = copied(() => {});
    const began = bytesRead();
    damageOf(file, 'all');
    const checked = bytesRead();
    const store = await openLmdbStore(path);
    const opened = bytesRead();
    await store.close();
    const [once, read] = [checked - began, opened - checked];
    assert.ok(read >= once && read < 1.5 * once, `${read} bytes, and a check reads ${once}`);
  });

  test('N10.4: with any page replaced by zeros, noise or another page, or any length, it is refused with the damage named, or the page was unused', async (t) => {
    const { size } = statSync(file);
    const pages = size / page;
    const sound = await opener.open(copied(() => {}));
    const seen = { damaged: 0, free: 0 };
    const look = async (what: string, path: string) => {
      const said = await opener.open(path);
      rmSync(path, { recursive: true });
      if (said === sound) seen.free += 1;
      else {
        assert.match(said, /^store_(damaged|version) ./, what);
        seen.damaged += 1;
      }
    };
    for (let number = 0; number < pages; number++) {
      const noise = random(page);
      const [other] = random(1);
      const bits = random(2);
      const ways: [string, (path: string) => void][] = [
        ['zeros', (path) => overwrite(path, new Uint8Array(page), number * page)],
        ['noise', (path) => overwrite(path, noise, number * page)],
        ['noise behind its header', (path) => overwrite(path, noise.subarray(24), number * page + 24)],
        ['a few other bytes', (path) => overwrite(path, bits, number * page + 24 + (noise[0]! % 64))],
        [
          'another page',
          (path) => {
            const opened = openSync(path, 'r');
            const bytes = Buffer.alloc(page);
            readSync(opened, bytes, 0, page, (other! % pages) * page);
            closeSync(opened);
            overwrite(path, bytes, number * page);
          },
        ],
        ['cut short', (path) => truncateSync(path, number * page + (noise[1]! % 2) * 100)],
      ];
      // Each page in one way; the first ones, from which everything is found, in all ways.
      for (const [i, [what, damage]] of ways.entries()) {
        if (number > 3 && i !== number % ways.length) continue;
        const path = copied(damage);
        // An empty file is an empty store.
        if (statSync(join(path, 'data.mdb')).size > 0) await look(`page ${number}: ${what}`, path);
      }
    }
    t.diagnostic(`${seen.damaged} refused, ${seen.free} of no use`);
    assert.ok(seen.damaged > pages / 2);
  });

  test('N10.4: each of its meta pages is checked, also those that LMDB does not pick', async () => {
    const fields: [string, number, number[]][] = [
      ['the size of pages', 49, [0x99]],
      ['flags', 52, [0xd9, 0x6b]],
      ['the last page', 148, [0xbd]],
      ['the last page, by little', 147, [0x01]],
    ];
    // The third one is half a page behind the first.
    for (const at of [0, page / 2, page]) {
      const ofPage: typeof fields = at === page / 2 ? [] : [['its kind', 18, [0x53]]];
      for (const [what, offset, bytes] of [...fields, ...ofPage]) {
        const path = copied((data) => overwrite(data, Uint8Array.from(bytes), at + offset));
        assert.match(await opener.open(path), /^store_damaged /, `${what} at ${at}`);
      }
    }
  });

  test('if it was modified in place while nobody had it open, all of it is checked, and not only its roots', async (t) => {
    const place = temporaryFolder();
    t.after(place.remove);
    const store = await openLmdbStore(place.path);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    await fixture.createMany(300);
    await store.close();
    assert.match(await opener.open(place.path), /^opened/);
    const path = join(place.path, 'data.mdb');
    assert.equal(damageOf(path, 'roots'), undefined);
    breakOnePage(path);
    assert.equal(damageOf(path, 'roots'), undefined, 'its roots alone reveal it: the test shows nothing');
    assert.match(await opener.open(place.path), /^store_damaged .*data\.mdb: /);
  });

  test('N10.3: if it is copied slowly during writes, the copy is refused or sound, and never ends the process', {
    timeout: 120_000,
  }, async (t) => {
    const place = temporaryFolder();
    const writer = run('write-store', place.path);
    t.after(async () => {
      const gone = once(writer, 'exit');
      writer.kill('SIGKILL');
      await gone;
      place.remove();
    });
    await once(writer.stdout!, 'data');
    const said: string[] = [];
    for (let i = 0; i < 12; i++) {
      const path = join(folder.path, `torn ${i}`);
      mkdirSync(path);
      await copySlowly(join(place.path, 'data.mdb'), join(path, 'data.mdb'));
      if (i % 2) copyFileSync(join(place.path, 'incarnation'), join(path, 'incarnation'));
      said.push(await opener.open(path));
      rmSync(path, { recursive: true });
    }
    for (const one of said) assert.match(one, /^(opened \d+|store_damaged .*data\.mdb: )/);
    const damaged = said.filter((one) => one.startsWith('store_damaged')).length;
    t.diagnostic(`${damaged} of ${said.length} refused`);
    assert.ok(damaged > 0, 'no copy was torn: the test shows nothing');
  });

  test('the server and doctor report the remedy; doctor checks all of it', async () => {
    const path = copied(breakOnePage);
    const env = { CURFEW_STORE: `lmdb:${path}`, CURFEW_PORT: '0' };
    const serve = await runCli(['serve'], env);
    assert.equal(serve.code, 1, serve.err);
    assert.match(
      serve.err,
      /error The store is damaged: .*data\.mdb: page \d+ .*\n {6}→ Restore the folder from a backup/,
    );
    const doctor = await runCli(['doctor', '--json'], { ...env, CURFEW_URL: 'http://127.0.0.1:1' });
    const { findings } = JSON.parse(doctor.out) as { findings: { check: string; state: string; says: string }[] };
    const found = findings.filter(({ check }) => check === 'data');
    assert.deepEqual([found.length, found[0]?.state], [1, 'fault']);
    assert.match(found[0]!.says, /The store is damaged: .*data\.mdb: page \d+/);
    const sound = await runCli(['doctor', '--json'], {
      CURFEW_STORE: `lmdb:${whole}`,
      CURFEW_URL: 'http://127.0.0.1:1',
    });
    assert.match(sound.out, /"says": "every page of .*data\.mdb is sound"/);
  });
});

function overwrite(path: string, bytes: Uint8Array, at: number): void {
  const opened = openSync(path, 'r+');
  writeSync(opened, bytes, 0, bytes.length, at);
  closeSync(opened);
}

/** Fills one page with zeros that is neither free nor a root. */
function breakOnePage(path: string): void {
  for (let number = statSync(path).size / page - 1; number > 1; number--) {
    const opened = openSync(path, 'r');
    const bytes = Buffer.alloc(page);
    readSync(opened, bytes, 0, page, number * page);
    closeSync(opened);
    overwrite(path, new Uint8Array(page), number * page);
    if (damageOf(path, 'roots') === undefined && damageOf(path, 'all') !== undefined) return;
    overwrite(path, bytes, number * page);
  }
  throw new Error('there is no such page');
}

/** Like a program that copies a large file, which changes in the meantime. */
async function copySlowly(from: string, to: string): Promise<void> {
  const [source, target] = [openSync(from, 'r'), openSync(to, 'w')];
  const bytes = Buffer.alloc(16 * page);
  for (let at = 0; at < fstatSync(source).size; at += bytes.length) {
    const read = readSync(source, bytes, 0, bytes.length, at);
    writeSync(target, bytes, 0, read, at);
    if ((at / bytes.length) % 4 === 0) await setTimeout(5);
  }
  closeSync(source);
  closeSync(target);
}
