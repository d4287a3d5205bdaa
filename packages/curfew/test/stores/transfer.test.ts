import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { StoreFixture } from '../../src/stores/conformance/harness.ts';
import { type LmdbStore, openLmdbStore } from '../../src/stores/lmdb/index.ts';
import { exportLines, importLines } from '../../src/transfer.ts';
import { assertSame, contentsOf, fill } from '../support/filled.ts';
import { random } from '../support/ports.ts';
import { runCli } from '../support/process.ts';
import { emptyStore, temporaryFolder } from './harness.ts';

async function linesOf(store: LmdbStore, key?: Uint8Array): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of exportLines(store, key, 0)) lines.push(line.slice(0, -1));
  return lines;
}

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

describe('exporting and importing', () => {
  test('an imported store is the same as the exported one and works in the same way', async (t) => {
    const [one, other] = [await emptyStore(t), await emptyStore(t)];
    await fill(one);
    const lines = await linesOf(one);
    let told = 0;
    const { records } = await importLines(other, each(lines), undefined, (done) => {
      told = done;
    });
    assert.deepEqual([records, told], [lines.length - 2, lines.length - 2]);
    await assertSame(one, other);
  });

  test('in an export of format 2, keys that could attach a verifier get the scope for it', async (t) => {
    const one = await emptyStore(t);
    const fixture = new StoreFixture({ store: one, dispose: async () => {} });
    const [verifies, reads] = [
      await fixture.createKey(['sessions.verify']),
      await fixture.createKey(['sessions.read']),
    ];
    const lines = (await linesOf(one)).map((line) =>
      line.replace('{"curfew":"export","format":4', '{"curfew":"export","format":2'),
    );
    const last = JSON.parse(lines.pop()!) as object;
    const sha256 = createHash('sha256')
      .update(lines.map((line) => `${line}\n`).join(''))
      .digest('hex');
    lines.push(JSON.stringify({ ...last, sha256 }));
    const other = await emptyStore(t);
    await importLines(other, each(lines), undefined);
    assert.deepEqual((await other.readKey(verifies.id))?.scopes, ['sessions.verify', 'fence.attach']);
    assert.deepEqual((await other.readKey(reads.id))?.scopes, ['sessions.read']);
  });

  test('an invalid, truncated, changed or reordered export imports nothing, and the error says why', async (t) => {
    const one = await emptyStore(t);
    await fill(one);
    const lines = await linesOf(one);
    const half = lines.findIndex((line) => line.startsWith('{"kind":"session"')) + 5;
    const changed = (from: RegExp, to: string) => lines.map((line, i) => (i === half ? line.replace(from, to) : line));
    const swapped = [...lines];
    swapped.splice(2, 0, ...swapped.splice(lines.length - 3, 1));
    const bad: [string, readonly string[], string, RegExp][] = [
      ['cut short', lines.slice(0, half), 'export_damaged', /last line is missing/],
      ['a record less', lines.toSpliced(half, 1), 'export_damaged', /changed after the export/],
      ['a record twice', lines.toSpliced(half, 0, lines[half]!), 'export_damaged', /./],
      ['a character changed', changed(/"version":1/, '"version":2'), 'export_damaged', /changed after the export/],
      ['out of order', swapped, 'export_damaged', /out of order/],
      ['no JSON', changed(/^./, ''), 'export_damaged', /not JSON/],
      ['another kind', changed(/"kind":"\w+"/, '"kind":"ghost"'), 'export_damaged', /no known kind: "ghost"/],
      ['goes on', [...lines, lines[half]!], 'export_damaged', /more after its last line/],
      ['empty', [], 'export_damaged', /The export is empty/],
      ['none of ours', ['{"hello":1}'], 'export_damaged', /first line/],
      ['a newer format', lines.with(0, lines[0]!.replace('"format":4', '"format":5')), 'store_version', /format 5/],
    ];
    // An error that its first line shows leaves the store as it was.
    const asNew = ['empty', 'none of ours', 'a newer format'];
    for (const [what, stream, code, says] of bad) {
      const folder = temporaryFolder();
      const store = await openLmdbStore(folder.path);
      await assert.rejects(importLines(store, each(stream), undefined), (error: Error & { code: string }) => {
        assert.equal(error.code, code, `${what}: ${error.message}`);
        assert.match(error.message, says, what);
        return true;
      });
      await store.close();
      if (asNew.includes(what)) await (await openLmdbStore(folder.path)).close();
      else {
        await assert.rejects(openLmdbStore(folder.path), { code: 'store_damaged' }, `${what}: half a store was opened`);
      }
      folder.remove();
    }
  });

  test('a used store refuses an import and stays as it was', async (t) => {
    const [one, other] = [await emptyStore(t), await emptyStore(t)];
    await fill(one);
    await fill(other);
    const before = await contentsOf(other);
    await assert.rejects(importLines(other, each(await linesOf(one)), undefined), { code: 'store_not_empty' });
    assert.deepEqual(await contentsOf(other), before);
  });

  test('the secret key of an export is compared: another one is refused with its own error', async (t) => {
    const one = await emptyStore(t);
    await fill(one);
    const key = random(32);
    const lines = await linesOf(one, key);
    assert.ok(!lines.join('\n').includes(Buffer.from(key).toString('hex')));
    await assert.rejects(importLines(await emptyStore(t), each(lines), random(32)), /CURFEW_SECRET_KEY/);
    assert.equal((await importLines(await emptyStore(t), each(lines), key)).keyMissing, false);
    assert.equal((await importLines(await emptyStore(t), each(lines), undefined)).keyMissing, true);
  });

  test('the command line writes a file readable only by its owner, works with a pipe, and its errors have a remedy', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const [from, to, file] = ['from', 'to', 'export.jsonl'].map((name) => join(folder.path, name)) as [
      string,
      string,
      string,
    ];
    const store = await openLmdbStore(from);
    await fill(store);
    const before = await contentsOf(store);
    await store.close();
    const done = await runCli(['export', '--store', `lmdb:${from}`, '--output', file]);
    assert.equal(done.code, 0, done.err);
    assert.match(done.err, /^\d+ records of lmdb:.* exported\.$/m);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(
      (await runCli(['export', '--store', `lmdb:${from}`, '--output', file])).code,
      1,
      'it overwrote a file',
    );
    const piped = await runCli(['export', '--store', `lmdb:${from}`]);
    assert.equal(piped.out.split('\n').length, readFileSync(file, 'utf8').split('\n').length);
    const imported = await runCli(['import', '--store', `lmdb:${to}`], {}, piped.out);
    assert.equal(imported.code, 0, imported.err);
    assert.match(imported.err, /secret key/);
    const copy = await openLmdbStore(to);
    assert.deepEqual(await contentsOf(copy), before);
    assert.ok((await copy.listNodes()).confirmed, 'servers would take it for a store that was failed over');
    await copy.close();
    const again = await runCli(['import', '--store', `lmdb:${to}`, '--input', file]);
    assert.deepEqual(
      [again.code, /error The store is not empty\n {6}→ Import into an unused store/.test(again.err)],
      [1, true],
    );
    truncateSync(file, 1000);
    const cut = await runCli(['import', '--store', `lmdb:${join(folder.path, 'cut')}`, '--input', file]);
    assert.match(cut.err, /error The export is damaged or incomplete/);
    assert.match(
      (await runCli(['import', '--store', `lmdb:${join(folder.path, 'new')}`, '--input', '/no/file'])).err,
      /no\/file/,
    );
    writeFileSync(file, '');
    const inUse = await openLmdbStore(from);
    assert.match((await runCli(['export', '--store', `lmdb:${from}`])).err, /Another process has the store open/);
    await inUse.close();
  });

  test('`migrate` on a store without a schema says that there is nothing to do', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const { out, code } = await runCli(['migrate', '--dry-run', '--store', `lmdb:${folder.path}/none`]);
    assert.deepEqual([code, /is up to date/.test(out)], [0, true]);
  });

  test('the name of a folder may contain anything but a question mark, even a line break', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    for (const name of ['\n', 'a\nb', ' #%']) {
      const { code, err } = await runCli(['migrate', '--store', `lmdb:${join(folder.path, name)}`]);
      assert.equal(code, 0, err);
    }
    assert.deepEqual(readdirSync(folder.path).sort(), ['\n', ' #%', 'a\nb']);
  });
});
