import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import type { CurfewError } from '../../../src/errors.ts';
import { openStore } from '../../../src/stores/open.ts';
import { format, separator } from '../../../src/stores/redis/codec.ts';
import { openRedisStore } from '../../../src/stores/redis/index.ts';
import { commands, rights } from '../../../src/stores/redis/rights.ts';
import { until } from '../../support/failover.ts';
import { layoutOf, writeOneOfEach } from '../../support/layout.ts';
import { runCli } from '../../support/process.ts';
import { RedisServer, redisInstalled, tellRedis } from '../../support/redis.ts';

async function refusal(open: Promise<{ close(): Promise<void> }>): Promise<CurfewError> {
  const store = await open.catch((error: CurfewError) => error);
  if (store instanceof Error) return store;
  await store.close();
  return assert.fail('it was opened');
}

describe('opening a Redis', { skip: !redisInstalled }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.remove());

  /** A separate Redis for a test, with settings as on its command line. */
  async function started(t: { after(done: () => Promise<void>): void }, ...settings: string[]): Promise<RedisServer> {
    const own = await RedisServer.start(...settings);
    t.after(() => own.remove());
    return own;
  }

  test('a wrong URL is refused with what is wrong with it, and no error contains the password', async () => {
    for (const url of ['redis://', 'redis://h:99999', 'redis://u:hidden@h/name', 'redis://u:hidden@h/1/2']) {
      const error = await refusal(openRedisStore(url));
      assert.equal(error.code, 'config_invalid', url);
      assert.doesNotMatch(error.message, /hidden/);
    }
    const unknown = await refusal((async () => openStore('rediz://u:hidden@h'))());
    assert.equal(unknown.code, 'config_invalid');
    assert.match(unknown.message, /rediz:.*redis:\/\//);
    assert.doesNotMatch(unknown.message, /hidden/);
  });

  test('an unreachable server is unavailable, and the error has its address', async () => {
    const error = await refusal(openRedisStore('redis://u:hidden@127.0.0.1:1'));
    assert.equal(error.code, 'store_unavailable');
    assert.match(error.message, /127\.0\.0\.1:1/);
    assert.doesNotMatch(error.message, /hidden/);
  });

  test('a wrong password, or a missing one, is refused with its own error', async (t) => {
    const own = await started(t, '--requirepass', 'correct');
    const { port } = own;
    for (const login of [':wrong@', 'nobody:correct@', '']) {
      const error = await refusal(openRedisStore(`redis://${login}127.0.0.1:${port}`));
      assert.equal(error.code, 'store_login_refused', login);
      assert.doesNotMatch(error.message, /wrong@|correct/);
    }
    const store = await openRedisStore(`redis://:correct@127.0.0.1:${port}`);
    assert.equal((await store.describe()).location, `redis://127.0.0.1:${port}`);
    await store.close();
  });

  test('a Redis that does not know the command for the login repeats its arguments, and the error has no password', async (t) => {
    const own = await started(t, '--requirepass', 'hunter2', '--rename-command', 'HELLO', '');
    const error = await refusal(openRedisStore(`redis://:hunter2@127.0.0.1:${own.port}`));
    assert.equal(error.code, 'store_version');
    assert.match(error.message, /does not know HELLO. Curfew needs Redis 7\.0 or newer/);
    assert.doesNotMatch(inspect(error), /hunter2/);
  });

  test('a replica is refused, because it may not know of recent ends', async (t) => {
    const replica = await started(t, '--replicaof', `127.0.0.1 ${server.port}`);
    const error = await refusal(openRedisStore(replica.url));
    assert.equal(error.code, 'store_read_only');
  });

  test('an evicting policy is refused, and nothing is written', async (t) => {
    for (const policy of ['allkeys-lru', 'volatile-ttl']) {
      const own = await started(t, '--maxmemory-policy', policy);
      const error = await refusal(openRedisStore(own.url));
      assert.equal(error.code, 'store_unsafe');
      assert.match(error.message, new RegExp(`maxmemory-policy .* is ${policy}`));
      assert.equal(await own.tell('DBSIZE'), 0);
    }
  });

  test('a store of another format is refused and left as it was', async () => {
    await tellRedis(`${server.url}/3`, 'HSET', 'curfew:state', 'format', '99');
    assert.equal((await refusal(openRedisStore(`${server.url}/3`))).code, 'store_version');
    assert.equal(await tellRedis(`${server.url}/3`, 'HGET', 'curfew:state', 'format'), '99');
    assert.equal(await tellRedis(`${server.url}/3`, 'DBSIZE'), 1);
  });

  test('every setting that could lose an acknowledged end causes a warning that names it; safe settings cause none', async (t) => {
    const warned = async (...settings: string[]) => {
      const own = await started(t, ...settings);
      const store = await openRedisStore(own.url);
      const { warnings, facts, engine } = await store.describe();
      await store.close();
      assert.match(engine, /^(Redis|Valkey) \d+\.\d+/);
      return { warnings: warnings.join('\n'), facts };
    };
    const safe = await warned();
    assert.equal(safe.warnings, '');
    assert.equal(safe.facts['durability'], 'every change is on disk before it is acknowledged');
    const none = await warned('--appendonly', 'no');
    assert.match(none.warnings, /^appendonly is no: when Redis stops, everything is lost/);
    const confirms = /Valkey|Redis (7\.[^01]|[89]|\d\d)/.test((await describeOf(server)).engine);
    const second = await warned('--appendfsync', 'everysec');
    // A Redis that can confirm that a write is on disk must do so, and loses nothing.
    assert.match(second.warnings, confirms ? /^$/ : /^appendfsync is everysec: a crash .* acknowledged ends too/);
    assert.match((await warned('--appendfsync', 'no')).warnings, confirms ? /^$/ : /^appendfsync is no/);
  });

  test('a server that forbids reading its settings is used, with a warning', async (t) => {
    const own = await started(t);
    await own.tell('ACL', 'SETUSER', 'curfew', 'on', '>pass', '~curfew:*', '+@all', '-config');
    const store = await openRedisStore(`redis://curfew:pass@127.0.0.1:${own.port}`);
    t.after(() => store.close());
    const { warnings, facts } = await store.describe();
    assert.match(warnings.join(), /appendfsync cannot be read/);
    assert.equal(facts['maxmemoryPolicy'], 'noeviction');
  });

  test('a user that lacks a right is refused at the start and by a trial of writing, with the right and the remedy', async (t) => {
    const own = await started(t);
    const setUser = (...rules: string[]) => own.tell('ACL', 'SETUSER', 'curfew', ...rules);
    const documented = /`(\+@read [^`]*)`/.exec(readFileSync('docs/redis.md', 'utf8'))![1]!;
    assert.equal(documented, rights);
    await setUser('on', '>pass', '~curfew:*', ...documented.split(' '));
    const url = `redis://curfew:pass@127.0.0.1:${own.port}`;
    const store = await openRedisStore(url);
    t.after(() => store.close());
    await store.tryWriting();
    const known = async (command: string) => ((await own.tell('COMMAND', 'INFO', command)) as unknown[])[0] !== null;
    for (const command of commands) {
      if (!(await known(command))) continue;
      await setUser(`-${command.toLowerCase()}`);
      const trial = await store.tryWriting().catch((error: CurfewError) => error);
      for (const error of [await refusal(openRedisStore(url)), trial!]) {
        assert.match(error.message, new RegExp(`\\b${command}\\b`, 'i'), command);
        assert.match(error.remedy, /rights/, command);
      }
      assert.doesNotMatch(trial!.message, /127\.0\.0\.1/);
      await setUser(`+${command.toLowerCase()}`);
    }
    await store.tryWriting();
    await setUser('-zadd', '-xtrim');
    const { code, message, remedy } = await refusal(openRedisStore(url));
    assert.equal(code, 'store_denied');
    assert.match(message, /no right to XTRIM, ZADD on the keys ~curfew:\*/);
    assert.match(remedy, /ACL SETUSER <name> ~curfew:\* \+@read /);
    await setUser('resetkeys', '~other:*');
    assert.match((await refusal(openRedisStore(url))).remedy, /the rights that docs\/redis.md lists/);
  });

  test('the rights that are tried are those that the code uses', () => {
    const source = ['redis', 'cluster'].map(sourceOf).join('\n');
    const patterns = [
      /\bp?call\('([A-Z]+)'/g,
      /\b(?:and|or) '([A-Z]+)'/g,
      /\.command\(\s*'([A-Z]+)'/g,
      /(?:send\(| => | = )\['([A-Z]+)',/g,
      /#add\('([A-Z]+)'/g,
    ];
    const used = new Set(patterns.flatMap((pattern) => [...source.matchAll(pattern)].map(([, name]) => name!)));
    // Sent while connecting, through a function.
    used.add('INFO');
    assert.deepEqual([...used].sort(), [...commands].sort());
  });

  test('with replicas, a warning says that a failover could lose an end', async (t) => {
    const replica = await started(t, '--replicaof', `127.0.0.1 ${server.port}`);
    const linked = async () => /master_link_status:up/.test(String(await replica.tell('INFO', 'replication')));
    await until(linked);
    assert.match((await describeOf(server)).warnings.join(), /failover to a replica can lose acknowledged ends/);
  });

  test('N10.2: the shape of accounts, keys, named sessions and epochs belongs to the number of the format', async (t) => {
    const own = await started(t);
    const store = await openRedisStore(own.url);
    t.after(() => store.close());
    await writeOneOfEach(store);
    /** What stands under the one key that begins and ends so; the fields of a hash by their names. */
    const layoutAt = async (pattern: string) => {
      const [found, ...others] = (await own.tell('KEYS', pattern)) as string[];
      assert.deepEqual([typeof found, others], ['string', []], pattern);
      const row = (text: string) => layoutOf(text.split(separator));
      if ((await own.tell('TYPE', found!)) === 'string') return row((await own.tell('GET', found!)) as string);
      const fields = Object.entries((await own.tell('HGETALL', found!)) as Record<string, string>);
      return Object.fromEntries(fields.map(([name, text]) => [name, row(text)]));
    };
    assert.deepEqual(
      {
        redis: format,
        account: await layoutAt('curfew:{*}:a:account'),
        key: await layoutAt('curfew:key:key'),
        slot: await layoutAt('curfew:slot:slot'),
        user: await layoutAt('curfew:{*}:e:ada'),
        everyone: await layoutAt('curfew:everyone'),
      },
      {
        redis: 7,
        account:
          '[string string string JSON {id: string, username: string, email: string, pendingEmail: string, name: string, roles: [string], permissions: [string], disabled: boolean, createdAt: number, updatedAt: number, lastLoginAt: number, version: number, passwordHash: string, factor: {sealedSecret: string, confirmedAt: number, lastStep: number, backupCodes: [string]}}]',
        key: '[JSON {id: string, name: string, hash: string, scopes: [string], createdAt: number, createdBy: string, revokedAt: number, lastUsedAt: number}]',
        slot: '[string string string string string string JSON {}]',
        user: { 1: '[string string string string]', n: '[string]', left: '[string]' },
        everyone: { 1: '[string string string string]' },
      },
    );
  });
});

async function describeOf(server: RedisServer) {
  const store = await openRedisStore(server.url);
  try {
    return await store.describe();
  } finally {
    await store.close();
  }
}

describe('doctor and a Redis', { skip: !redisInstalled }, () => {
  test('it reports what the Redis is, what would be lost and the remedy, and writes nothing', async (t) => {
    const safe = await RedisServer.start();
    t.after(() => safe.remove());
    const hasty = await RedisServer.start('--appendonly', 'no');
    t.after(() => hasty.remove());
    const evicting = await RedisServer.start('--maxmemory-policy', 'allkeys-lru');
    t.after(() => evicting.remove());
    const stored = (url: string) => findingsOf(url, 'store', 'durability');
    const [what, durable] = await stored(safe.url);
    assert.match(what!, /^ok: (Redis|Valkey) \d.* at redis:\/\/127\.0\.0\.1:\d+, format 7; answers in [\d.]+ ms$/);
    assert.equal(durable, 'ok: every change is on disk before it is acknowledged');
    assert.equal(await safe.tell('DBSIZE'), 0);
    const lost = await stored(hasty.url);
    assert.deepEqual(lost.slice(1), [
      'warning: all is lost when Redis stops',
      'warning: appendonly is no: when Redis stops, everything is lost, ends of sessions too',
    ]);
    assert.match((await stored(evicting.url)).join(), /^fault: .*maxmemory-policy/);
    assert.match((await stored('redis://127.0.0.1:1')).join(), /^fault: The store does not answer/);
  });

  test('it warns of servers whose leases differ, if some are longer than the default', async (t) => {
    const server = await RedisServer.start();
    t.after(() => server.remove());
    const store = await openRedisStore(server.url);
    t.after(() => store.close());
    const renew = (id: string) => store.renewNode({ id, counter: 1, applied: 0, tail: { sequence: 0, mark: '' } });
    assert.deepEqual(await findingsOf(server.url, 'servers'), []);
    await renew('a.2000');
    assert.deepEqual(await findingsOf(server.url, 'servers'), ['ok: one has a lease in the store, of 2000 ms']);
    await renew('b.500');
    await renew('of-an-earlier-version');
    assert.deepEqual(await findingsOf(server.url, 'servers'), ['ok: 3 have a lease in the store, of 500, 2000 ms']);
    await renew('c.5000');
    assert.deepEqual(await findingsOf(server.url, 'servers'), [
      'warning: 4 have a lease in the store, of 500, 2000, 5000 ms',
    ]);
  });
});

/** What `curfew doctor` says about a store, by these checks. */
async function findingsOf(url: string, ...checks: string[]): Promise<string[]> {
  const { out } = await runCli(['doctor', '--json'], {
    CURFEW_STORE: url,
    CURFEW_SECRET_KEY: '0'.repeat(64),
    CURFEW_URL: 'http://127.0.0.1:1',
  });
  const { findings } = JSON.parse(out) as { findings: { check: string; state: string; says: string }[] };
  return findings.filter(({ check }) => checks.includes(check)).map(({ state, says }) => `${state}: ${says}`);
}

function sourceOf(engine: string): string {
  const folder = new URL(`../../../src/stores/${engine}/`, import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return files.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n');
}
