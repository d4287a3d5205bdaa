import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startChild } from './child.ts';

/** Why there is none. */
export const noFaultyDisk = 'gcc is not installed, or this is not Linux';

/**
 * Runs a program on Node.js on a disk whose syncs can be made to wait or to fail (see faulty-disk.c), and returns what it
 * printed; `undefined` if that is impossible here. The program finds the files that do so in FAULTY_DISK.
 */
export async function onFaultyDisk(program: string, folder: string): Promise<string | undefined> {
  const library = join(folder, 'faulty-disk.so');
  const source = fileURLToPath(new URL('faulty-disk.c', import.meta.url));
  if (process.platform === 'linux') spawnSync('gcc', ['-shared', '-fPIC', '-o', library, source, '-ldl']);
  if (!existsSync(library)) return undefined;
  const child = startChild([process.execPath, '--conditions=curfew-source', program, folder], {
    env: { ...process.env, LD_PRELOAD: library, FAULTY_DISK: join(folder, 'syncs') },
  });
  const [printed, told] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`It ended with ${child.exitCode}: ${told}`);
  return printed;
}
