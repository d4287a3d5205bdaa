import { openLmdbStore } from '../../src/stores/lmdb/index.ts';

// A process that holds a store open until it is killed.
await openLmdbStore(process.argv[2]!);
console.log('held');
process.stdin.resume();
