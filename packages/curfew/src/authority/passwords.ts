import { type Algorithm, hash, verify } from '@node-rs/argon2';
import { limits } from '../domain/limits.ts';
import { CurfewError } from '../errors.ts';

/** Argon2id as OWASP recommends it: 19 MiB, two passes, one lane. */
const options = { algorithm: 2 satisfies Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Passwords at rest. Both take tens of milliseconds on a thread of their own. */
export type Passwords = {
  hash(password: string): Promise<string>;
  /** Takes as long without a hash (no such account) as with a wrong one. */
  matches(password: string, kept: string | undefined): Promise<boolean>;
};

export function createPasswords(): Passwords {
  let decoy: Promise<string> | undefined;
  return {
    hash: (password) => hash(password.normalize('NFKC'), options),
    async matches(password, kept) {
      // A password that could never have been set is compared too, cut to the bound: its length tells nothing.
      const text = password.slice(0, limits.passwordMax).normalize('NFKC');
      // Awaited by all, so that the first sign-in of a process does not tell either.
      decoy ??= hash('no password is this one', options);
      const other = await decoy;
      const right = await verify(kept ?? other, text);
      return right && kept !== undefined && password.length <= limits.passwordMax;
    },
  };
}

/** @throws `invalid_value` */
export function checkPassword(password: string): string {
  const { passwordMin, passwordMax } = limits;
  if (password.length >= passwordMin && password.length <= passwordMax) return password;
  throw new CurfewError('invalid_value', { detail: `A password has ${passwordMin} to ${passwordMax} characters.` });
}
