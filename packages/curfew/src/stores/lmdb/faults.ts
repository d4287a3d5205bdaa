import { statfs } from 'node:fs/promises';
import { CurfewError, isCurfewError } from '../../errors.ts';

/** Below this many free bytes a failed write is put down to a full disk. */
const nothingLeft = 256 * 1024;

/**
 * What a failed write means. LMDB reports a full disk as a failed or a short write, depending on the file system, so
 * the disk itself is asked.
 */
export async function writeFault(error: unknown, folder: string): Promise<CurfewError> {
  if (isCurfewError(error)) return error;
  const cause = await causeOf(error);
  const { message } = cause as { message?: string };
  const full = isFullDisk(cause) || (await isFull(folder));
  const code = full ? 'store_full' : isDamage(cause) ? 'store_damaged' : 'store_unavailable';
  return new CurfewError(code, { detail: message ?? 'The write failed.' }, cause);
}

/** What a failed read means: a row that cannot be read is damage, whatever the engine calls it. */
export function readFault(error: unknown): CurfewError {
  if (isCurfewError(error)) return error;
  return new CurfewError('store_damaged', { detail: (error as Error)?.message ?? 'A row cannot be read.' }, error);
}

/** What the system, or LMDB, calls a disk without room. */
export function isFullDisk(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: string };
  return code === 'ENOSPC' || code === 28 || /MDB_MAP_FULL|No space|ENOSPC/i.test(message ?? '');
}

/** Pages that are not what they should be. */
function isDamage(error: unknown): boolean {
  return /MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID)/.test((error as Error)?.message ?? '');
}

/** lmdb keeps the reason of a failed commit in a promise of its own. */
async function causeOf(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: Promise<unknown> } | undefined)?.commitError;
  return reason
    ? reason.then(
        () => error,
        (cause) => cause,
      )
    : error;
}

async function isFull(folder: string): Promise<boolean> {
  const disk = await statfs(folder).catch(() => undefined);
  return disk !== undefined && disk.bavail * disk.bsize < nothingLeft;
}
