import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fillWithEvents } from '../support/filled.ts';
import { runCli } from '../support/process.ts';
import { cannotMount, smallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from './harness.ts';

/** A store with a few megabytes of events. */
async function largeStore(t: TestContext): Promise<string> {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const path = join(folder.path, 'data');
  await fillWithEvents(path, 8000);
  return path;
}

test('an export for which the disk has no room leaves no file, and the error names it and the remedy', async (t) => {
  const disk = smallDisk(4);
  if (!disk) return t.skip(cannotMount);
  t.after(disk.remove);
  const from = await largeStore(t);
  const file = join(disk.path, 'export.jsonl');
  const { code, err } = await runCli(['export', '--store', `lmdb:${from}`, '-o', file]);
  assert.equal(code, 1, err);
  assert.match(
    err,
    /^error The file of the export cannot be written: .*export\.jsonl: ENOSPC.*\n {6}→ Free space .*$/m,
  );
  assert.deepEqual(readdirSync(disk.path), []);
});

test('an import for which the disk has no room ends with an error that names the folder and the remedy', async (t) => {
  const disk = smallDisk(4);
  if (!disk) return t.skip(cannotMount);
  t.after(disk.remove);
  const from = await largeStore(t);
  const [file, to] = [`${from}.jsonl`, join(disk.path, 'data')];
  assert.equal((await runCli(['export', '--store', `lmdb:${from}`, '-o', file])).code, 0);
  const { code, err } = await runCli(['import', '--store', `lmdb:${to}`, file]);
  assert.equal(code, 1, err);
  assert.match(
    err,
    /^error The store has no room left: The disk of .*data is full: .*\n {6}→ Remove .*repeat the import\.$/m,
  );
  // LMDB itself prints the failed commit before; but nothing is uncaught.
  assert.doesNotMatch(err, /^Node\.js v/m);
});

test('an export writes over nothing, not even a link that leads nowhere, and removes what an earlier one has left', async (t) => {
  const from = await largeStore(t);
  const [file, link] = [`${from}.jsonl`, `${from}-link`];
  symlinkSync(`${from}-elsewhere`, link);
  const refused = await runCli(['export', '--store', `lmdb:${from}`, '-o', link]);
  assert.deepEqual([refused.code, /-link: it exists already\.\n {6}→ Name a file/.test(refused.err)], [1, true]);
  assert.ok(!existsSync(`${from}-elsewhere`));
  symlinkSync(`${from}-elsewhere`, `${file}.unfinished`);
  const { code, err } = await runCli(['export', '--store', `lmdb:${from}`, '-o', file]);
  assert.equal(code, 0, err);
  assert.match(readFileSync(file, 'utf8'), /"curfew":"whole".*\n$/);
  assert.ok(!existsSync(`${from}-elsewhere`));
});
