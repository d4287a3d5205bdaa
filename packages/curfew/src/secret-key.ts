import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from './domain/ports.ts';
import { CurfewError } from './errors.ts';

const keyBytes = 32;
export const keyFile = 'secret.key';

/**
 * The servers' own key: given, or from the file in the store's folder, which is made when there is none. Only its
 * owner may read it.
 * @throws `config_invalid`, `store_not_writable`
 */
export function loadSecretKey(given: Uint8Array | undefined, folder: string, random: Random): Uint8Array {
  if (given) return given;
  const path = join(folder, keyFile);
  try {
    if (!existsSync(path)) {
      writeFileSync(path, `${Buffer.from(random(keyBytes)).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
    }
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    const text = readFileSync(path, 'utf8').trim();
    if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  } catch (error) {
    throw new CurfewError('store_not_writable', { detail: `${path}: ${(error as Error).message}.` }, error);
  }
  throw new CurfewError('config_invalid', {
    detail: `${path} does not hold 64 hex digits; put back the right file, or every refresh token and authenticator is void.`,
  });
}
