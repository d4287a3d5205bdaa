import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type RunningServer, serve } from '../../src/start/serve.ts';
import { roomIn } from '../../src/stores/open.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { random } from '../support/ports.ts';
import { runCli } from '../support/process.ts';
import { recovers } from '../support/recovers.ts';
import { RedisServer, redisInstalled } from '../support/redis.ts';
import { adminPassword, type Json } from '../support/server.ts';
import { cannotMount, smallDisk } from '../support/small-disk.ts';

type Finding = { check: string; state: string; says: string; remedy?: string };

async function started(
  t: TestContext,
  store: string,
): Promise<{ running: RunningServer; env: Record<string, string> }> {
  const env = { CURFEW_STORE: store, CURFEW_SECRET_KEY: Buffer.from(random(32)).toString('hex') };
  const running = await serve({
    ...env,
    CURFEW_PORT: '0',
    CURFEW_LOG_LEVEL: 'silent',
    CURFEW_ADMIN_PASSWORD: adminPassword,
  });
  t.after(() => running.close());
  return { running, env: { ...env, CURFEW_URL: running.url } };
}

async function readyz({ url }: RunningServer): Promise<Json> {
  const response = await fetch(`${url}/readyz`);
  return { http: response.status, ...((await response.json()) as object) };
}

/** Its verdict once it is this one. */
function becomes(status: string, running: RunningServer): Promise<Json> {
  return recovers(async () => {
    const report = await readyz(running);
    assert.equal(report.status, status);
    return report;
  });
}

async function doctor(env: Record<string, string>): Promise<{ code: number | null; faults: Finding[] }> {
  const { code, out } = await runCli(['doctor', '--json'], env);
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  return { code, faults: findings.filter(({ state }) => state === 'fault') };
}

/** That a server and `doctor` report refused writes, though nobody has tried to write. */
async function reported(
  { running, env }: Awaited<ReturnType<typeof started>>,
  verdict: 'degraded' | 'unready',
  says: RegExp,
  remedy: RegExp,
): Promise<void> {
  const { http, checks } = await becomes(verdict, running);
  assert.equal(http, verdict === 'degraded' ? 200 : 503);
  const failing = Object.entries<Json>(checks).filter(([, { ok }]) => !ok);
  // The lease is renewed by a write, which needs no room.
  assert.deepEqual(
    failing.map(([name]) => name),
    verdict === 'degraded' ? ['storeWrite'] : ['storeWrite', 'lease'],
  );
  for (const [, check] of failing) {
    assert.match(check.detail, says);
    assert.match(check.remedy, remedy);
  }
  const { code, faults } = await doctor(env);
  assert.equal(code, 1);
  const [writes, answer, ...others] = faults as [Finding, Finding, ...Finding[]];
  assert.equal(writes.check, 'writes');
  assert.match(answer.says, new RegExp(`answers ${http} .*: ${verdict}$`));
  for (const finding of [writes, ...others]) {
    assert.match(finding.says, says);
    assert.match(finding.remedy!, remedy);
  }
  assert.deepEqual(
    others.map(({ check, says: said }) => `${check} ${said.split(':')[0]}`),
    failing.map(([name]) => `server ${name}`),
  );
}

describe('a Redis that refuses writes is reported by /readyz and doctor', {
  skip: !redisInstalled,
  timeout: 900_000,
}, () => {
  const settings: [...setting: [string, string, string], verdict: 'degraded' | 'unready', ...told: [RegExp, RegExp]][] =
    [
      ['maxmemory', '1mb', '0', 'degraded', /no room left: Redis has used up its maxmemory/, /raise maxmemory/],
      ['min-replicas-to-write', '1', '0', 'unready', /fewer replicas .*NOREPLICAS/, /or lower min-replicas-to-write/],
    ];
  for (const [setting, value, harmless, ...told] of settings) {
    test(setting, async (t) => {
      const redis = await RedisServer.start();
      t.after(() => redis.remove());
      const server = await started(t, redis.url);
      assert.equal((await readyz(server.running)).status, 'ready');
      await redis.tell('CONFIG', 'SET', setting, value);
      await reported(server, ...told);
      await redis.tell('CONFIG', 'SET', setting, harmless);
      await becomes('ready', server.running);
      assert.deepEqual(await doctor(server.env), { code: 0, faults: [] });
    });
  }

  test('stop-writes-on-bgsave-error', async (t) => {
    const disk = smallDisk(8);
    if (!disk) {
      t.skip(cannotMount);
      return;
    }
    t.after(disk.remove);
    const redis = await RedisServer.start('--appendonly', 'no', '--dir', disk.path);
    t.after(() => redis.remove());
    const server = await started(t, redis.url);
    disk.fill();
    await redis.tell('CONFIG', 'SET', 'save', '3600 1');
    await redis.tell('BGSAVE');
    await reported(server, 'unready', /Redis cannot write its disk, and says: MISCONF/, /stop-writes-on-bgsave-error/);
  });
});

test('an embedded store on a full disk is reported by /readyz and doctor, though nobody has tried to write', {
  timeout: 120_000,
}, async (t) => {
  const disk = smallDisk(24);
  if (!disk) {
    t.skip(cannotMount);
    return;
  }
  t.after(disk.remove);
  const server = await started(t, `lmdb:${disk.path}`);
  const { store } = server.running.opened.context;
  while (Number((await store.describe()).facts['reserve']) === 0) await new Promise(setImmediate);
  assert.equal((await readyz(server.running)).status, 'ready');
  disk.fill();
  await reported(server, 'degraded', /The disk of .* is full/, /Free space on its disk/);
  disk.makeRoom();
  await becomes('ready', server.running);
  assert.deepEqual(await doctor(server.env), { code: 0, faults: [] });
});

test('a reserve that is not complete is no shortage while the disk has room for it', async (t) => {
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  writeFileSync(join(folder.path, 'reserve'), Buffer.alloc(1024));
  assert.equal((await roomIn(folder.path)).shortage, undefined);
});
