import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from './domain/ports.ts';
import { CurfewError } from './errors.ts';

const keyBytes = 32;
export const keyFile = 'secret.key';

/**
 * The servers' own key: given; or from a file that was named; or from the one in an embedded store's folder, which is
 * made when there is none. A store on a server has no folder, and its servers must share a key: there it has to be
 * given, because one that each of them made would void the others' refresh tokens and authenticators.
 * @throws `config_invalid`, `store_not_writable`
 */
export function loadSecretKey(
  given: { secretKey?: Uint8Array | undefined; secretKeyFile?: string | undefined },
  folder: string | undefined,
  random: Random,
): Uint8Array {
  if (given.secretKey) return given.secretKey;
  if (given.secretKeyFile !== undefined) return readKey(given.secretKeyFile);
  if (folder !== undefined) return keyOfFolder(join(folder, keyFile), random);
  throw new CurfewError('config_invalid', {
    detail:
      'CURFEW_SECRET_KEY: a store on a server needs it, or CURFEW_SECRET_KEY_FILE, the same for all servers; `openssl rand -hex 32` makes one.',
  });
}

/** As {@link loadSecretKey}, but makes none, and demands none. */
export function existingSecretKey(
  given: { secretKey?: Uint8Array | undefined; secretKeyFile?: string | undefined },
  folder: string | undefined,
): Uint8Array | undefined {
  if (given.secretKey) return given.secretKey;
  const path = given.secretKeyFile ?? (folder === undefined ? undefined : join(folder, keyFile));
  if (path === undefined || (given.secretKeyFile === undefined && !existsSync(path))) return undefined;
  return readKey(path);
}

/** Only its owner may read it. */
function keyOfFolder(path: string, random: Random): Uint8Array {
  try {
    if (!existsSync(path)) {
      writeFileSync(path, `${Buffer.from(random(keyBytes)).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
    }
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch (error) {
    throw new CurfewError('store_not_writable', { detail: `${path}: ${(error as Error).message}.` }, error);
  }
  return readKey(path);
}

function readKey(path: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new CurfewError('config_invalid', { detail: `The secret key: ${(error as Error).message}.` }, error);
  }
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  throw new CurfewError('config_invalid', {
    detail: `${path} does not hold 64 hex digits; put back the right file, or every refresh token and authenticator is void.`,
  });
}
