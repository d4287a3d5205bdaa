import { closeSync, constants, fchownSync, lstatSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CurfewError } from '../../errors.ts';

/*
 * The files of an embedded store. Root runs commands on a folder that belongs to the service's user, who can put a link
 * there that leads to any file. Therefore no link in a folder of somebody else is followed, and the owner and the mode of
 * a file are changed only through a descriptor. In a folder of one's own, links work as everywhere, and so do links in
 * the path of a folder. Windows has neither such owners nor such a flag.
 */
export const dataFile = 'data.mdb';
/** LMDB's file of readers and writers. */
export const lockFile = 'lock.mdb';
/**
 * Files beside the data: the seal of its incarnation, and a note of how the data was left. The note does not exist
 * while a process has the data open, nor after a kill.
 */
export const sealFile = 'incarnation';
export const closedFile = 'closed';
/** Room on the disk for writes that cannot wait. */
export const reserveFile = 'reserve';

const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = constants;

/** Opens a file of a folder. `flags`: those of the system. @throws `store_linked`, or the system's error */
export function openFile(path: string, flags: number): number {
  try {
    return openSync(path, flagsFor(path, flags), 0o600);
  } catch (error) {
    throw isLink(path) && isOthers(path) ? linked(path, error) : error;
  }
}

/** The flags with which a file of a folder is opened. A pipe there must not make anybody wait, either. */
export function flagsFor(path: string, flags: number): number {
  return isOthers(path) ? flags | constants.O_NOFOLLOW | constants.O_NONBLOCK : flags;
}

/** Creates a file in place of whatever has its name. Only its owner may read it. */
export function createFile(path: string): number {
  rmSync(path, { force: true });
  return openSync(path, O_WRONLY | O_CREAT | O_EXCL, 0o600);
}

/** The content of a file. @throws `store_linked`, or the system's error */
export function readFile(path: string): string {
  const file = openFile(path, O_RDONLY);
  try {
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** Checks the files that are opened by name: LMDB's own, and those whose size counts. @throws `store_linked` */
export function refuseLinks(folder: string): void {
  for (const name of [dataFile, lockFile, reserveFile]) {
    const path = join(folder, name);
    if (isLink(path) && isOthers(path)) throw linked(path);
  }
}

/**
 * Gives a new file of the folder to the user whose data it is: a command that root runs must not leave files that the
 * service cannot read afterwards.
 */
export function giveToOwner(folder: string, file: number): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(join(folder, dataFile));
  fchownSync(file, uid, gid);
}

/** Whether the folder of a file belongs to another user than this process's. */
function isOthers(path: string): boolean {
  const user = process.geteuid?.();
  return user !== undefined && statSync(dirname(path)).uid !== user;
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function linked(path: string, cause?: unknown): CurfewError {
  return new CurfewError('store_linked', { detail: `${path} is a symbolic link in a folder of another user.` }, cause);
}
