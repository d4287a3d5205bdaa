import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CurfewError } from '../errors.ts';
import { fromHome } from '../home.ts';
import type { SchemaPlan, Store } from './contract.ts';
import type { Backup } from './lmdb/backup.ts';
import { dataFile } from './lmdb/files.ts';
import type { Room } from './lmdb/reserve.ts';
import { parseLocation as parsePostgres } from './postgres/location.ts';
import { parseLocation as parseRedis } from './redis/location.ts';

// A driver is loaded only when a store of its kind is opened: most commands open none, and no process opens two.
const lmdb = () => import('./lmdb/index.ts');
const postgres = () => import('./postgres/index.ts');
const redis = () => import('./redis/index.ts');
const cluster = () => import('./cluster/index.ts');

/** A kind of store, chosen by how its URL begins. */
type Engine = {
  begins: RegExp;
  form: string;
  /** The URL as people may see it, without a password. @throws `config_invalid` if it cannot be one of this kind */
  show(url: string): string;
  open(url: string, options: OpenOptions): Promise<Store>;
  /** What creates backups, if Curfew does not. */
  backedUpBy?: string;
  /** What opening it would change in its schema; absent if it has none. */
  plan?(url: string): Promise<SchemaPlan>;
};

const engines: readonly Engine[] = [
  {
    begins: /^lmdb:./s,
    form: 'lmdb:folder',
    show: showFolder,
    open: async (url, { alone }) => {
      const engine = await lmdb();
      return engine.openLmdbStore(folderOf(showFolder(url))!, alone ? { pace: engine.alone } : {});
    },
    plan: async (url) => (await lmdb()).planLmdb(folderOf(showFolder(url))!),
  },
  {
    begins: /^postgres(ql)?:\/\//,
    form: 'postgres://user:password@host:port/database',
    show: (url) => parsePostgres(url).shown,
    open: async (url) => (await postgres()).openPostgresStore(url),
    backedUpBy: 'PostgreSQL has its own tools: pg_dump, pg_basebackup, or what your provider offers',
    plan: async (url) => (await postgres()).planPostgres(url),
  },
  {
    begins: /^redis(s|\+unix|s?\+sentinel|s?\+cluster)?:\/\//,
    form: 'redis://user:password@host:port/number | redis+sentinel://user:password@host:port,host:port/master/number | redis+cluster://user:password@host:port,host:port',
    show: (url) => parseRedis(url).shown,
    open: async (url) =>
      /^rediss?\+cluster:/.test(url) ? (await cluster()).openClusterStore(url) : (await redis()).openRedisStore(url),
    backedUpBy: 'Redis has its own way: BGSAVE, or BGREWRITEAOF, and a copy of the files that they leave',
    plan: async (url) => (await redis()).planRedis(url),
  },
];

/** @throws `config_invalid` */
function showFolder(url: string): string {
  folderOf(url);
  if (!url.includes('?')) return url;
  throw new CurfewError('config_invalid', { detail: 'CURFEW_STORE: lmdb:folder takes no parameters, and no ?.' });
}

/** What a store's URL looks like. */
const storeForms: string = engines.map(({ form }) => form).join(' | ');

/**
 * A store's URL as it may be logged. Opens nothing.
 * @throws `config_invalid` if its kind is unknown or it is incomplete; the error never contains the password
 */
export function showStore(url: string): string {
  return engineOf(url).show(url);
}

/** `alone`: nothing else in this process waits for the event loop, so a store in it may work in large pieces. */
export type OpenOptions = { alone?: boolean };

/** Opens the store that a URL names. @throws the error that prevents it, by code */
export function openStore(url: string, options: OpenOptions = {}): Promise<Store> {
  return engineOf(url).open(url, options);
}

/**
 * Opens a store that there is: a mistyped name must not make an empty one, about which a command would then report
 * success.
 * @throws `config_invalid` if there is none, and any error that prevents opening it
 */
export async function openExistingStore(url: string): Promise<Store> {
  if (await isThere(url)) return openStore(url);
  throw new CurfewError('config_invalid', { detail: `CURFEW_STORE: there is no store at ${showStore(url)}.` });
}

/**
 * Opens a store that there is, only for reading. A store that opening would change is refused and left as it is, since
 * servers of an earlier version may use it.
 * @throws `store_outdated`, and what {@link openExistingStore} throws
 */
export async function openStoreToRead(url: string): Promise<Store> {
  const { version, pending } = await planStore(url);
  const last = pending.at(-1);
  if (last === undefined || version === 0) return openExistingStore(url);
  throw new CurfewError('store_outdated', {
    detail: `${showStore(url)} has format ${version}, and this version of Curfew reads ${last.number}.`,
  });
}

/** Whether there is a store at all; opening it would make one otherwise. */
export async function isThere(url: string): Promise<boolean> {
  const folder = folderOf(url);
  return folder === undefined ? (await planStore(url)).version > 0 : existsSync(join(folder, dataFile));
}

/** What opening a store would change in its schema. Changes nothing; a store without a schema is always up to date. */
export async function planStore(url: string): Promise<SchemaPlan> {
  return (await engineOf(url).plan?.(url)) ?? { version: 1, pending: [] };
}

/**
 * Copies an embedded store into a folder of its own, even while a server has it open; `beside`: more files to copy.
 * @throws `config_invalid` for a store that has other tools for that, and any error that prevents the copy (`store_…`)
 */
export async function backUpStore(url: string, target: string, beside: readonly string[]): Promise<Backup> {
  const { backedUpBy } = engineOf(url);
  if (backedUpBy === undefined) {
    const { backUp } = await import('./lmdb/backup.ts');
    return backUp(folderOf(showStore(url))!, target, beside);
  }
  throw new CurfewError('config_invalid', {
    detail: `CURFEW_STORE: \`curfew backup\` copies an embedded store; ${backedUpBy}.`,
  });
}

/**
 * Checks everything in the folder of an embedded store; returns `in_use` if a process has it open.
 * @throws `store_damaged`, `store_version`
 */
export async function checkFolder(folder: string): Promise<'sound' | 'in_use'> {
  return (await lmdb()).checkLmdbStore(folder);
}

/** The room on the disk for the embedded store in a folder. */
export async function roomIn(folder: string): Promise<Room> {
  return (await lmdb()).roomIn(folder);
}

/** The folder of an embedded store; `undefined` for a store on a server. @throws `config_invalid` */
export function folderOf(url: string): string | undefined {
  const folder = /^lmdb:(.+)$/s.exec(url)?.[1];
  try {
    return folder && fromHome(folder);
  } catch (error) {
    throw new CurfewError('config_invalid', {
      detail: `CURFEW_STORE: the folder ${JSON.stringify(folder)} ${(error as Error).message}.`,
    });
  }
}

function engineOf(url: string): Engine {
  const found = engines.find(({ begins }) => begins.test(url));
  if (found) return found;
  const [scheme] = /^[A-Za-z][A-Za-z0-9+.-]*:/.exec(url) ?? [];
  throw new CurfewError('config_invalid', {
    detail: `CURFEW_STORE: ${scheme === undefined ? 'it has no scheme' : `"${scheme}" is not a kind of store`}; it must be ${storeForms}.`,
  });
}
