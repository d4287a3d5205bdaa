import { type Credential, ignoreTlsField } from './credential.ts';
import { NodeFault } from './fault.ts';
import { textOf, type Values } from './parameter.ts';
import { readParameters } from './read.ts';
import { baseUrl } from './request-options.ts';
import type { Answer, Request, Send } from './transport.ts';

/** A service that a node talks to: where it is, and requests to it that say who asks. */
export type Connection = {
  readonly credential: Credential;
  /** Without a slash at its end. */
  readonly url: string;
  readonly fields: Values;
  readonly send: Send;
  readonly now: () => number;
  /** Milliseconds. */
  readonly timeout: number;
};

/** Reads the fields of a credential, and where its service is. @throws `NodeFault` */
export function readCredential(credential: Credential, given: Readonly<Record<string, unknown>>): Values {
  const fields = readParameters([...credential.fields, ignoreTlsField], ({ name }) => given[name]);
  const url = textOf(fields, 'url');
  // What a sign-in has filled is kept beside what a person did.
  const session = (credential.signIn?.gives ?? []).map((name) => [name, given[name]] as const);
  return {
    ...fields,
    ...Object.fromEntries(session.filter(([, value]) => typeof value === 'string' && value !== '')),
    ...(url !== undefined && { url: baseUrl(url) }),
  };
}

/**
 * Sends requests under a credential, for an engine that has nothing of the kind. A sign-in's session is kept in
 * `session` and opened anew when the service refuses it.
 */
export function authorizedSend(
  credential: Credential,
  fields: Values,
  send: Send,
  session: { tokens?: Record<string, string> | undefined },
  now: () => number,
): Send {
  const { signIn, authorize } = credential;
  if (!signIn) return (request) => send(authorize(fields, request));
  const open = async () => {
    session.tokens = await signIn.open(fields, send, now());
    return session.tokens;
  };
  return async (request) => {
    const tokens = session.tokens ?? (await open());
    const answer = await send(authorize({ ...fields, ...tokens }, request));
    if (answer.status !== 401) return answer;
    // Somebody else may have signed in anew meanwhile.
    const renewed = session.tokens !== undefined && session.tokens !== tokens ? session.tokens : await open();
    return send(authorize({ ...fields, ...renewed }, request));
  };
}

/** Sends the request by which a credential is tried. @throws `NodeFault` when it is not good */
export async function testCredential(connection: Connection): Promise<void> {
  const { credential, url, fields, send } = connection;
  const { method, path, without, headers = {}, body } = credential.test;
  const at = without !== undefined && fields[without.field] === undefined ? without.path : path;
  const answer = await send({ method, url: url + at, headers, body });
  if (answer.status >= 200 && answer.status < 300) return;
  throw new NodeFault('credential_refused', `${credential.label}: the service answered ${answer.status}.`, {
    remedy: 'Check the URL and every field of the credential.',
    status: answer.status,
    response: answer.text,
  });
}

/** The JSON of an answer; undefined when it is none. */
export function jsonOf(answer: Answer): unknown {
  try {
    return answer.text === '' ? undefined : JSON.parse(answer.text);
  } catch {
    return undefined;
  }
}

export function jsonRequest(method: Request['method'], url: string, body?: object): Request {
  return {
    method,
    url,
    headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  };
}
