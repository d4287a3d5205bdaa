import { closeSync, existsSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CurfewError } from '../../errors.ts';
import { closedFile, createFile, dataFile, giveToOwner, readFile, refuseLinks, sealFile } from './files.ts';
import { damageOf, type Extent, OtherVersion } from './sound.ts';

/*
 * The check before the data file is mapped. It covers all of the file, which takes as long as reading it, if the file
 * may have been copied, restored, or written to since it was closed. A file that is as the last process left it only
 * needs a check of its roots, even after a kill.
 */

/**
 * Returns how much of the folder's file was checked.
 * @throws `store_damaged`, `store_linked`, `store_version` if this program cannot open it
 */
export function inspectFile(folder: string): Extent {
  const extent = isAsLeft(folder) ? 'roots' : 'all';
  checkFile(folder, extent);
  return extent;
}

/** @throws `store_damaged`, `store_linked`, `store_version` */
export function checkFile(folder: string, extent: Extent): void {
  refuseLinks(folder);
  const path = join(folder, dataFile);
  if (!existsSync(path) || statSync(path).size === 0) return;
  let damage: string | undefined;
  try {
    damage = damageOf(path, extent);
  } catch (error) {
    if (error instanceof OtherVersion) throw new CurfewError('store_version', { detail: `${path}: ${error.message}.` });
    throw error;
  }
  if (damage !== undefined) throw new CurfewError('store_damaged', { detail: `${path}: ${damage}.` });
}

/**
 * The identity of a file; `undefined` if it does not exist. A disk that is attached anew may have another number, so that
 * counts only where the file system does not tell when a file was made.
 */
export function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && [...(found.birthtimeNs === 0n ? [found.dev] : []), found.ino, found.birthtimeNs].join('.');
}

/** Notes how the data file was left. Without the note, the next start checks all of it, as after an upgrade. */
export function noteClosed(folder: string): void {
  try {
    const file = createFile(join(folder, closedFile));
    try {
      writeSync(file, lookOf(folder));
      giveToOwner(folder, file);
    } finally {
      closeSync(file);
    }
  } catch {
    // A full disk cannot store the note.
    noteOpened(folder);
  }
}

/** Removes the note, because the data file changes from now on. */
export function noteOpened(folder: string): void {
  rmSync(join(folder, closedFile), { force: true });
}

/** Whether the data file is the one that the last process had open, and nobody has written to it since. */
function isAsLeft(folder: string): boolean {
  const [seal, closed] = [sealFile, closedFile].map((name) => contentOf(join(folder, name)));
  const [, sealed] = seal?.split(' ') ?? [];
  return sealed === identityOf(join(folder, dataFile)) && (closed === undefined || closed === lookOf(folder));
}

function lookOf(folder: string): string {
  const { size, mtimeNs } = statSync(join(folder, dataFile), { bigint: true });
  return `${size} ${mtimeNs}`;
}

function contentOf(path: string): string | undefined {
  return existsSync(path) ? readFile(path) : undefined;
}
