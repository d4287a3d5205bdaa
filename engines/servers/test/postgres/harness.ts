import type { Harness } from 'curfew/conformance';
import { openPostgresStore, type PostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import type { PostgresServer } from './server.ts';

let counter = 0;

/** Stores in schemas of their own in one database. */
export function postgresHarness(server: PostgresServer): Harness {
  return {
    async open() {
      const url = `${server.url('postgres')}?schema=test_${counter++}`;
      let store: PostgresStore = await openPostgresStore(url);
      return {
        store,
        async reopen() {
          await store.close();
          store = await openPostgresStore(url);
          return store;
        },
        entries: () => store.countEntries(),
        dispose: () => store.close(),
      };
    },
  };
}
