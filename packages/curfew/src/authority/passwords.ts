import { availableParallelism } from 'node:os';
import { type Algorithm, hash, verify } from '@node-rs/argon2';
import pLimit from 'p-limit';
import { limits } from '../domain/limits.ts';
import { CurfewError } from '../errors.ts';

/** Argon2id as OWASP recommends it: 19 MiB, two passes, one lane. */
const options = { algorithm: 2 satisfies Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * How many passwords are hashed at once: each occupies a processor for tens of milliseconds, and one of the few threads
 * on which a store also writes. With more at once, each takes longer, and a logout waits for all the sign-ins.
 */
const atOnce = Math.max(1, Math.min(2, availableParallelism() - 1));
/** How many may wait for their turn, which comes within half a minute; one more is refused. */
const mostWaiting = 512;
/** Seconds after which a refused caller may try again. */
const comeAgain = 5;

/** Hashing of passwords. `hash` and `matches` wait their turn, then take tens of milliseconds on a separate thread. */
export type Passwords = {
  /** To be called before an attempt is counted. @throws `server_busy` if too many wait */
  admit(): void;
  /** @throws `server_busy` if too many wait */
  hash(password: string): Promise<string>;
  /**
   * Takes as long without a hash (no such account) as with a wrong password.
   * @throws `server_busy` if too many wait
   */
  matches(password: string, kept: string | undefined): Promise<boolean>;
};

export function createPasswords(bounds: { atOnce: number; mostWaiting: number } = { atOnce, mostWaiting }): Passwords {
  let decoy: Promise<string> | undefined;
  const limit = pLimit(bounds.atOnce);
  const admit = () => {
    if (limit.pendingCount >= bounds.mostWaiting) throw new CurfewError('server_busy', { retryAfter: comeAgain });
  };
  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    admit();
    return limit(work);
  };
  return {
    admit,
    hash: (password) => inTurn(() => hash(password.normalize('NFKC'), options)),
    async matches(password, kept) {
      // A password that is too long is compared too, cut to the limit: the time must not depend on its length.
      const text = password.slice(0, limits.passwordMax).normalize('NFKC');
      // Every call awaits it, so that the time of a process's first sign-in reveals nothing either.
      decoy ??= hash('no password is this one', options);
      const other = await decoy;
      const right = await inTurn(() => verify(kept ?? other, text));
      return right && kept !== undefined && password.length <= limits.passwordMax;
    },
  };
}

/**
 * Checks that a password may be set. One that was set before a rule existed can still be used to sign in.
 * @throws `invalid_value`
 */
export async function checkPassword(password: string): Promise<string> {
  const { passwordMin, passwordMax } = limits;
  if (password.length < passwordMin || password.length > passwordMax) {
    throw new CurfewError('invalid_value', { detail: `A password has ${passwordMin} to ${passwordMax} characters.` });
  }
  // Two of them would be the same password: half a surrogate pair is U+FFFD once it is encoded.
  if (!password.isWellFormed()) {
    throw new CurfewError('invalid_value', { detail: 'A password must be well-formed text.' });
  }
  if (await isCommon(password)) {
    throw new CurfewError('invalid_value', {
      detail: 'This password is one of the most common ones, which are guessed first. Choose another.',
    });
  }
  return password;
}

/**
 * NIST SP 800-63B-4, 3.1.1.2: passwords known to be common are refused, in any letter case. The list has the 49,233
 * most common passwords; it is loaded when a password is first set, because few processes ever set one.
 */
async function isCommon(password: string): Promise<boolean> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  // Its types describe the packed form, not the unpacked one.
  const common = dictionary['passwords-common'] as unknown as readonly string[];
  return common.includes(password.normalize('NFKC').toLowerCase());
}
