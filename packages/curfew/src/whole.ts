import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a file or a folder that gets its name only after all of it is on disk: `make` gets another name, and syncs what
 * it makes there. Nothing is left if that fails.
 */
export async function makeWhole(to: string, make: (unfinished: string) => Promise<void>): Promise<void> {
  const unfinished = `${to}.unfinished`;
  try {
    rmSync(unfinished, { recursive: true, force: true });
    await make(unfinished);
    renameSync(unfinished, to);
    sync(dirname(to));
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/** Waits until a file, or the names in a folder, are on disk. */
export function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
