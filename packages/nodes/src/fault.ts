import { CurfewApiError } from 'curfew-client';

export type Origin = 'client' | 'server';

/** An error as a flow gets it, in a list on the output `errors`. */
export type ErrorEntry = { code: string; message: string; origin: Origin };

type Facts = {
  remedy?: string | undefined;
  origin?: Origin | undefined;
  /** The HTTP status; absent when there was no answer. */
  status?: number | undefined;
  /** What the service itself answered. */
  response?: unknown;
  cause?: unknown;
};

/**
 * Why a node could not do its work: what was wrong, by the name of the parameter or of the service, and what to do.
 * `origin` is `client` when what was sent has to change, `server` when it was right and the service did not do it.
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

  /** What was wrong, and what to do about it. A service's own words often end without a full stop. */
  get whole(): string {
    if (this.remedy === '') return this.message;
    return `${this.message}${/[.!?…]$/.test(this.message) ? '' : '.'} ${this.remedy}`;
  }

  get entry(): ErrorEntry {
    return { code: this.code, message: this.whole, origin: this.origin };
  }
}

/** Any error as a fault of a service's call. What is not foreseen keeps its own words. */
export function faultOf(error: unknown): NodeFault {
  if (error instanceof NodeFault) return error;
  // What went wrong on the way tells more than the client's word for it.
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
    origin: error.status >= 400 && error.status < 500 ? 'client' : 'server',
    response: error.problem,
    cause: error,
  });
}

/** The API's names of fields as people read them: `/userId` is User ID. What is quoted is no name, but what was sent. */
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
