import { availableParallelism } from 'node:os';
import { type Algorithm, hash, verify } from '@node-rs/argon2';
import pLimit from 'p-limit';
import { limits } from '../domain/limits.ts';
import { CurfewError } from '../errors.ts';

/** Argon2id as OWASP recommends it: 19 MiB, two passes, one lane. */
const options = { algorithm: 2 satisfies Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * Hashed at once: each takes a processor for tens of milliseconds, and one of the few threads on which a store also
 * writes. All at once they take longer, and whoever signs out waits for all who sign in.
 */
const atOnce = Math.max(1, Math.min(2, availableParallelism() - 1));
/** May wait for their turn, for half a minute at most; one more is refused. */
const mostWaiting = 512;
/** Seconds after which whoever is refused may come again. */
const comeAgain = 5;

/** Passwords at rest. Both take tens of milliseconds on a thread of their own, and wait for their turn. */
export type Passwords = {
  /** To be asked before an attempt is counted. @throws `server_busy` when too many wait */
  admit(): void;
  /** @throws `server_busy` when too many wait */
  hash(password: string): Promise<string>;
  /**
   * Takes as long without a hash (no such account) as with a wrong one.
   * @throws `server_busy` when too many wait
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
      // A password that could never have been set is compared too, cut to the bound: its length tells nothing.
      const text = password.slice(0, limits.passwordMax).normalize('NFKC');
      // Awaited by all, so that the first sign-in of a process does not tell either.
      decoy ??= hash('no password is this one', options);
      const other = await decoy;
      const right = await inTurn(() => verify(kept ?? other, text));
      return right && kept !== undefined && password.length <= limits.passwordMax;
    },
  };
}

/**
 * Whether a password may be set. One that was set before a rule came is still good to sign in with.
 * @throws `invalid_value`
 */
export async function checkPassword(password: string): Promise<string> {
  const { passwordMin, passwordMax } = limits;
  if (password.length < passwordMin || password.length > passwordMax) {
    throw new CurfewError('invalid_value', { detail: `A password has ${passwordMin} to ${passwordMax} characters.` });
  }
  if (await isCommon(password)) {
    throw new CurfewError('invalid_value', {
      detail: 'This password is one of the most common ones, which are guessed first. Choose another.',
    });
  }
  return password;
}

/**
 * NIST SP 800-63B-4, 3.1.1.2: what is known to be common is not accepted, also in other letters' case. The list has the
 * 49,233 most common passwords; it is loaded when a password is first set, because few processes ever set one.
 */
async function isCommon(password: string): Promise<boolean> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  // Its types tell how it is packed, not what comes out.
  const common = dictionary['passwords-common'] as unknown as readonly string[];
  return common.includes(password.normalize('NFKC').toLowerCase());
}
