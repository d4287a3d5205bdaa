import { type Operations, operations } from './api.gen.ts';
import { baseUrl } from './base-url.ts';
import { CurfewApiError } from './errors.ts';
import { refuseTimeout } from './timeout.ts';

export type ClientOptions = {
  /** The URL of the server, such as `http://127.0.0.1:2873`. */
  url: string;
  /** An API key (`cfk_…`) or a session token (`cfs_…`). */
  token?: string | undefined;
  /** Milliseconds that an answer may take; 10,000 by default, and `Infinity` for no limit. */
  timeout?: number | undefined;
  fetch?: typeof fetch | undefined;
};

export type CallOptions = {
  /** A second factor: the code of an authenticator, or a backup code. */
  code?: string | undefined;
  /** Aborts the call, which then throws the signal's reason as it is. */
  signal?: AbortSignal | undefined;
};

/**
 * Every operation of the API as a function. It takes one object with the fields of path, query and body, and returns
 * the body of the answer.
 * @throws `CurfewApiError`
 */
export type Client = {
  readonly [Name in keyof Operations]: (
    ...rest: Record<string, never> extends Operations[Name]['input']
      ? [input?: Operations[Name]['input'], options?: CallOptions]
      : [input: Operations[Name]['input'], options?: CallOptions]
  ) => Promise<Operations[Name]['output']>;
};

type Operation = {
  method: string;
  path: string;
  query: readonly string[];
  body: boolean;
  otherwise?: number | undefined;
};

export const defaultTimeout = 10_000;

/**
 * A client of a Curfew server. It keeps nothing but its options, and has no dependencies.
 *
 *     const curfew = createClient({ url: 'http://127.0.0.1:2873', token: process.env.CURFEW_API_KEY });
 *     const { token } = await curfew.createSession({ userId: 'ada' });
 *
 * @throws `CurfewApiError` with `invalid_url`; `RangeError` for a time-out that is out of range
 */
export function createClient(options: ClientOptions): Client {
  const base = baseUrl(options.url);
  refuseTimeout(options.timeout ?? defaultTimeout, true);
  const entries = Object.entries(operations).map(([name, operation]) => [
    name,
    (input: Record<string, unknown> = {}, call: CallOptions = {}) => send(base, options, operation, input, call),
  ]);
  return Object.fromEntries(entries) as Client;
}

async function send(
  base: string,
  options: ClientOptions,
  { method, path, query, body, otherwise }: Operation,
  input: Record<string, unknown>,
  call: CallOptions,
): Promise<unknown> {
  const rest = { ...input };
  const take = (name: string) => {
    const value = rest[name];
    delete rest[name];
    return value;
  };
  const filled = path.replace(/:(\w+)/g, (_, name: string) => segmentOf(name, take(name)));
  const search = new URLSearchParams();
  for (const name of query) {
    const value = take(name);
    if (value !== undefined) search.set(name, textOf(name, value));
  }
  const url = `${base}${filled}${search.size > 0 ? `?${search}` : ''}`;
  const headers: Record<string, string> = { accept: 'application/json, application/problem+json' };
  if (options.token !== undefined) headers['authorization'] = `Bearer ${sendable('token', options.token)}`;
  if (call.code !== undefined) headers['x-2fa-code'] = sendable('code', call.code);
  if (body) headers['content-type'] = 'application/json';
  const sent = body ? { body: jsonOf(rest) } : {};
  const timeout = options.timeout ?? defaultTimeout;
  let response: Response;
  let text: string;
  try {
    response = await (options.fetch ?? fetch)(url, {
      method,
      headers,
      // Following a redirect could turn a log-out into a read of another page, or send a password to another server.
      redirect: 'manual',
      signal: signalOf(timeout, call.signal),
      ...sent,
    });
    text = await response.text();
  } catch (error) {
    // The reason may be anything, such as a time-out of the caller's own: only the caller knows what it means.
    if (call.signal?.aborted) throw call.signal.reason;
    throw unreachable(error, base, timeout);
  }
  return read(response, text, base, otherwise);
}

/** Aborts after the time-out, or with the caller's signal. */
function signalOf(timeout: number, given: AbortSignal | undefined): AbortSignal | null {
  if (timeout === Number.POSITIVE_INFINITY) return given ?? null;
  const late = AbortSignal.timeout(timeout);
  return given ? AbortSignal.any([late, given]) : late;
}

/** @throws `invalid_value`, without the secret, if no header can carry it */
function sendable(what: string, secret: string): string {
  try {
    new Headers({ [what]: secret });
    return secret;
  } catch {
    throw new CurfewApiError('invalid_value', `The ${what} contains a character that no ${what} has.`, {
      remedy: `Check that the ${what} was copied completely: three dots may stand for a part of it.`,
    });
  }
}

/** @throws `invalid_value` for what JSON cannot express */
function jsonOf(input: Record<string, unknown>): string {
  try {
    return JSON.stringify(input);
  } catch (cause) {
    throw new CurfewApiError('invalid_value', `The input cannot be written as JSON: ${(cause as Error).message}.`, {
      cause,
      remedy: 'Give what JSON can express: a large number as text, and no object that contains itself.',
    });
  }
}

/** A value, or a list of values, as text in a URL. @throws `invalid_value` for a number that is not exact */
function textOf(name: string, value: unknown): string {
  const rounded = [value].flat().find((one) => typeof one === 'number' && !Number.isSafeInteger(one));
  if (rounded === undefined) return String(value);
  // From 2^53 on, the number may already be that of something else, such as another user.
  throw new CurfewApiError('invalid_value', `${rounded} (${name}) is a number that is not whole, or not exact.`, {
    remedy: `Give ${name} as text: in JSON, in quotation marks.`,
  });
}

/** A value as one segment of a path. @throws `missing_field`, and `invalid_value` if it would change the path */
function segmentOf(name: string, value: unknown): string {
  const text = typeof value === 'string' || typeof value === 'number' ? textOf(name, value) : '';
  if (text === '') {
    throw new CurfewApiError('missing_field', `The field ${name} is missing, or empty.`, { remedy: `Give ${name}.` });
  }
  if (text !== '.' && text !== '..') return encodeURIComponent(text);
  throw new CurfewApiError('invalid_value', `${JSON.stringify(text)} cannot be part of a request's path (${name}).`, {
    remedy: 'No URL can contain it as a segment of its path, however it is encoded; use another id.',
  });
}

function read(response: Response, text: string, base: string, otherwise: number | undefined): unknown {
  // A browser does not reveal the target.
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
    const location = response.headers.get('location');
    throw new CurfewApiError('redirected', `${base} answered with a redirect${location ? ` to ${location}` : ''}.`, {
      status: response.status,
      remedy: 'Set the `url` of the client to the final URL of the server; the client follows no redirect.',
    });
  }
  const type = response.headers.get('content-type') ?? '';
  const json = /^application\/(problem\+)?json/.test(type) ? parse(text) : undefined;
  if (response.ok && json !== undefined) return json;
  if (response.status === 204) return undefined;
  if (response.status === otherwise && json !== undefined && !type.includes('problem')) return json;
  if (json !== undefined && typeof json['code'] === 'string') throw CurfewApiError.of(json, response);
  throw new CurfewApiError('not_curfew', `${base} answered ${response.status}, and not as Curfew does.`, {
    status: response.status,
    remedy: 'Check the URL: is that the Curfew server, and not a proxy or another program?',
  });
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function unreachable(error: unknown, base: string, timeout: number): unknown {
  const { name, cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  if (name === 'TimeoutError') {
    return new CurfewApiError('timeout', `${base} did not answer within ${timeout} ms.`, {
      cause: error,
      remedy: 'Try again, or raise the timeout.',
    });
  }
  if (name === 'AbortError') return error;
  const why = cause?.code ?? cause?.message ?? message;
  return new CurfewApiError('unreachable', `${base} cannot be reached: ${why}.`, {
    cause: error,
    remedy: 'Check the URL, and whether the server runs.',
  });
}

/**
 * The pages of a list, one after another.
 *
 *     for await (const page of pages(curfew.listSessions, { status: 'active' })) …
 */
export async function* pages<List extends Lister>(
  list: List,
  ...[input, options]: Parameters<List>
): AsyncGenerator<Awaited<ReturnType<List>>> {
  let cursor = input?.cursor;
  do {
    const page = (await list({ ...input, cursor }, options)) as Awaited<ReturnType<List>>;
    yield page;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** An operation of a {@link Client} that returns a page. */
// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input; only `cursor` is common.
type Lister = (input: any, options?: CallOptions) => Promise<{ nextCursor?: string | undefined }>;
