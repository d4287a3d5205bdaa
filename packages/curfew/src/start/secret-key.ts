import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from '../domain/ports.ts';
import { CurfewError, isCurfewError } from '../errors.ts';
import type { Store } from '../stores/contract.ts';
import { createFile, openFile } from '../stores/lmdb/files.ts';

const keyBytes = 32;
export const keyFile = 'secret.key';

/** Where a key can come from, apart from the folder of an embedded store. */
export type GivenKey = { secretKey?: Uint8Array | undefined; secretKeyFile?: string | undefined };

export type SecretKey = {
  key: Uint8Array;
  /**
   * Stores the key's fingerprint in the store, once the store is used.
   * @throws `secret_key_differs` if another server has just stored a different one
   */
  keep(): Promise<void>;
};

/** Identifies a secret key without revealing anything about it. */
export function keyFingerprint(key: Uint8Array): string {
  return createHash('sha256').update('curfew key fingerprint\n').update(key).digest('hex').slice(0, 16);
}

/**
 * The key of a store. With another key every authenticator, backup code and refresh token would be void, so the store
 * keeps the key's fingerprint. An unused store has none, so that a failed first start does not commit to a key.
 * @throws `secret_key_differs`, `secret_key_missing`, `config_invalid`, `store_linked`, `store_not_writable`
 */
export async function secretKeyOf(
  store: Store,
  given: GivenKey,
  folder: string | undefined,
  random: Random,
): Promise<SecretKey> {
  const kept = await store.keyFingerprint();
  const used = kept !== undefined || (await store.latestTime()) > 0;
  const key = existingSecretKey(given, folder) ?? newSecretKey(folder, used, random);
  const fingerprint = keyFingerprint(key);
  const keep = async () => {
    // Written only if missing: a full store accepts no write, but a server that starts on it can still end and verify.
    if (kept === undefined) refuseOther(await store.keepKeyFingerprint(fingerprint), fingerprint);
  };
  if (kept !== undefined) refuseOther(kept, fingerprint);
  // A store of an earlier version has no fingerprint.
  else if (used) await keep();
  return { key, keep };
}

/** @throws `secret_key_differs` if the stored fingerprint is a different one */
export function refuseOther(kept: string, fingerprint: string): void {
  if (kept === fingerprint) return;
  throw new CurfewError('secret_key_differs', {
    detail: `The store was used with the key ${kept}, and this one is ${fingerprint} (these are fingerprints).`,
  });
}

/**
 * Makes a key in the folder of an embedded store. A store on a server has no folder, and its servers must share a key.
 */
function newSecretKey(folder: string | undefined, used: boolean, random: Random): Uint8Array {
  if (folder === undefined) {
    throw new CurfewError('config_invalid', {
      detail:
        'CURFEW_SECRET_KEY: a store on a server needs it, or CURFEW_SECRET_KEY_FILE (in the library: secretKey or secretKeyFile), the same for all servers; `openssl rand -hex 32` makes one.',
    });
  }
  const path = join(folder, keyFile);
  if (used) throw new CurfewError('secret_key_missing', { detail: `${path} does not exist, but the store has data.` });
  writeKey(path, random);
  return readKey(path);
}

/** The existing key, if there is one: from the settings, the named file or an embedded store's folder. */
export function existingSecretKey(given: GivenKey, folder: string | undefined): Uint8Array | undefined {
  if (given.secretKey) return given.secretKey;
  if (given.secretKeyFile !== undefined) return readKey(given.secretKeyFile);
  const path = folder === undefined ? undefined : join(folder, keyFile);
  if (path === undefined || !existsSync(path)) return undefined;
  const file = openKey(path);
  try {
    hide(path, file);
    return readKey(path, file);
  } finally {
    closeSync(file);
  }
}

/** Writes a key into the folder of an embedded store, completely or not at all. Only its owner may read it. */
export function writeKey(path: string, random: Random): void {
  try {
    const file = createFile(`${path}.new`);
    try {
      writeSync(file, `${Buffer.from(random(keyBytes)).toString('hex')}\n`);
      fsyncSync(file);
      // A command that root runs must not leave a key that the service cannot read afterwards.
      if (process.getuid?.() === 0) {
        const { uid, gid } = statSync(dirname(path));
        fchownSync(file, uid, gid);
      }
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw new CurfewError('store_not_writable', { detail: `${path}: ${(error as Error).message}.` }, error);
  }
}

/** @throws `store_linked`, `secret_key_missing` */
function openKey(path: string): number {
  try {
    return openFile(path, constants.O_RDONLY);
  } catch (error) {
    throw isCurfewError(error) ? error : unreadable(error);
  }
}

function hide(path: string, file: number): void {
  if (process.platform === 'win32' || (fstatSync(file).mode & 0o077) === 0) return;
  try {
    fchmodSync(file, 0o600);
  } catch (error) {
    throw new CurfewError('store_not_writable', { detail: `${path}: ${(error as Error).message}.` }, error);
  }
}

/** `file`: its descriptor, if it is open. @throws `secret_key_missing` */
export function readKey(path: string, file: string | number = path): Uint8Array {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw unreadable(error);
  }
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  throw new CurfewError('secret_key_missing', {
    detail: text === '' ? `${path} is empty.` : `${path} does not contain 64 hex digits.`,
  });
}

function unreadable(error: unknown): CurfewError {
  return new CurfewError('secret_key_missing', { detail: `${(error as Error).message}.` }, error);
}
