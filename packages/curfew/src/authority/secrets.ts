import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { Random } from '../domain/ports.ts';
import { CurfewError } from '../errors.ts';

/** What the servers' secret key (32 bytes) is used for; each use has a key derived from it (HKDF, RFC 5869). */
export type Secrets = {
  /** Derives the successors of refresh tokens. */
  refreshKey: Uint8Array;
  /** Hashes backup codes. */
  backupKey: Uint8Array;
  /** A 32-byte key for another use, named by `use`; no two uses share a key. */
  keyFor(use: string): Uint8Array;
  /** Encrypts what must be readable later, such as authenticator secrets; `context` binds it to its owner. */
  seal(plain: Uint8Array, context: string): Uint8Array;
  /** @throws `internal` if it was sealed with another key or for another owner */
  unseal(sealed: Uint8Array, context: string): Uint8Array;
};

const nonceBytes = 12;
const tagBytes = 16;

export function createSecrets(master: Uint8Array, random: Random): Secrets {
  const derive = (use: string) => new Uint8Array(hkdfSync('sha256', master, '', `curfew ${use} 1`, 32));
  const sealKey = derive('seal');
  return {
    refreshKey: derive('refresh'),
    backupKey: derive('backup'),
    keyFor: (use) => derive(`for ${use}`),
    seal(plain, context) {
      const nonce = random(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce).setAAD(Buffer.from(context));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    unseal(sealed, context) {
      try {
        const whole = { authTagLength: tagBytes };
        const decipher = createDecipheriv('aes-256-gcm', sealKey, sealed.subarray(0, nonceBytes), whole)
          .setAAD(Buffer.from(context))
          .setAuthTag(sealed.subarray(-tagBytes));
        return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]);
      } catch (error) {
        throw new CurfewError(
          'internal',
          { detail: 'A sealed secret cannot be opened: was the secret key changed?' },
          error,
        );
      }
    },
  };
}
