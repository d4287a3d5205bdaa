import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, ftruncateSync, type StatsFs, statfsSync, statSync } from 'node:fs';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { CurfewError } from '../../errors.ts';
import { nothingLeft } from './faults.ts';
import { flagsFor, giveToOwner, openFile, reserveFile } from './files.ts';

/** Ends and similar writes need little: this holds tens of thousands of them. */
export const defaultReserve: number = 8 * 1024 * 1024;
/** The reserve is released in this many pieces, because any process may take free space. */
const pieces = 16;
/** Milliseconds between checks of the disk. The first one creates the reserve: a shorter-lived process needs none. */
const interval = 1000;
const chunk = 1024 * 1024;

/** The free bytes on a disk, and what is wrong if they do not suffice. */
export type Room = { free: number; shortage: string | undefined };

/** The room for the store in a folder, which may be open in another process. */
export async function roomIn(folder: string): Promise<Room> {
  const free = freeOf(await statfs(folder));
  const size = statSync(join(folder, reserveFile), { throwIfNoEntry: false })?.size ?? defaultReserve;
  // With enough room, the server is filling it, or will when it starts.
  const released = size < defaultReserve && !suffices(free, defaultReserve - size);
  const full = `The disk of ${folder} is full`;
  if (released) return { free, shortage: `${full}: sessions can be ended, and nothing else can be written` };
  return {
    free,
    shortage: free < nothingLeft ? `${full}: only free pages of the data file can be written` : undefined,
  };
}

const freeOf = ({ bavail, bsize }: StatsFs): number => bavail * bsize;

/** Whether so many free bytes suffice to fill what is missing of a reserve: as much again must be left. */
function suffices(free: number, missing: number): boolean {
  return free >= 2 * missing;
}

/**
 * Room on the disk for writes that cannot wait. It is a file beside the data; when the disk is full, a piece of it is
 * released, only for ends: creations and everything else are refused until there is room for twice what is missing from
 * the reserve. Its bytes are random, because file systems with compression keep no room for zeros.
 */
export class Reserve {
  readonly #path: string;
  readonly #folder: string;
  readonly #bytes: number;
  #timer: NodeJS.Timeout | undefined;
  #size: number;
  #short: boolean;
  #filling: Promise<void> | undefined;

  constructor(folder: string, bytes: number = defaultReserve) {
    this.#folder = folder;
    this.#path = join(folder, reserveFile);
    this.#bytes = bytes;
    this.#size = existsSync(this.#path) ? statSync(this.#path).size : 0;
    // An earlier server had to release some of it, or was killed while it filled it: then there is room.
    const missing = bytes - this.#size;
    this.#short = this.#size > 0 && missing > 0 && !suffices(freeOf(statfsSync(folder)), missing);
  }

  /** Checks the disk from now on; this process must own the folder. */
  start(): void {
    this.#timer = setInterval(() => void this.refill(), interval).unref();
  }

  get size(): number {
    return this.#size;
  }

  /** Why only urgent writes are possible; `undefined` if all are. */
  get shortage(): string | undefined {
    return this.#short ? 'The disk is full: sessions can be ended, and nothing else can be written' : undefined;
  }

  /** The error of a write that can wait. */
  refusal(cause?: unknown): CurfewError {
    return new CurfewError('store_full', { detail: `${this.shortage} (the disk of ${this.#folder}).` }, cause);
  }

  /** Releases a piece for urgent writes. Returns whether there was one. */
  release(): boolean {
    if (this.#size === 0) return false;
    this.#short = true;
    this.#size = Math.max(0, this.#size - Math.ceil(this.#bytes / pieces));
    if (this.#cut(this.#size)) return true;
    // Somebody has removed the file. The space that it freed is free for everybody.
    this.#size = 0;
    return false;
  }

  /** Fills the reserve, if the disk has room for that. */
  refill(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#filling;
  }

  async #fill(): Promise<void> {
    const missing = this.#bytes - this.#size;
    if (missing <= 0) return;
    const disk = await statfs(this.#folder).catch(() => undefined);
    if (!disk || !suffices(freeOf(disk), missing)) return;
    const from = this.#size;
    try {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND;
      const file = await open(this.#path, flagsFor(this.#path, flags), 0o600);
      try {
        for (let left = missing; left > 0; left -= chunk) await file.write(randomBytes(Math.min(left, chunk)));
        await file.datasync();
        giveToOwner(this.#folder, file.fd);
      } finally {
        await file.close();
      }
      this.#size = from + missing;
      this.#short = false;
    } catch {
      // Another program took the space. A partial write must not count.
      if (from === 0) await rm(this.#path, { force: true }).catch(() => {});
      else if (this.#size >= from) this.#cut(from);
    }
  }

  /** Shortens the file. Returns whether it is still there. */
  #cut(size: number): boolean {
    try {
      const file = openFile(this.#path, constants.O_WRONLY);
      ftruncateSync(file, size);
      closeSync(file);
      return true;
    } catch {
      return false;
    }
  }
}
