import { type Credential, ignoreTlsField, urlLabel } from './credential.ts';
import { NodeFault } from './fault.ts';
import { type Kept, sessionUrl } from './kept.ts';
import { type Parameter, textOf, type Values } from './parameter.ts';
import { readParameters } from './read.ts';
import { baseUrl } from './request-options.ts';
import type { Answer, Request, Send } from './transport.ts';

/** A service that a node calls: its URL, and a way to send it authorized requests. */
export type Connection = {
  readonly credential: Credential;
  /** Without a slash at its end. */
  readonly url: string;
  readonly fields: Values;
  readonly send: Send;
  readonly kept: Kept;
  readonly now: () => number;
  /** Waits that many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
};

/** Reads the fields of a credential, including the URL of its service. @throws `NodeFault` */
export function readCredential(credential: Credential, given: Readonly<Record<string, unknown>>): Values {
  const fields = readParameters([...credential.fields, ignoreTlsField], (field) => pasted(field, given[field.name]));
  const url = textOf(fields, 'url');
  const read = { ...fields, ...(url !== undefined && { url: baseUrl(url) }) };
  return { ...read, ...sessionBeside(credential, read, given) };
}

/** A person pastes the URL, a key or a token, often with spaces around it. */
const pasted = ({ verbatim }: Parameter, given: unknown) =>
  typeof given === 'string' && !verbatim ? given.trim() : given;

/**
 * The session of a sign-in is kept beside the fields that a person filled in. It is sent only to the URL at which it
 * was opened: if somebody changes the URL, the service there never sees it.
 */
function sessionBeside({ signIn }: Credential, read: Values, given: Readonly<Record<string, unknown>>): Values {
  if (!signIn || given[sessionUrl] !== read['url']) return {};
  const session = signIn.gives.map((name) => [name, given[name]] as const);
  return Object.fromEntries(session.filter(([, value]) => typeof value === 'string' && value !== ''));
}

/**
 * Sends requests under a credential, for an engine that cannot do so itself. A sign-in's session is kept, and a new one
 * is opened when the service refuses it. `sendSignIn`: for an engine that can abort requests; others may wait for the
 * same sign-in, so it must not end with the work that needed it first.
 */
export function authorizedSend(
  credential: Credential,
  fields: Values,
  send: Send,
  kept: Kept,
  now: () => number,
  sendSignIn: Send = send,
): Send {
  const { signIn, authorize } = credential;
  if (!signIn) return (request) => send(authorize(fields, request));
  const open = () => signIn.open(fields, sendSignIn, now());
  return async (request) => {
    const tokens = await kept.session(open);
    const answer = await send(authorize({ ...fields, ...tokens }, request));
    if (answer.status !== 401 || signIn.refusesSession?.(answer) === false) return answer;
    const renewed = await kept.sessionAfter(tokens, open);
    return send(authorize({ ...fields, ...renewed }, request));
  };
}

/**
 * A credential is sent only to the service at its URL, whichever node asks for the request. The address is a full URL:
 * otherwise the engine that sends the request would choose the server.
 * @throws `NodeFault` when a request goes elsewhere
 */
export function checkUrl({ label }: Credential, fields: Values, to: unknown): void {
  const url = textOf(fields, 'url') ?? '';
  if (typeof to === 'string' && URL.canParse(to)) {
    const [base, target] = [new URL(url), new URL(to)];
    const path = base.pathname.replace(/\/+$/, '');
    const isBelow = target.pathname === path || target.pathname.startsWith(`${path}/`);
    if (base.origin === target.origin && isBelow) return;
  }
  const where = typeof to === 'string' ? to : 'an address that is not text';
  throw new NodeFault('other_url', `${label} is for ${url} and is not sent to ${where}.`, {
    remedy: `Send it to a URL that begins with ${url}, or create a credential with the URL of the other server.`,
  });
}

/**
 * Follows no redirect: the server to which it leads would receive the secrets. The fault says which address answered
 * with one, and which URL the credential needs instead.
 */
export function refusingRedirects(url: string, send: Send): Send {
  return async (request) => {
    const answer = await send(request);
    const { status, headers } = answer;
    if (status < 300 || status > 399 || status === 304) return answer;
    const location = headers['location'] ?? '';
    const to = location !== '' && URL.canParse(location, request.url) ? new URL(location, request.url) : undefined;
    const path = request.url.slice(url.length);
    const field = `“${urlLabel}” of the credential`;
    throw new NodeFault(
      'redirected',
      `${shown(new URL(request.url))} answered with a redirect${to ? ` to ${shown(to)}` : ''}.`,
      {
        remedy: to?.href.endsWith(path)
          ? `If ${to.href.slice(0, to.href.length - path.length)} is the right server, set ${field} to it.`
          : `Set ${field} to the address at which the service itself answers.`,
        origin: 'server',
        status,
      },
    );
  };
}

/** An address without its query, which can hold secrets. */
const shown = ({ origin, pathname }: URL) => origin + pathname;

/** Sends the test request of a credential. @throws `NodeFault` when the service refuses it, or something else answers */
export async function testCredential(connection: Connection): Promise<void> {
  const { credential, url, fields, send } = connection;
  const { method, path, without, headers = {}, body, isOfService } = credential.test;
  const at = without !== undefined && fields[without.field] === undefined ? without.path : path;
  const answer = await send({ method, url: url + at, headers, body });
  const isSuccess = answer.status >= 200 && answer.status < 300;
  if (isSuccess && isOfService(answer)) return;
  if (isSuccess) {
    throw new NodeFault('unexpected_answer', `${credential.label}: ${url} answered, but not as this service does.`, {
      remedy: `Check “${urlLabel}”: is that the service itself, and not a proxy, a page or another program?`,
      status: answer.status,
      response: answer.text,
    });
  }
  throw new NodeFault('credential_refused', `${credential.label}: the service answered ${answer.status}.`, {
    remedy: 'Check the URL and every field of the credential.',
    status: answer.status,
    response: answer.text,
  });
}

/** The JSON of an answer; undefined if it is not JSON. */
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
