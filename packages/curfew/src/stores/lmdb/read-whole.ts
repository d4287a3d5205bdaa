import assert from 'node:assert/strict';
import { open } from 'lmdb';
import { databases, openDatabase } from './tables.ts';

// A program of its own: reads every row of a store, and ends well only if it could, and they are as many as there should be.
const folder = process.argv[2]!;
const root = open({ path: folder, maxDbs: databases.length + 2, readOnly: true });
let rows = 0;
for (const name of databases) {
  const table = openDatabase(root, name);
  let read = 0;
  for (const _ of table.getRange()) read++;
  // Where pages are missing, a range may end early without an error.
  assert.equal(read, (table.getStats() as { entryCount: number }).entryCount, name);
  rows += read;
}
console.log(rows);
