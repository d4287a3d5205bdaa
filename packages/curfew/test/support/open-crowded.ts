import { closeSync, openSync } from 'node:fs';
import { openLmdbStore } from '../../src/stores/lmdb/index.ts';

// A process with hardly a file left to open, which says how opening a store fails. LMDB itself needs the few.
const [path] = process.argv.slice(2) as [string];
const spare = 4;
const held: number[] = [];
try {
  for (;;) held.push(openSync('/dev/null', 'r'));
} catch {
  for (const file of held.splice(-spare)) closeSync(file);
}
const fault = await openLmdbStore(path).then(
  () => ({ code: 'opened' }),
  ({ code, message, remedy }) => ({ code, message, remedy }),
);
for (const file of held) closeSync(file);
console.log(JSON.stringify(fault));
process.exit();
