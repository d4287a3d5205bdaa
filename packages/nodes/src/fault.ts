import { CurfewApiError } from 'curfew-client';

export type Origin = 'client' | 'server';

/** Whose error an answer is: the client's, unless the same request can succeed later. */
export function originOf(status: number, code?: string): Origin {
  if (status === 408 || status === 429 || code === 'changed_meanwhile') return 'server';
  return status >= 400 && status < 500 ? 'client' : 'server';
}

/** An error as a flow receives it, in a list on the output `errors`. */
export type ErrorEntry = { code: string; message: string; origin: Origin };

type Facts = {
  remedy?: string | undefined;
  origin?: Origin | undefined;
  /** The HTTP status; absent when there was no answer. */
  status?: number | undefined;
  /** The service's own answer. */
  response?: unknown;
  cause?: unknown;
};

/**
 * Why a node could not do its work: what was wrong, with the name of the parameter or the service, and what to do.
 * `origin` is `client` if the request has to change, `server` if it can be tried again later.
 */
export class NodeFault extends Error {
  override readonly name = 'NodeFault';
  readonly code: string;
  readonly remedy: string;
  readonly origin: Origin;
  readonly status: number | undefined;
  readonly response: unknown;

  constructor(code: string, message: string, facts: Facts = {}) {
    super(message, { cause: facts.cause });
    this.code = code;
    this.remedy = facts.remedy ?? '';
    this.status = facts.status;
    this.origin = facts.origin ?? 'client';
    this.response = facts.response;
  }

  /** What was wrong, and what to do about it. A service's own text often ends without a full stop. */
  get whole(): string {
    if (this.remedy === '') return this.message;
    return `${this.message}${/[.!?…]$/.test(this.message) ? '' : '.'} ${this.remedy}`;
  }

  get entry(): ErrorEntry {
    return { code: this.code, message: this.whole, origin: this.origin };
  }
}

/** Any error as a fault of a call to a service. An unexpected error keeps its text. */
export function faultOf(error: unknown): NodeFault {
  if (error instanceof NodeFault) return error;
  // The cause in the transport is more precise than the client's error for it.
  if (error instanceof CurfewApiError) return error.cause instanceof NodeFault ? error.cause : faultOfCurfew(error);
  const message = error instanceof Error ? error.message : String(error);
  return new NodeFault('unexpected', message, { origin: 'server', cause: error });
}

function faultOfCurfew(error: CurfewApiError): NodeFault {
  const fields = (error.problem?.errors ?? []).map(({ path, message }) => `${inWords(path)} ${message}`);
  const told = fields.length > 0 ? ` (${fields.join('; ')})` : '';
  const wait = error.retryAfter === undefined ? '' : ` Here: ${error.retryAfter} seconds.`;
  return new NodeFault(error.code, `Curfew: ${inWords(error.message)}${told}`, {
    remedy: `${inWords(error.remedy)}${wait}`,
    status: error.status === 0 ? undefined : error.status,
    origin: originOf(error.status, error.code),
    response: error.problem,
    cause: error,
  });
}

/** Replaces the API's field names by labels: `/userId` becomes User ID. Quoted text is a value, and stays as it is. */
function inWords(text: string): string {
  return text.replace(/^\//, '').replaceAll(/"(?:[^"\\]|\\.)*"|\b[a-z]+(?:[A-Z][a-z]+)+\b/g, (found) =>
    found.startsWith('"')
      ? found
      : found
          .split(/(?=[A-Z])/)
          .map((word) => (/^(id|ip)$/i.test(word) ? word.toUpperCase() : word[0]?.toUpperCase() + word.slice(1)))
          .join(' '),
  );
}
