import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CurfewError } from '../../errors.ts';

/*
 * LMDB maps the file into memory and believes it: a file that was cut short does not give an error but ends the
 * process (SIGBUS). So the two meta pages are looked at before it is opened. Layout: `MDB_page` and `MDB_meta` in
 * liblmdb's mdb.c (64 bits, little-endian): after a page header of 24 bytes magic, version, address, map size, the
 * free list's and the main tree's records (48 bytes each, the first begins with the page size), last page, transaction.
 */
const magic = 0xbeefc0de;
const at = { magic: 24, version: 28, pageSize: 48, lastPage: 144, transaction: 152 } as const;
const dataVersion = 2;

export const dataFile = 'data.mdb';

/** @throws `store_damaged`, `store_version` when the folder's file is none that this program can open. */
export function inspectFile(folder: string): void {
  const path = join(folder, dataFile);
  if (!existsSync(path)) return;
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size === 0) return;
    const [first, second] = [metaPage(file, 0), metaPage(file, pageSizeOf(file))];
    const newest = first.transaction >= second.transaction ? first : second;
    const expected = (newest.lastPage + 1) * newest.pageSize;
    // A sound file may lack its last pages when they are free; only reading all of it tells.
    if (size < expected && !readsWhole(folder)) {
      throw damaged(path, `it has ${size} bytes and should have ${expected}`);
    }
  } finally {
    closeSync(file);
  }

  function pageSizeOf(opened: number): number {
    return metaPage(opened, 0).pageSize;
  }

  function metaPage(opened: number, offset: number): { pageSize: number; lastPage: number; transaction: number } {
    const page = Buffer.alloc(160);
    if (readSync(opened, page, 0, page.length, offset) < page.length) throw damaged(path, 'it is cut short');
    if (page.readUInt32LE(at.magic) !== magic) throw damaged(path, 'it is no LMDB file');
    const version = page.readUInt32LE(at.version) & 0xffff;
    if (version !== dataVersion) {
      throw new CurfewError('store_version', {
        detail: `${path} has version ${version} of LMDB's format; this program reads ${dataVersion}.`,
      });
    }
    return {
      pageSize: page.readUInt32LE(at.pageSize),
      lastPage: Number(page.readBigUInt64LE(at.lastPage)),
      transaction: Number(page.readBigUInt64LE(at.transaction)),
    };
  }
}

/** Reads the whole store in a process of its own, because reading past the end of the file ends the process. */
function readsWhole(folder: string): boolean {
  const program = fileURLToPath(new URL(`./read-whole${extname(import.meta.url)}`, import.meta.url));
  return spawnSync(process.execPath, [program, folder], { stdio: 'ignore' }).status === 0;
}

function damaged(path: string, why: string): CurfewError {
  return new CurfewError('store_damaged', { detail: `${path}: ${why}.` });
}
