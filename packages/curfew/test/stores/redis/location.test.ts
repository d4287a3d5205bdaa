import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { CurfewError } from '../../../src/errors.ts';
import { createCurfew } from '../../../src/index.ts';
import { logout, StoreFixture, start } from '../../../src/stores/conformance/harness.ts';
import { openStore, showStore } from '../../../src/stores/open.ts';
import { openRedisStore, parseLocation, type RedisStore } from '../../../src/stores/redis/index.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { freePort } from '../../support/free-port.ts';
import { recovers } from '../../support/recovers.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';
import { temporaryFolder } from '../harness.ts';

function folderOf(t: TestContext): string {
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  return folder.path;
}

test('N8.17: every part of a Redis URL is used, or refused with what is wrong with it; nothing is ignored', () => {
  const { client, prefix, shown } = parseLocation('redis://me:p%40ss@[::1]:7000/3?prefix=shop:one');
  assert.deepEqual(client, { username: 'me', password: 'p@ss', database: 3, socket: { host: '::1', port: 7000 } });
  assert.deepEqual([prefix, shown], ['shop:one:', 'redis://[::1]:7000/3?prefix=shop:one']);
  const unix = parseLocation('redis+unix://:hunter2@/run/a%20b.sock?db=2');
  assert.deepEqual(unix.client, { password: 'hunter2', database: 2, socket: { path: '/run/a b.sock' } });
  assert.equal(unix.shown, 'redis+unix:///run/a b.sock?db=2');
  const sentinel = parseLocation(
    'redis+sentinel://me:p%40ss@one,two:26380,[::1]/my%20master/3?sentinel_username=w&sentinel_password=hunter2%26&prefix=a',
  );
  assert.deepEqual(sentinel.client, { username: 'me', password: 'p@ss', database: 3, socket: {} });
  assert.deepEqual(sentinel.sentinels, {
    servers: [
      { host: 'one', port: 26_379 },
      { host: 'two', port: 26_380 },
      { host: '::1', port: 26_379 },
    ],
    master: 'my master',
    login: { username: 'w', password: 'hunter2&' },
  });
  assert.equal(sentinel.shown, 'redis+sentinel://one,two:26380,[::1]/my%20master/3?prefix=a');
  const cluster = parseLocation('rediss+cluster://me:p%40ss@one,two:7001,[::1]/0?prefix=a');
  assert.deepEqual(cluster.client, { username: 'me', password: 'p@ss', database: 0, socket: { tls: true } });
  assert.deepEqual(cluster.cluster, [
    { host: 'one', port: 6379 },
    { host: 'two', port: 7001 },
    { host: '::1', port: 6379 },
  ]);
  assert.deepEqual([cluster.prefix, cluster.shown], ['{a}:', 'rediss+cluster://one,two:7001,[::1]/0?prefix=a']);
  const divided = parseLocation('redis+cluster://one?groups=16&prefix=a');
  assert.deepEqual([divided.groups, divided.shown], [16, 'redis+cluster://one?prefix=a&groups=16']);
  const wrong: [string, RegExp][] = [
    ['redis+cluster://:hunter2@h/1', /has the path \/1, but a Cluster has only the database 0/],
    ['redis+cluster://:hunter2@h,,h', /"" is not a host with a port/],
    ['redis+cluster://:hunter2@h?db=1', /unknown parameter "db"; it takes groups, prefix/],
    ['redis+cluster://:hunter2@h?groups=1', /has groups=1, which must be a number from 2 to 256/],
    ['redis+cluster://:hunter2@h?groups=300', /has groups=300, which must be a number from 2 to 256/],
    ['redis://:hunter2@h?groups=4', /unknown parameter "groups"; it takes prefix/],
    ['redis+cluster://me:x/hunter2@h', /an @ after its host/],
    ['redis://default:hunter2/0', /a colon that no port follows, .* an @ must follow them/],
    ['redis://default:hunter2:6379/0', /a colon that no port follows/],
    ['redis+sentinel://:hunter2@h', /has the path \/, which must be the name that the Sentinels have/],
    ['redis+sentinel://:hunter2@h/mymaster/one', /has the path \/mymaster\/one/],
    ['redis+sentinel://:hunter2@h,/mymaster', /"" is not a host with a port/],
    ['redis+sentinel://:hunter2@h:x/mymaster', /"h:x" is not a host with a port/],
    ['redis+sentinel://:hunter2@h/mymaster?ca=/x', /unknown parameter "ca"; it takes prefix, sentinel_password,/],
    ['rediss+sentinel://:hunter2@h/mymaster?master=x', /unknown parameter "master"/],
    ['redis://:hunter2@h?sentinel_password=hunter2', /unknown parameter "sentinel_password"/],
    ['redis://:hunter2@one,two', /"one,two" is not a host/],
    ['redis://:hunter2@h/0?timeout=3', /unknown parameter "timeout"; it takes prefix\./],
    ['redis://:hunter2@h/0?ca=/x', /unknown parameter "ca"/],
    ['rediss://:hunter2@h/0?ca=/no/such', /has ca=\/no\/such, which cannot be read: ENOENT/],
    ['rediss://:hunter2@h/0?cert=/x', /needs cert and key together/],
    ['redis://:hunter2@h?prefix=a&prefix=b', /prefix more than once/],
    ['redis://:hunter2@h?prefix=', /prefix without a value/],
    ['redis://:hunter2@h?prefix={a}', /has prefix=\{a\}/],
    ['redis://:hunter2@h/0#1', /%23/],
    ['redis://:hunter2@h/one', /path \/one, which must be the number of a database/],
    ['redis://me:x/hunter2@h/0', /an @ after its host; .* \/ \? # @ are written as %2F/],
    ['redis://me:x?hunter2@h/0', /an @ after its host/],
    ['redis://me:x#hunter2@h/0', /an @ after its host/],
    ['redis://me:p@x/hunter2@h/0', /an @ after its host/],
    ['redis+sentinel://me:x/hunter2@h/mymaster', /an @ after its host/],
    ['redis+unix://me:x?hunter2@/run/redis.sock', /an @ after its host/],
    ['redis+unix://:hunter2@host/run/redis.sock', /must be|names no socket/],
    ['redis+unix://:hunter2@/', /names no socket/],
    ['redis+unix://:hunter2@/run/r.sock?db=one', /has db=one/],
    ['lmdb:./data?mode=hunter2', /lmdb:folder takes no parameters/],
  ];
  for (const [url, says] of wrong) {
    assert.throws(
      () => showStore(url),
      (error: CurfewError) => {
        assert.equal(error.code, 'config_invalid', url);
        assert.match(error.message, says);
        assert.match(error.message, /CURFEW_STORE/);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  }
});

test('a store with an invalid URL is not opened at all', async () => {
  await assert.rejects(createCurfew({ store: 'lmdb:./nowhere?x=1' }), { code: 'config_invalid' });
  await assert.rejects(async () => openStore('redis://127.0.0.1:1/0?x=1'), { code: 'config_invalid' });
});

describe('a Redis', { skip: !redisInstalled }, () => {
  test('N8.16: a Redis can hold stores with different prefixes, independent of each other', async (t) => {
    const server = await RedisServer.start();
    t.after(() => server.remove());
    const [one, two] = [
      await openRedisStore(`${server.url}?prefix=one`),
      await openRedisStore(`${server.url}?prefix=two`),
    ];
    t.after(one.close);
    t.after(two.close);
    const [first, second] = [fixtureOf(one), fixtureOf(two)];
    const kept = await second.create();
    await first.create();
    await one.endEveryone(logout(start));
    assert.deepEqual([await one.countActive(start), await two.countActive(start)], [0, 1]);
    for (const store of [one, two]) {
      await store.sweep({ now: start, keepEnded: 1e9, keepEvents: 1e9, batch: 100 });
    }
    assert.ok(await two.readSession(kept.id));
    const keys = (await server.tell('KEYS', '*')) as string[];
    assert.deepEqual(
      keys.filter((key) => !/^(one|two):/.test(key)),
      [],
    );
  });

  test('N8.16: a Redis is reached through a Unix socket', async (t) => {
    const path = join(folderOf(t), 'redis.sock');
    const server = await RedisServer.start('--unixsocket', path, '--databases', '4');
    t.after(() => server.remove());
    const store = await openRedisStore(`redis+unix://${path}?db=3`);
    t.after(store.close);
    await fixtureOf(store).create();
    assert.match(String(await server.tell('INFO', 'keyspace')), /db3:/);
    const error = await openRedisStore(`redis+unix://${path}x`).catch((fault: CurfewError) => fault);
    assert.equal((error as CurfewError).code, 'store_unavailable');
  });

  test('N8.16: a Redis is reached by TLS, and trusted with the certificate of the authority that signed its own', async (t) => {
    const folder = folderOf(t);
    makeCertificates(folder);
    const [ca, cert, key] = ['ca.crt', 'redis.crt', 'redis.key'].map((name) => join(folder, name));
    const port = await freePort();
    const files = ['--tls-cert-file', cert!, '--tls-key-file', key!, '--tls-ca-cert-file', ca!];
    const server = await RedisServer.start('--tls-port', String(port), ...files);
    t.after(() => server.remove());
    const url = `rediss://127.0.0.1:${port}/0`;
    const fault = (where: string) =>
      openRedisStore(where).then(
        () => assert.fail('it was opened'),
        (error) => error,
      );
    const stranger = await fault(url);
    assert.equal(stranger.code, 'store_unavailable');
    assert.match(stranger.message, /certificate/);
    // This one requires a client certificate as well.
    assert.equal((await fault(`${url}?ca=${ca}`)).code, 'store_unavailable');
    const store = await openRedisStore(`${url}?ca=${ca}&cert=${cert}&key=${key}`);
    t.after(store.close);
    const { id } = await fixtureOf(store).create();
    assert.ok(await store.readSession(id));
    // All certificates are renewed while the process runs; the old ones are not trusted any more.
    await server.down();
    makeCertificates(folder);
    await server.up();
    await recovers(() => store.readSession(id));
    // A file that cannot be read at the moment counts as it was.
    rmSync(key!);
    await server.tell('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await recovers(() => store.readSession(id));
  });
});

const fixtureOf = (store: RedisStore) => new StoreFixture({ store, dispose: store.close });
