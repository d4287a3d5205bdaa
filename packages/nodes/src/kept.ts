import { textOf, type Values } from './parameter.ts';

/** The fields that a sign-in has filled, by name. */
export type Tokens = Readonly<Record<string, string>>;

/** Of more used tokens than this, the oldest are forgotten: their sessions are the likeliest to have expired. */
const maxSuccessors = 10_000;

/**
 * What a process keeps for a credential, however many nodes use it: the session of its sign-in, whose turn it is to
 * present a code, and the successors of used tokens. A second-factor code works once, so of all the calls that need one
 * at the same moment, only one may generate it.
 */
export class Kept {
  #tokens: Tokens | undefined;
  #opening: Promise<Tokens> | undefined;
  #lastTurn: Promise<unknown> = Promise.resolve();
  readonly #successors = new Map<string, string | null>();

  /** The session; the first caller opens it, and all others wait for the same one. */
  session(open: () => Promise<Tokens>): Promise<Tokens> {
    return this.#tokens ? Promise.resolve(this.#tokens) : this.#opened(open);
  }

  /** The session to use after the service refused one: another that was opened meanwhile, or a new one. */
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

  /** Runs work that may use up a code, after all earlier work of this kind has finished. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#lastTurn.then(work);
    this.#lastTurn = result.catch(() => {});
    return result;
  }

  /** The token that replaced a used one, if it is still needed; null if the answer with it was lost. */
  successorOf(used: string): string | null | undefined {
    return this.#successors.get(used);
  }

  /** Remembers a successor that nobody else knows, so that a retry with the used token can finish the work. */
  keepSuccessor(used: string, successor: string | null): void {
    this.#successors.set(used, successor);
    const [oldest] = this.#successors.keys();
    if (oldest !== undefined && this.#successors.size > maxSuccessors) this.#successors.delete(oldest);
  }

  forgetSuccessor(used: string): void {
    this.#successors.delete(used);
  }
}

/** The field with the URL at which a session that is kept beside a credential was opened. */
export const sessionUrl = 'sessionUrl';

/** A session as an engine keeps it: with the URL for which it is valid. */
export function keptBeside(fields: Values, tokens: Tokens): Tokens {
  return { ...tokens, [sessionUrl]: textOf(fields, 'url') ?? '' };
}
