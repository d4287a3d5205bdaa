import { openLmdbStore } from '../../src/stores/lmdb/index.ts';

// A process that holds a store open until it is killed; with `lending`, as a node that lends to verifiers.
const [path, lending] = process.argv.slice(2) as [string, string?];
const store = await openLmdbStore(path);
const tail = { sequence: 0, mark: '' };
if (lending) await store.renewNode({ id: 'lender', counter: 1, applied: 0, tail, lends: true });
console.log(`held ${(await store.logHead()).incarnation}`);
process.stdin.resume();
