import { open } from 'lmdb';
import { databases, openDatabase } from './tables.ts';

// A program of its own: reads every row of a store, and ends well only if it could.
const folder = process.argv[2]!;
const root = open({ path: folder, maxDbs: databases.length + 2, readOnly: true });
let rows = 0;
for (const name of databases) {
  for (const _ of openDatabase(root, name).getRange()) rows++;
}
console.log(rows);
