import { statfs } from 'node:fs/promises';
import { CurfewError, isCurfewError } from '../../errors.ts';

/** With fewer free bytes than this a failed write counts as a full disk. */
export const nothingLeft: number = 256 * 1024;

/**
 * The meaning of a failed write. LMDB reports a full disk as a failed or a short write, depending on the file system,
 * so this checks the disk itself.
 */
export async function writeFault(error: unknown, folder: string): Promise<CurfewError> {
  if (isCurfewError(error)) return error;
  const cause = await causeOf(error);
  const { message } = cause as { message?: string };
  const full = isFullDisk(cause) || (await isFull(folder));
  const code = full ? 'store_full' : isDamage(cause) ? 'store_damaged' : 'store_unavailable';
  return new CurfewError(code, { detail: message ?? 'The write failed.' }, cause);
}

/** The meaning of a failed read: an unreadable row is damage, whatever the engine calls it. */
export function readFault(error: unknown): CurfewError {
  if (isCurfewError(error)) return error;
  return new CurfewError('store_damaged', { detail: (error as Error)?.message ?? 'A row cannot be read.' }, error);
}

/** Whether an error of the system, or of LMDB, means that the disk is full. */
export function isFullDisk(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: string };
  return code === 'ENOSPC' || code === 28 || /MDB_MAP_FULL|No space|ENOSPC/i.test(message ?? '');
}

/** Whether an error means that pages are damaged. */
function isDamage(error: unknown): boolean {
  return /MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID)/.test((error as Error)?.message ?? '');
}

/** lmdb keeps the reason for a failed commit in a separate promise. */
async function causeOf(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: Promise<unknown> } | undefined)?.commitError;
  return reason
    ? reason.then(
        () => error,
        (cause) => cause,
      )
    : error;
}

export async function isFull(folder: string): Promise<boolean> {
  const disk = await statfs(folder).catch(() => undefined);
  return disk !== undefined && disk.bavail * disk.bsize < nothingLeft;
}
