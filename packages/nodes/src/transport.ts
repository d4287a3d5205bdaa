import { NodeFault } from './fault.ts';
import { optionLabel } from './request-options.ts';

/** A request that every engine can send. */
export type Request = {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
};

/** The answer, whatever its status. */
export type Answer = {
  readonly status: number;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};

/**
 * Sends a request with the engine's own means, under the request options of the node.
 * @throws `NodeFault` when there is no answer: `timeout`, `certificate_untrusted`, `unreachable`, and
 * `canceled` if the engine aborts requests
 */
export type Send = (request: Request) => Promise<Answer>;

const untrusted =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT.*)|CERT_.*|ERR_TLS_CERT_.*)$/;
const unconnected = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_\w+|UND_ERR_CONNECT_TIMEOUT)$/;
const late = /^(ETIMEDOUT|ECONNABORTED|ESOCKETTIMEDOUT|TIMEOUT|UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT)$/;

/**
 * Why there is no answer, from the code of the underlying error. `setting`: where the proxy is set, if there is one.
 */
export function transportFault(
  error: unknown,
  url: string,
  timeout: number,
  via: string | undefined,
  setting = `the option ${optionLabel('proxy')}`,
): NodeFault {
  const { code, message } = causeWithCode(error);
  const { origin, host } = new URL(url);
  const facts = { origin: 'server', cause: error } as const;
  if (untrusted.test(code)) {
    return new NodeFault('certificate_untrusted', `The certificate of ${host} is not trusted (${code}).`, {
      ...facts,
      remedy: `Let this machine trust its issuer (NODE_EXTRA_CA_CERTS), or, with care, turn on ${optionLabel('allowUnauthorizedCerts')}.`,
    });
  }
  if (code === 'ERR_CANCELED') {
    return new NodeFault('canceled', `The request to ${origin} was canceled, because the execution was stopped.`, {
      ...facts,
      remedy: 'Whether the service still did it is unknown.',
    });
  }
  if (late.test(code)) {
    return new NodeFault('timeout', `${origin} did not answer within ${timeout} ms.`, {
      ...facts,
      remedy: `Raise the option ${optionLabel('timeout')}, or find out why the service is slow.`,
    });
  }
  const way = via === undefined ? '' : ' through the proxy';
  return new NodeFault('unreachable', `${origin} cannot be reached${way}: ${code || message}.`, {
    ...facts,
    remedy: `Check the URL of the credential${via === undefined ? '' : `, ${setting}`}, and whether the service is running.`,
  });
}

/** Whether a request without an answer certainly did not reach the service, because there was no connection to it. */
export function wasNotSent({ cause }: NodeFault): boolean {
  const { code } = causeWithCode(cause);
  return unconnected.test(code) || untrusted.test(code);
}

/** Engines wrap errors; the innermost one with a code is the cause. n8n 1 keeps the code only as `httpCode`. */
function causeWithCode(error: unknown): { code: string; message: string } {
  let found: { code: string; message: string } | undefined;
  let at: unknown = error;
  for (let depth = 0; depth < 6 && typeof at === 'object' && at !== null; depth++) {
    const { message, cause, httpCode, code = httpCode } = at as Record<string, unknown>;
    if (typeof code === 'string' && code !== '') found = { code, message: String(message) };
    at = cause;
  }
  return found ?? { code: '', message: error instanceof Error ? error.message : String(error) };
}
