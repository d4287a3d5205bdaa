import { type Credential, ignoreTlsField } from './credential.ts';
import { NodeFault } from './fault.ts';
import { type Kept, sessionUrl } from './kept.ts';
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
  readonly kept: Kept;
  readonly now: () => number;
  /** Milliseconds. */
  readonly timeout: number;
};

/** Reads the fields of a credential, and where its service is. @throws `NodeFault` */
export function readCredential(credential: Credential, given: Readonly<Record<string, unknown>>): Values {
  const fields = readParameters([...credential.fields, ignoreTlsField], ({ name }) => given[name]);
  const url = textOf(fields, 'url');
  const read = { ...fields, ...(url !== undefined && { url: baseUrl(url) }) };
  return { ...read, ...sessionBeside(credential, read, given) };
}

/**
 * What a sign-in has filled is kept beside what a person did. It goes to the URL that it was opened at, and to no other:
 * when somebody changes the URL, the service there learns nothing of it.
 */
function sessionBeside({ signIn }: Credential, read: Values, given: Readonly<Record<string, unknown>>): Values {
  if (!signIn || given[sessionUrl] !== read['url']) return {};
  const session = signIn.gives.map((name) => [name, given[name]] as const);
  return Object.fromEntries(session.filter(([, value]) => typeof value === 'string' && value !== ''));
}

/**
 * Sends requests under a credential, for an engine that has nothing of the kind. A sign-in's session is kept, and opened
 * anew when the service refuses it.
 */
export function authorizedSend(
  credential: Credential,
  fields: Values,
  send: Send,
  kept: Kept,
  now: () => number,
): Send {
  const { signIn, authorize } = credential;
  if (!signIn) return (request) => send(authorize(fields, request));
  const open = () => signIn.open(fields, send, now());
  return async (request) => {
    const tokens = await kept.session(open);
    const answer = await send(authorize({ ...fields, ...tokens }, request));
    if (answer.status !== 401) return answer;
    const renewed = await kept.sessionAfter(tokens, open);
    return send(authorize({ ...fields, ...renewed }, request));
  };
}

/**
 * A credential is for the service at its URL, and goes nowhere else, whoever asks for a request with it.
 * @throws `NodeFault` when a request goes elsewhere
 */
export function checkUrl({ label }: Credential, fields: Values, to: string): void {
  const url = textOf(fields, 'url') ?? '';
  if (URL.canParse(to, url)) {
    const [base, target] = [new URL(url), new URL(to, url)];
    const path = base.pathname.replace(/\/+$/, '');
    const isBelow = target.pathname === path || target.pathname.startsWith(`${path}/`);
    if (base.origin === target.origin && isBelow) return;
  }
  throw new NodeFault('other_url', `${label} is for ${url}, and is not sent to ${to}.`, {
    remedy: 'Make a credential with the URL of the other server.',
  });
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
