import { Secret, TOTP } from 'otpauth';
import { NodeFault } from './fault.ts';

const step = 30_000;

/**
 * The codes of a TOTP secret that a server should accept now (RFC 6238, as authenticator apps implement it): the
 * present one, then the next, which the allowed drift permits when the present one was used up a moment ago.
 */
export function totpCodes(secret: string, now: number): string[] {
  let key: Secret;
  try {
    key = Secret.fromBase32(secret.replaceAll(/[\s-]/g, '').toUpperCase());
  } catch (cause) {
    throw new NodeFault('invalid_totp_secret', 'The TOTP secret of the credential is not in base 32.', {
      remedy: 'Copy the secret again: letters A to Z and digits 2 to 7.',
      cause,
    });
  }
  const totp = new TOTP({ algorithm: 'SHA1', digits: 6, period: step / 1000, secret: key });
  return [now, now + step].map((timestamp) => totp.generate({ timestamp }));
}
