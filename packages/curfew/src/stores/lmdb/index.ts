import { accessSync, closeSync, constants, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { getSystemErrorName } from 'node:util';
import type { Database } from 'lmdb';
import { CurfewError, isCurfewError } from '../../errors.ts';
import { type Ruled, rulesOver } from '../../rules/index.ts';
import type { SchemaPlan } from '../contract.ts';
import { format, formatsBefore } from './codec.ts';
import { isFullDisk, writeFault } from './faults.ts';
import { dataFile, giveToOwner, lockFile, openFile } from './files.ts';
import { liesWhereItWas } from './incarnation.ts';
import { checkFile, inspectFile, noteOpened } from './inspect.ts';
import { isOwned, type Ownership, takeOwnership } from './owner.ts';
import { type Pace, shared } from './pace.ts';
import { defaultReserve, Reserve } from './reserve.ts';
import { checkFormat, LmdbStore as Store } from './store.ts';
import { openDatabase, openTables, openToRead, type Tables } from './tables.ts';

export { alone } from './pace.ts';
export { roomIn } from './reserve.ts';

/** The embedded store, with the rules over its engine. */
export type LmdbStore = Store & Ruled;

/** The folders that this process has open: opening one again would wait for a write that waits for this thread. */
const openHere: Set<string> = new Set();

/**
 * Opens the embedded store in a folder, which it creates if necessary. `reserve`: bytes that are kept for ends when the
 * disk is full. `pace`: `alone` if the process does nothing else.
 * @throws `store_not_writable`, `store_unavailable`, `store_in_use`, `store_linked`, `store_version`, `store_damaged`
 */
export async function openLmdbStore(
  path: string,
  { reserve = defaultReserve, pace = shared } = {},
): Promise<LmdbStore> {
  const folder = resolve(path);
  makeWritable(folder);
  const here = realpathSync(folder);
  if (openHere.has(here)) throw inUse(folder);
  openHere.add(here);
  try {
    return await openAlone(folder, reserve, pace, () => openHere.delete(here));
  } catch (error) {
    openHere.delete(here);
    throw error;
  }
}

const inUse = (folder: string) =>
  new CurfewError('store_in_use', { detail: `Process ${process.pid} has ${folder} open.` });

/** `closed`: called when the store has been closed. */
async function openAlone(folder: string, reserve: number, pace: Pace, closed: () => void): Promise<LmdbStore> {
  const checked = await unlessInUse(folder, () => inspectFile(folder));
  let tables: Tables;
  try {
    hideNew(folder);
    tables = openTables(folder);
  } catch (error) {
    throw openFault(error, folder);
  }
  try {
    // A copy may have replaced the file of a killed process; only its content shows that.
    if (checked !== 'all' && !liesWhereItWas(tables, folder)) {
      await unlessInUse(folder, () => checkFile(folder, 'all'));
    }
    const room = new Reserve(folder, reserve);
    const owner = await ownWith(room, tables, folder);
    try {
      checkFormat(tables);
      noteOpened(folder);
      const held = { release: () => owner.release().finally(closed) };
      const store = new Store(tables, folder, held, room, pace);
      return Object.assign(store, rulesOver(store.engine));
    } catch (error) {
      await owner.release();
      throw error;
    }
  } catch (error) {
    await tables.root.close();
    throw openFault(error, folder);
  }
}

/**
 * The format of the store in a folder, and what opening would change. Changes nothing.
 * @throws `store_damaged`, `store_version`, `store_not_writable`
 */
export async function planLmdb(path: string): Promise<SchemaPlan> {
  const folder = resolve(path);
  const file = join(folder, dataFile);
  if (!existsSync(file) || statSync(file).size === 0) return { version: 0, pending: [] };
  await unlessInUse(folder, () => checkFile(folder, 'roots'));
  const written = await formatIn(folder);
  // A format that cannot be opened fails on opening.
  if (written === undefined || !formatsBefore.includes(written)) return { version: format, pending: [] };
  return { version: written, pending: [{ number: format, name: `from format ${written}` }] };
}

async function formatIn(folder: string): Promise<number | undefined> {
  try {
    const root = openToRead(folder);
    try {
      return (openDatabase(root, 'meta') as Database<unknown, string> | undefined)?.get('format') as number | undefined;
    } finally {
      await root.close();
    }
  } catch (error) {
    throw openFault(error, folder);
  }
}

/** Takes over the folder; on a full disk it uses a piece of the reserve, so that ends are still possible. */
async function ownWith(room: Reserve, { root, meta }: Tables, folder: string): Promise<Ownership> {
  for (;;) {
    try {
      return await takeOwnership(root, meta, folder);
    } catch (error) {
      if ((await writeFault(error, folder)).code !== 'store_full' || !room.release()) throw error;
    }
  }
}

/**
 * Checks every page of the store in a folder, without opening it. A store that a process has open cannot be checked,
 * because it changes meanwhile.
 * @throws `store_damaged`, `store_version`
 */
export async function checkLmdbStore(path: string): Promise<'sound' | 'in_use'> {
  const folder = resolve(path);
  if (await isOwned(folder)) return 'in_use';
  checkFile(folder, 'all');
  return 'sound';
}

/** A file in use may look damaged, so `store_in_use` takes precedence. @throws that, or the meaning of the fault */
async function unlessInUse<T>(folder: string, look: () => T): Promise<T> {
  try {
    return look();
  } catch (error) {
    // Without a file to spare, nobody can ask who owns the folder.
    const owned = await isOwned(folder).catch(() => false);
    if (owned) throw new CurfewError('store_in_use', { detail: `Another process has ${folder} open.` });
    throw openFault(error, folder);
  }
}

/** Creates LMDB's files readable by their owner only, as LMDB would not. It treats empty files as new. */
function hideNew(folder: string): void {
  for (const name of [dataFile, lockFile]) {
    const file = openFile(join(folder, name), constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND);
    if (name === lockFile) giveToOwner(folder, file);
    closeSync(file);
  }
}

function makeWritable(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new CurfewError('store_not_writable', { detail: `${folder}: ${(error as Error).message}.` }, error);
  }
}

/** Not `mkdir`'s own recursion, which never returns on file systems that refuse any folder, such as /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/** Only what is wrong with the data itself is damage: its remedy, to restore a backup or start empty, costs data. */
function openFault(error: unknown, folder: string): CurfewError {
  if (isCurfewError(error)) return error;
  const { message } = error as Error;
  const detail = `${folder}: ${message}.`;
  const code = systemCode(error);
  if (forbidden.includes(code ?? '') || /permission denied|read-only/i.test(message)) {
    const remedy = (error as NodeJS.ErrnoException).syscall === 'listen' ? socketRemedies[code ?? ''] : undefined;
    return new CurfewError('store_not_writable', { detail, remedy }, error);
  }
  if (isFullDisk(error)) return new CurfewError('store_full', { detail: `The disk of ${folder}: ${message}.` }, error);
  if (/MDB_VERSION_MISMATCH/.test(message)) return new CurfewError('store_version', { detail }, error);
  if (code !== undefined) {
    return new CurfewError('store_unavailable', { detail, remedy: shortageRemedies[code] }, error);
  }
  return new CurfewError('store_damaged', { detail }, error);
}

// Node.js says ENOTSUP where the system says EOPNOTSUPP.
const forbidden: readonly string[] = ['EACCES', 'EPERM', 'EROFS', 'ENOTSUP', 'EOPNOTSUPP', 'EAFNOSUPPORT'];

const allowSockets =
  'The folder must allow Unix sockets: choose one on another file system with CURFEW_STORE, or allow the process to use them.';
const socketRemedies: Partial<Record<string, string>> = {
  EPERM: allowSockets,
  ENOTSUP: allowSockets,
  EOPNOTSUPP: allowSockets,
  EAFNOSUPPORT: allowSockets,
};

const moreFiles = 'Nothing was changed. Allow the process more open files (`ulimit -n`; in systemd `LimitNOFILE`).';
const shortageRemedies: Partial<Record<string, string>> = { EMFILE: moreFiles, ENFILE: moreFiles };

/** The name of the system's error, which Node.js gives as text and LMDB as a number. LMDB's own are negative. */
function systemCode(error: unknown): string | undefined {
  const { code, errno, syscall } = error as NodeJS.ErrnoException;
  if (errno !== undefined && syscall !== undefined) return code;
  return typeof code === 'number' && code > 0 ? getSystemErrorName(-code) : undefined;
}
