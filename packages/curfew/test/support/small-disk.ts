import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../stores/harness.ts';

/** A disk of that many megabytes, and a way to fill it. */
export type SmallDisk = { path: string; fill(): void; makeRoom(): void; remove(): void };

/** Why there is none: only root may mount one. */
export const cannotMount = 'this user may not mount a small disk';

export function smallDisk(megabytes: number): SmallDisk | undefined {
  const folder = temporaryFolder();
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder.path]);
  if (mounted.status !== 0) {
    folder.remove();
    return undefined;
  }
  const ballast = join(folder.path, 'ballast');
  return {
    path: folder.path,
    fill() {
      const file = openSync(ballast, 'a');
      for (const size of [1024 * 1024, 4096]) {
        try {
          for (;;) writeSync(file, Buffer.alloc(size));
        } catch {
          // The disk is full.
        }
      }
      fsyncSync(file);
      closeSync(file);
    },
    makeRoom: () => rmSync(ballast, { force: true }),
    remove() {
      spawnSync('umount', ['-l', folder.path]);
      folder.remove();
    },
  };
}
