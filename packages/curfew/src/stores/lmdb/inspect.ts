import { chownSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CurfewError } from '../../errors.ts';
import { damageOf, type Extent, OtherVersion } from './sound.ts';

/*
 * The check before the data file is mapped. It covers all of the file, which takes as long as reading it, if the file
 * may have been copied, restored, or written to since it was closed. A file that is as the last process left it only
 * needs a check of its roots, even after a kill.
 */
export const dataFile = 'data.mdb';
/** LMDB's file of readers and writers. */
export const lockFile = 'lock.mdb';
/**
 * Files beside the data: the seal of its incarnation, and a note of how the data was left. The note does not exist
 * while a process has the data open, nor after a kill.
 */
export const sealFile = 'incarnation';
const closedFile = 'closed';

/**
 * Returns how much of the folder's file was checked.
 * @throws `store_damaged`, `store_version` if this program cannot open it
 */
export function inspectFile(folder: string): Extent {
  const extent = isAsLeft(folder) ? 'roots' : 'all';
  checkFile(folder, extent);
  return extent;
}

/** @throws `store_damaged`, `store_version` */
export function checkFile(folder: string, extent: Extent): void {
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

/** The identity of a file; `undefined` if it does not exist. */
export function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && [found.dev, found.ino, found.birthtimeNs].join('.');
}

/**
 * Gives a new file of the folder to the user whose data it is: a command that root runs must not leave files that the
 * service cannot read afterwards.
 */
export function giveToOwner(folder: string, path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(join(folder, dataFile));
  chownSync(path, uid, gid);
}

/** Notes how the data file was left. Without the note, the next start checks all of it, as after an upgrade. */
export function noteClosed(folder: string): void {
  try {
    const path = join(folder, closedFile);
    writeFileSync(path, lookOf(folder), { mode: 0o600 });
    giveToOwner(folder, path);
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
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
