import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Part, runPart } from '../../../../tools/parts.ts';
import { PostgresServer } from './server.ts';

const parts: Part[] = ['rules', 'http', 'dialects'];

test('the tests of the server, its dialects and its rules also pass on PostgreSQL, with one variable', {
  timeout: 1_800_000,
}, async (t) => {
  const server = await PostgresServer.start(['fsync=off']);
  t.after(() => server.dispose());
  const url = await server.createDatabase('suite');
  const { signal } = t;
  const ran = await Promise.all(
    parts.map((part) => runPart(part, { tables: true, env: { CURFEW_TEST_STORE: url }, signal })),
  );
  for (const { part, code, text, passed, failed, skipped } of ran) {
    assert.equal(code, 0, `${part}: ${text.slice(text.indexOf('✖ failing tests:'))}`);
    assert.deepEqual([failed, skipped], [0, 0], part);
    assert.ok(passed > 100, `only ${passed} tests of ${part} ran`);
  }
  // Proof that they ran there: each test's schema was created, and dropped when the test was over.
  const { rows } = await server.sql(
    'suite',
    "SELECT xact_commit::integer AS commits FROM pg_stat_database WHERE datname = 'suite'",
  );
  assert.ok(rows[0].commits > 1000, `only ${rows[0].commits} transactions`);
  t.diagnostic(`${ran.reduce((sum, { passed }) => sum + passed, 0)} tests, ${rows[0].commits} transactions`);
});
