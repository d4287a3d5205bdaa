import type { Harness } from 'curfew/conformance';
import { openPostgresStore, type PostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { Relay } from '../../../../packages/curfew/test/support/relay.ts';
import type { PostgresServer } from './server.ts';

let counter = 0;

/** Whether a client sends one of the statements that write: their names begin so. */
const isWrite = (sent: Buffer) => ['curfew write', 'curfew commit'].some((name) => sent.includes(name));

/** Stores in separate schemas of one database. */
export function postgresHarness(server: PostgresServer): Harness {
  return {
    async open() {
      const schema = `test_${counter++}`;
      const url = `${server.url('postgres')}?schema=${schema}`;
      let store: PostgresStore = await openPostgresStore(url);
      const others: { close(): Promise<unknown> }[] = [];
      return {
        store,
        async reopen() {
          await store.close();
          store = await openPostgresStore(url);
          return store;
        },
        async another() {
          const other = await openPostgresStore(url);
          others.push(other);
          return other;
        },
        async breaking(moment, at) {
          const relay = await Relay.to(server.port);
          const other = await openPostgresStore(`${server.url('postgres', relay.port)}?schema=${schema}`);
          others.push(other, relay);
          relay.breakAt(moment, at === 'write' ? isWrite : undefined);
          return other;
        },
        entries: () => store.countEntries(),
        async dispose() {
          await store.close();
          for (const other of others) await other.close();
        },
      };
    },
  };
}
