import type { Connection } from '../connection.ts';
import { jsonOf } from '../connection.ts';
import type { Credential } from '../credential.ts';
import { NodeFault, originOf } from '../fault.ts';
import type { Parameter, Values } from '../parameter.ts';
import { optionLabel } from '../request-options.ts';
import type { Answer } from '../transport.ts';

export type ServiceName = 'curfew' | 'waha' | 'directus' | 'rocketchat' | 'altogic' | 'oauth';

/** A system in which the node Log Out can end a session. */
export type Service = {
  readonly name: ServiceName;
  readonly label: string;
  /** What ends there, and how the service answers. */
  readonly help: string;
  /** The text of the badge when it is done. */
  readonly done: string;
  readonly credentials: readonly Credential[];
  readonly parameters: readonly Parameter[];
  readonly logOut: (connection: Connection, values: Values) => Promise<LoggedOut>;
};

/** The output of Log Out, for every service. */
export type LoggedOut = {
  readonly success: true;
  readonly message: string;
  readonly service: ServiceName;
  readonly sessionId?: string;
  /** The name of the session, if it has one. */
  readonly session?: string;
  readonly receipt?: unknown;
  /** The service's own answer; null if it was empty. */
  readonly response: unknown;
};

/** Reads the text and the code of a service's error from the JSON of an answer. */
export type ErrorReader = (json: unknown) => { code?: string | undefined; text?: string | undefined };

/**
 * The fault for a service's refusal, with the service's own text. An answer from something else (an HTML page of a
 * proxy) is reported as such, and the fault for a 429 tells how long to wait.
 */
export function refusal(
  label: string,
  answer: Answer,
  read: ErrorReader,
  remedies: Record<string, string> = {},
): NodeFault {
  const { status, headers } = answer;
  const { code, text } = read(jsonOf(answer));
  const facts = {
    status,
    origin: originOf(status),
    response: bodyOf(answer),
  } as const;
  if (status === 429) {
    const wait = headers['retry-after'];
    return new NodeFault('too_many_requests', `${label}: ${text ?? 'Too many requests'} (429).`, {
      ...facts,
      remedy: `Wait ${wait === undefined ? 'a while' : waitText(wait)} and try again; the option ${optionLabel('batchSize')} spreads requests.`,
    });
  }
  if (text === undefined) {
    return new NodeFault('unexpected_answer', `${label} answered ${status}, but not as ${label} does.`, {
      ...facts,
      remedy: `Check the URL of the credential: is that ${label}, and not a proxy or another program?`,
    });
  }
  return new NodeFault(code ?? `status_${status}`, `${label}: ${text}`, {
    ...facts,
    remedy: remedies[code ?? ''] ?? remedies[String(status)] ?? '',
  });
}

const waitText = (value: string) => (/^\d+$/.test(value) ? `${value} seconds` : `until ${value}`);

/** The service's own answer, for an output. */
export function bodyOf(answer: Answer): unknown {
  return answer.text === '' ? null : (jsonOf(answer) ?? answer.text);
}

/**
 * What is wrong with a token for a service that accepts every token: with a space at its ends it would be another one,
 * and the session would stay open although the service reports success.
 */
export const spaceAround = (token: string): string | undefined =>
  token === token.trim() ? undefined : 'begins or ends with a space, which no token does.';

export const succeeded = ({ status }: Answer): boolean => status >= 200 && status < 300;

/** A success, which has no body, or JSON: an HTML page, for instance, comes from another program. */
export const confirmed = (answer: Answer): boolean =>
  succeeded(answer) && (answer.text === '' || jsonOf(answer) !== undefined);

/** A part of unchecked JSON. */
export function part(json: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[key] : undefined),
    json,
  );
}

export function partText(json: unknown, ...path: (string | number)[]): string | undefined {
  const found = part(json, ...path);
  if (Array.isArray(found)) return found.join('; ');
  return typeof found === 'string' && found !== '' ? found : undefined;
}
