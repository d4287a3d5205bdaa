import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Harness } from '../../src/stores/conformance/index.ts';
import { type LmdbStore, openLmdbStore } from '../../src/stores/lmdb/index.ts';

/** A separate folder for a test, deleted when the test is over. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'curfew-'));
  // A store in it may still be open, and add a file while the others are removed.
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 20 }) };
}

/** An empty embedded store, removed when the test is over. */
export async function emptyStore(t: { after(done: () => unknown): void }): Promise<LmdbStore> {
  const folder = temporaryFolder();
  const store = await openLmdbStore(folder.path);
  t.after(async () => {
    await store.close();
    folder.remove();
  });
  return store;
}

export const lmdbHarness: Harness = {
  async open() {
    const folder = temporaryFolder();
    let store: LmdbStore = await openLmdbStore(folder.path);
    return {
      store,
      async reopen() {
        await store.close();
        store = await openLmdbStore(folder.path);
        return store;
      },
      /** Only the data file, as a restored copy of the data has it. */
      async setAside() {
        const [file, copy] = ['data.mdb', 'data.mdb.copy'].map((name) => join(folder.path, name)) as [string, string];
        copyFileSync(file, copy);
        return async () => {
          await store.close();
          copyFileSync(copy, file);
          store = await openLmdbStore(folder.path);
          return store;
        };
      },
      entries: () => store.countEntries(),
      async dispose() {
        await store.close();
        folder.remove();
      },
    };
  },
};
