import { textOf, type Values } from './parameter.ts';

/** What a sign-in has filled, by the names of the fields. */
export type Tokens = Readonly<Record<string, string>>;

/**
 * What a process keeps for a credential, whichever nodes use it, and however many at once: the session of its sign-in, and
 * whose turn it is to show a code. A code of a second factor counts once, so of all who need one at the same moment only
 * one may make it.
 */
export class Kept {
  #tokens: Tokens | undefined;
  #opening: Promise<Tokens> | undefined;
  #lastTurn: Promise<unknown> = Promise.resolve();

  /** The session; opened by whoever asks first, while all others wait for the same. */
  session(open: () => Promise<Tokens>): Promise<Tokens> {
    return this.#tokens ? Promise.resolve(this.#tokens) : this.#opened(open);
  }

  /** The session after one that the service refused: another, if somebody has opened it meanwhile. */
  sessionAfter(refused: Tokens, open: () => Promise<Tokens>): Promise<Tokens> {
    return this.#tokens && this.#tokens !== refused ? Promise.resolve(this.#tokens) : this.#opened(open);
  }

  #opened(open: () => Promise<Tokens>): Promise<Tokens> {
    this.#opening ??= open().then(
      (tokens) => {
        this.#opening = undefined;
        this.#tokens = tokens;
        return tokens;
      },
      (error: unknown) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }

  /** Does what may use up a code, once everything of the kind that was asked for before is over. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#lastTurn.then(work);
    this.#lastTurn = result.catch(() => {});
    return result;
  }
}

/** Where a session that an engine keeps beside a credential was opened. */
export const sessionUrl = 'sessionUrl';

/** A session as an engine keeps it: with the URL that it is for. */
export function keptBeside(fields: Values, tokens: Tokens): Tokens {
  return { ...tokens, [sessionUrl]: textOf(fields, 'url') ?? '' };
}
