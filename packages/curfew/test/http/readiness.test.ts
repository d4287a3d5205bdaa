import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeKey } from '../../src/authority/keys.ts';
import { CurfewError } from '../../src/errors.ts';
import { serve } from '../../src/start/serve.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { manualClock, random } from '../support/ports.ts';
import { startProcess } from '../support/process.ts';
import { recovers } from '../support/recovers.ts';
import { RedisServer } from '../support/redis.ts';
import { Relay } from '../support/relay.ts';
import { adminPassword, type Json, TestServer } from '../support/server.ts';

const good = { ok: true };
const ready = { storeRead: good, storeWrite: good, lease: good, clock: good, serving: good };

async function ask(url: string, path: string): Promise<{ status: number; body: Json; text: string }> {
  const response = await fetch(url + path);
  const text = await response.text();
  return { status: response.status, text, body: path === '/readyz' ? JSON.parse(text) : undefined };
}

test('a working server reports that, check by check', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { status, body } = await ask(server.url, '/readyz');
  assert.deepEqual([status, body], [200, { status: 'ready', checks: ready }]);
});

test('a server that can verify but not write is degraded and stays in service', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  await server.running.opened.calls.watch('createSession', [], Promise.reject(new CurfewError('store_full')));
  const { status, body } = await ask(server.url, '/readyz');
  assert.deepEqual([status, body.status], [200, 'degraded']);
  assert.equal(body.checks.storeWrite.detail, 'A write (createSession) failed: The store has no room left');
  assert.match(body.checks.storeWrite.remedy, /^Free space on its disk/);
  await server.createSession('ada');
  assert.equal((await ask(server.url, '/readyz')).body.status, 'ready');
});

test('a clock that went back makes a server unready, and it reports the times and since when', async (t) => {
  const clock = manualClock();
  const server = await TestServer.start({}, clock);
  t.after(() => server.close());
  await server.createSession('ada');
  clock.advance(-3_600_000);
  const { status, body } = await ask(server.url, '/readyz');
  assert.deepEqual([status, body.status, body.checks.clock.ok], [503, 'unready', false]);
  assert.match(body.checks.clock.detail, /^The server's clock has gone back: It shows 2025-12-31T23:00/);
  assert.ok(Math.abs(Date.parse(body.checks.clock.since) - Date.now()) < 60_000);
  clock.advance(3_600_000);
  assert.equal((await ask(server.url, '/readyz')).status, 200);
});

test('a store that does not answer makes a server unready within a second, and does not delay the metrics', async (t) => {
  const redis = await RedisServer.start();
  const relay = await Relay.to(Number(new URL(redis.url).port));
  const store = new URL(redis.url);
  store.port = String(relay.port);
  const server = await serve({
    CURFEW_STORE: store.href,
    CURFEW_SECRET_KEY: Buffer.from(random(32)).toString('hex'),
    CURFEW_PORT: '0',
    CURFEW_LEASE_MS: '2000',
    CURFEW_LOG_LEVEL: 'silent',
    CURFEW_ADMIN_PASSWORD: adminPassword,
  });
  t.after(async () => {
    relay.silent = false;
    await server.close();
    await relay.close();
    await redis.remove();
  });
  assert.equal((await ask(server.url, '/readyz')).status, 200);
  assert.match((await ask(server.url, '/metrics')).text, /^curfew_store_up 1$/m);
  relay.silent = true;
  const began = performance.now();
  const [probe, page] = await Promise.all([ask(server.url, '/readyz'), ask(server.url, '/metrics')]);
  assert.ok(performance.now() - began < 5000, 'the caller was kept waiting');
  assert.deepEqual([probe.status, probe.body.status, probe.body.checks.storeRead.ok], [503, 'unready', false]);
  assert.equal(page.status, 200);
  assert.match(page.text, /^curfew_store_up 0$/m);
  assert.doesNotMatch(page.text, /^curfew_sessions_active /m);
  assert.match(page.text, /^curfew_store_oldest_call_seconds (?!0$)/m);
  const lapsed = await recovers(async () => {
    const { body } = await ask(server.url, '/readyz');
    assert.equal(body.checks.lease.ok, false);
    return body;
  });
  assert.match(lapsed.checks.lease.detail, /^The lease ran out and could not be renewed\./);
  relay.silent = false;
  await recovers(async () => assert.equal((await ask(server.url, '/readyz')).status, 200));
  const after = (await ask(server.url, '/metrics')).text;
  assert.match(after, /^curfew_fence_lease_losses_total [1-9]/m);
  assert.match(after, /^curfew_store_errors_total\{call="\w+",code="\w+"\} [1-9]/m);
});

test('when it stops, a probed server drains first, and its probe reports that while it serves', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const key = makeKey(Date.now(), random);
  const server = await startProcess({
    CURFEW_STORE: `lmdb:${folder.path}`,
    CURFEW_API_KEY: key,
    CURFEW_ADMIN_PASSWORD: adminPassword,
    CURFEW_DRAIN_MS: '2000',
  });
  assert.equal((await ask(server.url, '/readyz')).status, 200);
  const began = performance.now();
  const stopped = server.stop('SIGTERM');
  const draining = await recovers(async () => {
    const probe = await ask(server.url, '/readyz');
    assert.equal(probe.status, 503);
    return probe;
  });
  assert.deepEqual([draining.body.status, draining.body.checks.serving.ok], ['draining', false]);
  const served = await fetch(`${server.url}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ userId: 'late' }),
  });
  assert.equal(served.status, 201);
  await stopped;
  assert.ok(performance.now() - began >= 2000, 'it closed before the configured time');
  assert.equal(server.child.exitCode, 0);
});

test('when it stops, a server that nobody probes closes at once', async (t) => {
  const server = await TestServer.start({ CURFEW_DRAIN_MS: '300000' });
  t.after(() => server.close());
  await server.running.drain();
  assert.equal((await ask(server.url, '/readyz')).body.status, 'draining');
});
