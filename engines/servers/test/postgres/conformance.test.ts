import { after, before, describe, test } from 'node:test';
import { conformanceCases, type Harness, runCase } from 'curfew/conformance';
import { postgresHarness } from './harness.ts';
import { PostgresServer } from './server.ts';

describe('CVE-2025-29928: the store contract on PostgreSQL', () => {
  let server: PostgresServer;
  let harness: Harness;
  before(async () => {
    server = await PostgresServer.start();
    harness = postgresHarness(server);
  });
  after(() => server.dispose());
  for (const rule of conformanceCases) test(rule.name, () => runCase(rule, harness));
});
