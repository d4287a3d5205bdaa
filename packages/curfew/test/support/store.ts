import { randomBytes } from 'node:crypto';
import { after } from 'node:test';
import { Client } from 'pg';
import type { CurfewOptions } from '../../src/start/compose.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { RedisServer, tellRedis } from './redis.ts';

/** An empty, separate store for a test. */
export type TemporaryStore = {
  url: string;
  /** As in a server's environment. */
  env: Record<string, string>;
  /** As in the library's options. */
  settings: Pick<CurfewOptions, 'store' | 'secretKey'>;
  remove(): Promise<void>;
};

/**
 * The store for tests of the server, the dialects and the command line: `lmdb` without the variable; with `postgres` or
 * `redis` one on a server that is started for them, with a URL one on the server that it names. Each test gets its own
 * schema or numbered database.
 */
export function temporaryStore(kind: string = process.env['CURFEW_TEST_STORE'] ?? 'lmdb'): Promise<TemporaryStore> {
  if (kind === 'lmdb') return embedded();
  if (kind === 'postgres') return inPostgres();
  if (/^postgres(ql)?:/.test(kind)) return inSchema(kind);
  if (kind === 'redis') return inRedis();
  if (/^rediss?:/.test(kind)) return inNumber(kind);
  throw new Error(`CURFEW_TEST_STORE is ${JSON.stringify(kind)}; it must be lmdb, postgres, redis or a store's URL`);
}

async function embedded(): Promise<TemporaryStore> {
  const folder = temporaryFolder();
  const url = `lmdb:${folder.path}`;
  return { url, env: { CURFEW_STORE: url }, settings: { store: url }, remove: async () => folder.remove() };
}

let started: Promise<{ url(database: string): string; dispose(): Promise<void> }> | undefined;
after(async () => (await started)?.dispose());

/** One server for all tests of this process, from the engines that only tests install. */
async function inPostgres(): Promise<TemporaryStore> {
  started ??= import('../../../../engines/servers/test/postgres/server.ts').then(({ PostgresServer }) =>
    PostgresServer.start(),
  );
  return inSchema((await started).url('postgres'));
}

async function inSchema(base: string): Promise<TemporaryStore> {
  const schema = `test_${randomBytes(8).toString('hex')}`;
  const url = `${base}${base.includes('?') ? '&' : '?'}schema=${schema}`;
  const secretKey = randomBytes(32);
  return {
    url,
    env: { CURFEW_STORE: url, CURFEW_SECRET_KEY: secretKey.toString('hex') },
    settings: { store: url, secretKey },
    async remove() {
      const client = new Client({ connectionString: base });
      await client.connect();
      await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      await client.end();
    },
  };
}

let redis: Promise<RedisServer> | undefined;
after(async () => (await redis)?.remove());
let databases = 0;

/** One Redis for all tests of this process. */
async function inRedis(): Promise<TemporaryStore> {
  redis ??= RedisServer.start('--databases', '1000');
  return inNumber((await redis).url);
}

async function inNumber(base: string): Promise<TemporaryStore> {
  const url = `${base.replace(/\/\d*$/, '')}/${databases++}`;
  const secretKey = randomBytes(32);
  await tellRedis(url, 'FLUSHDB');
  return {
    url,
    env: { CURFEW_STORE: url, CURFEW_SECRET_KEY: secretKey.toString('hex') },
    settings: { store: url, secretKey },
    async remove() {
      await tellRedis(url, 'FLUSHDB');
    },
  };
}
