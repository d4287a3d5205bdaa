import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PostgresServer } from './server.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const suites = ['http', 'dialects', 'authority'].map((name) => `packages/curfew/test/${name}/**/*.test.ts`);

test('the tests of the server, its dialects and its rules also pass on PostgreSQL, with one variable', {
  timeout: 1_800_000,
}, async (t) => {
  const server = await PostgresServer.start(['fsync=off']);
  t.after(() => server.dispose());
  const url = await server.createDatabase('suite');
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['--conditions=curfew-source', '--test', '--test-reporter=tap', '--test-concurrency=2', ...suites];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...env, CURFEW_TEST_STORE: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  let told = '';
  child.stdout.on('data', (chunk) => {
    told += chunk;
  });
  const [code] = await once(child, 'close');
  const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(told)?.[1]);
  assert.equal(
    code,
    0,
    told
      .split('\n')
      .filter((line) => /^\s*not ok/.test(line))
      .join('\n'),
  );
  assert.deepEqual([count('fail'), count('skipped')], [0, 0]);
  assert.ok(count('pass') > 100, `only ${count('pass')} tests ran`);
  // Proof that they ran there: each test's schema was created, and dropped when the test was over.
  const { rows } = await server.sql(
    'suite',
    "SELECT xact_commit::integer AS commits FROM pg_stat_database WHERE datname = 'suite'",
  );
  assert.ok(rows[0].commits > 1000, `only ${rows[0].commits} transactions`);
  t.diagnostic(`${count('pass')} tests, ${rows[0].commits} transactions`);
});
