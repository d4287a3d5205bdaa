import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { openPostgresStore, planPostgres } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { runCli } from '../../../../packages/curfew/test/support/process.ts';
import { PostgresServer } from './server.ts';

type Finding = { check: string; state: string; says: string; remedy?: string };

async function doctor(env: Record<string, string>): Promise<{ code: number | null; findings: Finding[] }> {
  const { code, out } = await runCli(['--json', 'doctor', '--url', 'http://127.0.0.1:64999'], env);
  assert.doesNotMatch(out, /p%40ss|p@ss/);
  return { code, findings: (JSON.parse(out) as { findings: Finding[] }).findings };
}

test('doctor reports on PostgreSQL: version, speed, what a crash would cost, and the remedy', async (t) => {
  const server = await PostgresServer.start();
  t.after(() => server.dispose());
  const url = await server.createDatabase();
  const key = randomBytes(32).toString('hex');
  const env = { CURFEW_STORE: url, CURFEW_SECRET_KEY: key };
  const of = (findings: Finding[], check: string) => findings.filter((finding) => finding.check === check);

  const fresh = await doctor(env);
  assert.match(of(fresh.findings, 'store')[0]!.says, /has version 0; serve, or `curfew migrate`, brings it to \d+/);
  assert.equal((await planPostgres(url)).version, 0, 'doctor changed the store');

  await (await openPostgresStore(url)).close();
  const well = await doctor(env);
  assert.match(
    of(well.findings, 'store')[0]!.says,
    /^PostgreSQL 18\.\d+ at postgres:.*, schema curfew, format \d+; answers in [\d.]+ ms$/,
  );
  assert.deepEqual(
    of(well.findings, 'durability').map(({ state, says }) => [state, says]),
    [['ok', 'every change is on the disk of this server before it is acknowledged']],
  );
  assert.equal(well.code, 0);

  await server.setting('fsync', 'off');
  const risky = await doctor({ ...env, CURFEW_STORE: `${url}?connections=150` });
  const warnings = of(risky.findings, 'durability');
  assert.equal(warnings[0]!.says, 'a crash of the machine can lose any change');
  assert.deepEqual(
    warnings.slice(1).map(({ remedy }) => remedy),
    ['set fsync = on', 'raise it, or lower ?connections='],
  );

  const keyless = await doctor({ CURFEW_STORE: url });
  assert.deepEqual([keyless.code, of(keyless.findings, 'secret key')[0]!.state], [1, 'fault']);
  await server.stop();
  const away = await doctor(env);
  const [fault] = of(away.findings, 'store');
  assert.deepEqual([away.code, fault!.state], [1, 'fault']);
  assert.match(fault!.says, /The store does not answer: postgres:.*ECONNREFUSED/);
});
