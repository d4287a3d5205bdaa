import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CurfewError, isCurfewError } from '../../errors.ts';
import { makeWhole, sync } from '../../whole.ts';
import { dataFile, readFile } from './files.ts';
import { checkFile, inspectFile } from './inspect.ts';
import { isOwned } from './owner.ts';
import { openToRead } from './tables.ts';

export type Backup = { folder: string; bytes: number };

/**
 * Copies the store in a folder as it is at one moment, even while a server has it open: the copy is made in a read
 * transaction, so the server continues to write and preserves what the copy still needs. The files in `beside` are
 * copied as well, if they exist. The copy gets its name only after all of it is on disk and has been checked.
 *
 * It is a compact copy, because a copy of the other kind would also contain the last synced state, which is used after
 * a restart of the machine, and whose pages may have been overwritten by then.
 * @throws `invalid_value` if the folder exists already, `store_damaged`, `store_linked`, `store_not_writable`, `store_full`
 */
export async function backUp(source: string, target: string, beside: readonly string[]): Promise<Backup> {
  const [folder, to] = [resolve(source), resolve(target)];
  if (!existsSync(join(folder, dataFile))) {
    throw new CurfewError('config_invalid', { detail: `CURFEW_STORE: there is no store in ${folder}.` });
  }
  if (existsSync(to)) {
    throw new CurfewError('invalid_value', {
      detail: `${to} exists already, and a backup is made in a folder of its own.`,
      remedy: 'Name a folder that does not exist yet.',
    });
  }
  if (!(await isOwned(folder))) inspectFile(folder);
  try {
    await makeWhole(to, async (unfinished) => {
      mkdirSync(unfinished, { mode: 0o700 });
      await copyData(folder, unfinished);
      for (const name of beside) {
        if (!existsSync(join(folder, name))) continue;
        writeFileSync(join(unfinished, name), readFile(join(folder, name)), { mode: 0o600 });
      }
      checkFile(unfinished, 'all');
      for (const name of [dataFile, ...beside]) keep(join(unfinished, name));
      sync(unfinished);
    });
    return { folder: to, bytes: statSync(join(to, dataFile)).size };
  } catch (error) {
    throw copyFault(error, to);
  }
}

async function copyData(folder: string, to: string): Promise<void> {
  const root = openToRead(folder);
  try {
    await root.backup(to, true);
  } finally {
    await root.close();
  }
}

/** Syncs a file, and makes it readable only by its owner, wherever the folder is moved. */
function keep(path: string): void {
  if (!existsSync(path)) return;
  chmodSync(path, 0o600);
  sync(path);
}

function copyFault(error: unknown, to: string): CurfewError {
  if (isCurfewError(error)) return error;
  const { message } = error as Error;
  if (/No space|ENOSPC/i.test(message)) return new CurfewError('store_full', { detail: `${to}: ${message}.` }, error);
  return unwritable(to, message, error);
}

function unwritable(to: string, why: string, cause?: unknown): CurfewError {
  return new CurfewError('store_not_writable', { detail: `${to}: ${why}.` }, cause);
}
