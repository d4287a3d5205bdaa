import { hour, logout, StoreFixture, start } from '../../src/stores/conformance/harness.ts';
import { openLmdbStore } from '../../src/stores/lmdb/index.ts';

// A separate program: writes to the embedded store in a folder until it ends, and reports once it has written some.
const store = await openLmdbStore(process.argv[2]!);
const fixture = new StoreFixture({ store, dispose: async () => {} });
const ids: string[] = [];
for (let turn = 0; ; turn++) {
  await Promise.all(
    Array.from({ length: 50 }, async (_, k) => {
      ids.push((await fixture.create({ userId: `user ${(turn + k) % 500}`, groups: [`group ${k % 7}`] })).id);
      if (k % 3 === 0) await store.endSession(ids[(turn * 7 + k) % ids.length] as never, logout(start + turn));
    }),
  );
  if (turn % 10 === 0) await store.sweep({ now: start + hour, keepEnded: 1, keepEvents: 1e12, batch: 300 });
  if (turn === 40) console.log('writing');
}
