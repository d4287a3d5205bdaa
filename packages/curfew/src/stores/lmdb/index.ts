import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CurfewError, isCurfewError } from '../../errors.ts';
import { inspectFile } from './inspect.ts';
import { takeOwnership } from './owner.ts';
import { checkFormat, LmdbStore } from './store.ts';
import { openTables, type Tables } from './tables.ts';

export type { LmdbStore } from './store.ts';

/**
 * Opens the embedded store in a folder; makes the folder when there is none.
 * @throws `store_not_writable`, `store_in_use`, `store_version`, `store_damaged`
 */
export async function openLmdbStore(path: string): Promise<LmdbStore> {
  const folder = resolve(path);
  makeWritable(folder);
  inspectFile(folder);
  let tables: Tables;
  try {
    tables = openTables(folder);
  } catch (error) {
    throw openFault(error, folder);
  }
  try {
    const owner = await takeOwnership(tables.root, tables.meta, folder);
    try {
      checkFormat(tables);
      return new LmdbStore(tables, folder, owner);
    } catch (error) {
      await owner.release();
      throw error;
    }
  } catch (error) {
    await tables.root.close();
    throw openFault(error, folder);
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

/** Not `mkdir`'s own recursion: on file systems that refuse any folder, such as /proc, that never comes back. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

function openFault(error: unknown, folder: string): CurfewError {
  if (isCurfewError(error)) return error;
  const { message } = error as Error;
  if (/permission denied|EACCES|EROFS|read-only/i.test(message)) {
    return new CurfewError('store_not_writable', { detail: `${folder}: ${message}.` }, error);
  }
  if (/MDB_VERSION_MISMATCH/.test(message)) {
    return new CurfewError('store_version', { detail: `${folder}: ${message}.` }, error);
  }
  return new CurfewError('store_damaged', { detail: `${folder}: ${message}.` }, error);
}
