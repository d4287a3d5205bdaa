import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { CurfewError } from '../../../src/errors.ts';
import { StoreFixture } from '../../../src/stores/conformance/harness.ts';
import { openRedisStore } from '../../../src/stores/redis/index.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { startFollowers } from '../../support/followers.ts';
import { freePort } from '../../support/free-port.ts';
import { recovers } from '../../support/recovers.ts';
import { RedisServer, tellRedis } from '../../support/redis.ts';
import { Relay } from '../../support/relay.ts';
import { Sentinel, sentinelInstalled } from '../../support/sentinel.ts';
import { temporaryFolder } from '../harness.ts';

const timeout = 300_000;

async function started(t: TestContext, ...settings: string[]): Promise<RedisServer> {
  const server = await RedisServer.start('--repl-diskless-sync-delay', '0', ...settings);
  t.after(() => server.remove());
  return server;
}

async function watching(t: TestContext, ...about: Parameters<typeof Sentinel.watching>): Promise<Sentinel> {
  const sentinel = await Sentinel.watching(...about);
  t.after(() => sentinel.remove());
  return sentinel;
}

/** A former primary with a Sentinel that knows no other, and the present one with a Sentinel of a later failover. */
async function failedOver(t: TestContext) {
  const [before, now] = [await started(t), await started(t)];
  const old = await watching(t, before.port);
  const latest = await watching(t, now.port, {
    settings: ['sentinel config-epoch pair 7', 'sentinel current-epoch 7'],
  });
  return { before, now, old, latest };
}

async function refusal(url: string): Promise<CurfewError> {
  const store = await openRedisStore(url).catch((error: CurfewError) => error);
  if (store instanceof Error) return store;
  await store.close();
  return assert.fail('it was opened');
}

describe('a Redis behind Sentinel', { skip: !sentinelInstalled }, () => {
  test('N8.22: servers follow the primary through failovers by Sentinel: nothing that ended is active, and sessions can still be ended', {
    timeout,
  }, async (t) => {
    const first = await started(t);
    const second = await started(t, '--replicaof', `127.0.0.1 ${first.port}`);
    const sentinel = await watching(t, first.port);
    await sentinel.knowsReplica(second.port);
    // One of the configured Sentinels does not exist.
    const url = `redis+sentinel://127.0.0.1:${sentinel.port},127.0.0.1:${await freePort()}/pair`;
    const { open, endedEverywhere, areWell } = await startFollowers(t, url);
    const sessions = [await open(), await open(), await open(), await open()];
    await endedEverywhere(sessions[0]!);
    await first.down('SIGKILL');
    await sentinel.made(second.port);
    await endedEverywhere(sessions[1]!);
    await endedEverywhere(await open());

    // It comes back as a primary, until Sentinel tells it what to follow.
    await first.up();
    await endedEverywhere(sessions[2]!);
    await sentinel.knowsReplica(first.port);
    // And a primary that continues as a replica: its connections must be closed.
    await sentinel.switchOver();
    await sentinel.made(first.port);
    await endedEverywhere(sessions[3]!);
    await endedEverywhere(await open());
    areWell();
  });

  test('N8.22: a connection to a former primary is closed, even if nothing else breaks it', {
    timeout,
  }, async (t) => {
    const [first, second] = [await started(t), await started(t)];
    const address = await Relay.to(first.port);
    t.after(() => address.close());
    const store = await openRedisStore(`redis://127.0.0.1:${address.port}`);
    t.after(store.close);
    const fixture = new StoreFixture({ store, dispose: store.close });
    await fixture.create();
    address.lead(second.port);
    await first.tell('REPLICAOF', '127.0.0.1', String(second.port));
    const { id } = await recovers(() => fixture.create());
    // Reads have a connection of their own.
    assert.ok(await recovers(() => store.readSession(id)));
    assert.ok(Number(await second.tell('DBSIZE')) > 0);
  });

  test('N8.22: Sentinels and the primary each have their own name and password', { timeout }, async (t) => {
    const server = await started(t, '--requirepass', 'ofprimary');
    const watch = { password: 'ofsentinel', settings: ['sentinel auth-pass pair ofprimary'] };
    const { port } = await watching(t, server.port, watch);
    const at = (login: string, query: string) => `redis+sentinel://${login}127.0.0.1:${port}/pair/3${query}`;
    for (const query of ['?sentinel_password=ofsentinel', '?sentinel_username=default&sentinel_password=ofsentinel']) {
      const store = await openRedisStore(at(':ofprimary@', query));
      assert.equal((await store.describe()).location, `redis+sentinel://127.0.0.1:${port}/pair/3`);
      await new StoreFixture({ store, dispose: store.close }).create();
      await store.close();
    }
    const keyspace = await tellRedis(`redis://:ofprimary@127.0.0.1:${server.port}`, 'INFO', 'keyspace');
    assert.match(String(keyspace), /db3:/);
    const wrong: [string, string, RegExp][] = [
      [':ofprimary@', '', /127\.0\.0\.1:\d+ says .*NOAUTH.*sentinel_username and sentinel_password/],
      [':ofprimary@', '?sentinel_password=ofother', /says .*WRONGPASS.*sentinel_password/],
      [':ofother@', '?sentinel_password=ofsentinel', /whose primary is 127\.0\.0\.1:\d+ says: WRONGPASS/],
    ];
    for (const [login, query, says] of wrong) {
      const error = await refusal(at(login, query));
      assert.equal(error.code, 'store_login_refused', error.message);
      assert.match(error.message, says);
      assert.doesNotMatch(error.message, /ofprimary|ofsentinel|ofother/);
    }
  });

  test('N8.22: an address that is not a Sentinel, does not know the primary or does not answer is named with the remedy', {
    timeout,
  }, async (t) => {
    const server = await started(t);
    const { port } = await watching(t, server.port);
    const nobody = await freePort();
    const cases: [string, string, RegExp][] = [
      [`127.0.0.1:${port}/other`, 'config_invalid', /127\.0\.0\.1:\d+ knows no "other" \(SENTINEL MASTERS lists/],
      [`127.0.0.1:${server.port}/pair`, 'config_invalid', /is a Redis and no Sentinel \(.*26379.*redis:\/\/127/],
      [`127.0.0.1:${nobody}/pair`, 'store_unavailable', /no Sentinel says where the primary is: 127.*ECONNREFUSED/],
      [`127.0.0.1:${nobody},127.0.0.1:${port}/other`, 'config_invalid', /ECONNREFUSED.*knows no "other"/],
    ];
    for (const [where, code, says] of cases) {
      const error = await refusal(`redis+sentinel://u:hidden@${where}`);
      assert.equal(error.code, code, error.message);
      assert.match(error.message, says);
      assert.match(error.message, /CURFEW_STORE/);
      assert.doesNotMatch(error.message, /hidden/);
    }
  });

  test('N8.22: isolated Sentinels that name the former primary are outvoted by the latest failover', {
    timeout,
  }, async (t) => {
    const { before, now, old, latest } = await failedOver(t);
    for (const ports of [
      [old.port, latest.port],
      [latest.port, old.port],
    ]) {
      const store = await openRedisStore(`redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`)}/pair`);
      await new StoreFixture({ store, dispose: store.close }).create();
      await store.close();
    }
    assert.deepEqual([await before.tell('DBSIZE'), Number(await now.tell('DBSIZE')) > 0], [0, true]);
  });

  test('N8.22: fewer than half of the Sentinels are not believed, since they may be cut off and name the former primary', {
    timeout,
  }, async (t) => {
    const { before, now, old, latest } = await failedOver(t);
    const nobody = [await freePort(), await freePort()];
    const at = (...ports: number[]) => `redis+sentinel://u:hidden@${ports.map((port) => `127.0.0.1:${port}`)}/pair`;
    const error = await refusal(at(old.port, ...nobody));
    assert.equal(error.code, 'store_unavailable', error.message);
    assert.match(error.message, /CURFEW_STORE: only 1 of 3 Sentinels \(at least 2 must\) says .*ECONNREFUSED/);
    assert.match(error.remedy, /Start the other Sentinels/);
    // A mistake in the URL is still what is named.
    const mistaken = await refusal(at(old.port, now.port, nobody[0]!));
    assert.equal(mistaken.code, 'config_invalid', mistaken.message);
    assert.match(mistaken.message, /only 1 of 3 Sentinels.*is a Redis and no Sentinel/);
    assert.equal(await before.tell('DBSIZE'), 0);
    const store = await openRedisStore(at(old.port, latest.port, nobody[0]!).replace('u:hidden@', ''));
    await new StoreFixture({ store, dispose: store.close }).create();
    await store.close();
    assert.deepEqual([await before.tell('DBSIZE'), Number(await now.tell('DBSIZE')) > 0], [0, true]);
  });

  test('N8.22: Sentinels and the primary are reached by TLS, with the certificate of the authority that signed theirs', {
    timeout,
  }, async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    makeCertificates(folder.path);
    const [ca, cert, key] = ['ca.crt', 'redis.crt', 'redis.key'].map((name) => join(folder.path, name));
    const [ofRedis, ofSentinel] = [await freePort(), await freePort()];
    const files = ['tls-cert-file', cert!, 'tls-key-file', key!, 'tls-ca-cert-file', ca!, 'tls-replication', 'yes'];
    const lines = [0, 2, 4, 6].map((i) => `${files[i]} ${files[i + 1]}`);
    await started(t, '--tls-port', String(ofRedis), ...files.map((word, i) => (i % 2 === 0 ? `--${word}` : word)));
    await watching(t, ofRedis, { settings: [...lines, `tls-port ${ofSentinel}`] });
    const url = `rediss+sentinel://127.0.0.1:${ofSentinel}/pair`;
    const stranger = await refusal(url);
    assert.equal(stranger.code, 'store_unavailable');
    assert.match(stranger.message, /certificate/);
    const store = await openRedisStore(`${url}?ca=${ca}&cert=${cert}&key=${key}`);
    t.after(store.close);
    const { id } = await new StoreFixture({ store, dispose: store.close }).create();
    assert.ok(await store.readSession(id));
  });
});
