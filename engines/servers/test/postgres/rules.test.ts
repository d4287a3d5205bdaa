import { after, before, describe, test } from 'node:test';
import { conformanceCases, type Harness, runCase } from 'curfew/conformance';
import { ruled } from '../../../../packages/curfew/src/rules/index.ts';
import type { PostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { postgresHarness } from './harness.ts';
import { PostgresServer } from './server.ts';

describe('the store contract by rules over the engine of PostgreSQL', () => {
  let server: PostgresServer;
  let harness: Harness;
  before(async () => {
    server = await PostgresServer.start();
    harness = postgresHarness(server);
    const { open } = harness;
    const over = <T>(store: T) => ruled(store as PostgresStore) as T;
    harness = {
      async open() {
        const opened = await open();
        return {
          ...opened,
          store: over(opened.store),
          reopen: async () => over(await opened.reopen!()),
          another: async () => over(await opened.another!()),
          breaking: async (moment, at) => over(await opened.breaking!(moment, at)),
        };
      },
    };
  });
  after(() => server.dispose());
  for (const rule of conformanceCases) test(rule.name, () => runCase(rule, harness));
});
