import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type RunningServer, serve } from '../../../../packages/curfew/src/start/serve.ts';
import { runCli } from '../../../../packages/curfew/test/support/process.ts';
import { recovers } from '../../../../packages/curfew/test/support/recovers.ts';
import { adminPassword, type Json } from '../../../../packages/curfew/test/support/server.ts';
import { cannotMount, smallDisk } from '../../../../packages/curfew/test/support/small-disk.ts';
import { PostgresServer } from './server.ts';

type Finding = { check: string; state: string; says: string; remedy?: string };

describe('a PostgreSQL that refuses writes is reported by /readyz and doctor', { timeout: 900_000 }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  async function started(store: string) {
    const env = { CURFEW_STORE: store, CURFEW_SECRET_KEY: randomBytes(32).toString('hex') };
    const running = await serve({
      ...env,
      CURFEW_PORT: '0',
      CURFEW_LOG_LEVEL: 'silent',
      CURFEW_ADMIN_PASSWORD: adminPassword,
    });
    return { running, env: { ...env, CURFEW_URL: running.url } };
  }

  /** Its report once it has this verdict. */
  const becomes = (status: string, { url }: RunningServer): Promise<Json> =>
    recovers(async () => {
      const report = (await (await fetch(`${url}/readyz`)).json()) as Json;
      assert.equal(report.status, status);
      return report;
    });

  async function faults(env: Record<string, string>): Promise<Finding[]> {
    const { out } = await runCli(['doctor', '--json'], env);
    const { findings } = JSON.parse(out) as { findings: Finding[] };
    return findings.filter(({ state }) => state === 'fault');
  }

  test('N10.8: because its disk is full, though nobody has tried to write', async (t) => {
    const disk = smallDisk(48);
    if (!disk) {
      t.skip(cannotMount);
      return;
    }
    const place = join(disk.path, 'space');
    mkdirSync(place);
    spawnSync('chown', ['-R', 'postgres:postgres', place]);
    for (const folder of [disk.path, place]) chmodSync(folder, 0o755);
    await server.sql('postgres', `CREATE TABLESPACE small LOCATION '${place}'`);
    await server.sql('postgres', 'CREATE DATABASE small TABLESPACE small');
    const { running, env } = await started(server.url('small'));
    t.after(async () => {
      await running.close();
      disk.makeRoom();
      await server.sql('postgres', 'DROP DATABASE IF EXISTS small WITH (FORCE)');
      await server.sql('postgres', 'DROP TABLESPACE small');
      disk.remove();
    });
    await becomes('ready', running);
    disk.fill();
    const { checks } = await becomes('degraded', running);
    assert.match(checks.storeWrite.detail, /no room left: The disk of PostgreSQL's server is full: .*No space left/);
    assert.match(checks.storeWrite.remedy, /^Free space on its disk/);
    const [writes, verdict, check] = await faults(env);
    assert.equal(writes!.check, 'writes');
    assert.match(writes!.says, /The disk of PostgreSQL's server is full: .*No space left/);
    assert.match(writes!.remedy!, /^Free space on its disk/);
    assert.match(verdict!.says, /: degraded$/);
    assert.match(check!.says, /^storeWrite: /);
    disk.makeRoom();
    await becomes('ready', running);
    assert.deepEqual(await faults(env), []);
  });

  test('because its transactions are read-only', async (t) => {
    const { running, env } = await started(await server.createDatabase('frozen'));
    t.after(() => running.close());
    await becomes('ready', running);
    await server.sql('postgres', 'ALTER DATABASE frozen SET default_transaction_read_only = on');
    await server.sql(
      'postgres',
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'frozen' AND pid <> pg_backend_pid()",
    );
    await recovers(async () => {
      const { checks } = await becomes('unready', running);
      assert.match(checks.storeRead.detail, /The transactions of the server are read-only/);
    });
    const lapsed = await recovers(async () => {
      const report = await becomes('unready', running);
      assert.equal(report.checks.lease.ok, false);
      return report.checks.lease;
    });
    assert.match(lapsed.detail, /could not be renewed\. .*transactions of the server are read-only/);
    assert.match(lapsed.remedy, /default_transaction_read_only = off/);
    const [store] = await faults(env);
    assert.equal(store!.check, 'store');
    assert.match(store!.says, /read-only/);
    assert.match(store!.remedy!, /default_transaction_read_only = off/);
    await server.sql('postgres', 'ALTER DATABASE frozen RESET default_transaction_read_only');
    await becomes('ready', running);
  });
});
