import type { Problem } from './api.gen.ts';

/** The server's own codes, and those that only a client can produce. */
export type ApiErrorCode =
  | Problem['code']
  | 'unreachable'
  | 'timeout'
  | 'not_curfew'
  | 'redirected'
  | 'invalid_url'
  | 'key_missing'
  | 'overloaded'
  | 'verifier_closed';

type Facts = {
  status?: number | undefined;
  remedy?: string | undefined;
  problem?: Problem | undefined;
  retryAfter?: number | undefined;
  cause?: unknown;
};

/** An error of a call: `code` identifies it, `remedy` says what to do, `problem` is the server's whole answer. */
export class CurfewApiError extends Error {
  override readonly name = 'CurfewApiError';
  readonly code: ApiErrorCode;
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly remedy: string;
  readonly problem: Problem | undefined;
  /** Seconds after which to try again, if the server gave them. */
  readonly retryAfter: number | undefined;

  constructor(code: ApiErrorCode, message: string, facts: Facts = {}) {
    super(message, { cause: facts.cause });
    this.code = code;
    this.status = facts.status ?? 0;
    this.remedy = facts.remedy ?? '';
    this.problem = facts.problem;
    this.retryAfter = facts.retryAfter;
  }

  static of(body: Record<string, unknown>, response: Response): CurfewApiError {
    const problem = body as Problem;
    const { code, title, detail, remedy } = problem;
    const wait = Number(response.headers.get('retry-after') ?? Number.NaN);
    return new CurfewApiError(code, detail === undefined ? `${title}.` : `${title}. ${detail}`, {
      status: response.status,
      remedy,
      problem,
      retryAfter: Number.isNaN(wait) ? undefined : wait,
    });
  }
}
