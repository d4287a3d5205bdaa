import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { Factor } from './account.ts';
import type { Random } from './ports.ts';

/** RFC 6238 as authenticator apps implement it: SHA-1, 6 digits, 30 s; one step of drift either way. */
const algorithm = { algorithm: 'SHA1', digits: 6, period: 30 } as const;
const drift = 1;

/** Without letters and digits that can be mistaken for each other. */
const backupAlphabet = '23456789abcdefghjkmnpqrstuvwxyz';
export const backupCodeCount = 12;
const backupCodeLength = 8;

/** A new TOTP secret: 20 bytes, as RFC 4226 §4 recommends. */
export function newTotpSecret(random: Random): Uint8Array {
  return random(20);
}

/** The secret as people type it, and the URL for the QR code. */
export function totpUrl(secret: Uint8Array, label: string, issuer: string): { secret: string; url: string } {
  const totp = new TOTP({ ...algorithm, issuer, label, secret: secretOf(secret) });
  return { secret: totp.secret.base32, url: totp.toString() };
}

/** Whether a text is the given secret in base 32, in time that does not depend on where they differ. */
export function isTotpSecret(secret: Uint8Array, text: string): boolean {
  const digest = (base32: string) => hash('sha256', base32, 'buffer');
  return timingSafeEqual(digest(secretOf(secret).base32), digest(text.trim().toUpperCase()));
}

/** The code at a given time; `secret` in base 32. */
export function totpCode(secret: string, now: number): string {
  return new TOTP({ ...algorithm, secret: Secret.fromBase32(secret) }).generate({ timestamp: now });
}

/** The time step of a code, if it is right and later than `lastStep`; otherwise `undefined`. */
export function totpStep(secret: Uint8Array, code: string, now: number, lastStep: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const totp = new TOTP({ ...algorithm, secret: secretOf(secret) });
  const delta = totp.validate({ token: code, timestamp: now, window: drift });
  if (delta === null) return undefined;
  const step = Math.floor(now / 1000 / algorithm.period) + delta;
  return step > lastStep ? step : undefined;
}

/** Twelve codes of eight characters: 39 bits each, and attempts are limited. */
export function newBackupCodes(random: Random): string[] {
  return Array.from({ length: backupCodeCount }, () => {
    let code = '';
    while (code.length < backupCodeLength) {
      for (const byte of random(backupCodeLength)) {
        // 248 is the largest multiple of 31 in a byte.
        if (byte < 248 && code.length < backupCodeLength) code += backupAlphabet[byte % backupAlphabet.length];
      }
    }
    return code;
  });
}

/** What is stored of a backup code: a keyed hash, because 39 bits could be guessed from a plain one. */
export function hashBackupCode(code: string, accountId: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(`${accountId}.${code}`).digest('base64url');
}

/**
 * The factor after a code was used, or `undefined` if the code is wrong or was used before. The caller must write the
 * new state by compare-and-set before it accepts the code: so a code counts only once.
 */
export function useCode(
  factor: Factor,
  code: string,
  context: { accountId: string; secret: Uint8Array; backupKey: Uint8Array; now: number },
): Factor | undefined {
  const text = code.replaceAll(/[\s-]/g, '').toLowerCase();
  const step = totpStep(context.secret, text, context.now, factor.lastStep);
  if (step !== undefined) return { ...factor, lastStep: step };
  const hash = hashBackupCode(text, context.accountId, context.backupKey);
  if (!factor.backupCodes.includes(hash)) return undefined;
  return { ...factor, backupCodes: factor.backupCodes.filter((kept) => kept !== hash) };
}

function secretOf(bytes: Uint8Array): Secret {
  return new Secret({
    buffer: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
  });
}
