import { type Client, createClient } from 'curfew-client';
import { type Connection, jsonOf, jsonRequest } from '../connection.ts';
import { type Credential, type CredentialTest, signInFields, urlField, withHeaders } from '../credential.ts';
import { faultOf, NodeFault } from '../fault.ts';
import { requiredText, textOf, type Values } from '../parameter.ts';
import { refreshToken, sessionToken } from '../session-parameters.ts';
import { totpCodes } from '../totp.ts';
import type { Send } from '../transport.ts';
import { partText, refusal, type Service } from './service.ts';

const url = urlField('http://127.0.0.1:2873', 'The URL of the Curfew server');
const test: CredentialTest = {
  method: 'GET',
  path: '/v1/me',
  isOfService: (answer) => /^(person|key)$/.test(partText(jsonOf(answer), 'kind') ?? ''),
};
const bearer = (token: string | undefined) => ({ authorization: token === undefined ? undefined : `Bearer ${token}` });

export const curfewApi: Credential = {
  name: 'curfewApi',
  label: 'Curfew API',
  way: 'token',
  wayLabel: 'API Key',
  fields: [
    url,
    {
      name: 'apiKey',
      label: 'API Key',
      help: 'A Curfew API key, which begins with cfk_. It needs the scopes that the operations require.',
      kind: 'secret',
      required: true,
    },
  ],
  authorize: (fields, request) => withHeaders(request, bearer(textOf(fields, 'apiKey'))),
  test,
};

export const curfewSignInApi: Credential = {
  name: 'curfewSignInApi',
  label: 'Curfew Sign-In API',
  way: 'signIn',
  wayLabel: 'Sign-In',
  fields: [url, ...signInFields],
  authorize: (fields, request) => withHeaders(request, bearer(textOf(fields, 'sessionToken'))),
  signIn: { gives: ['sessionToken'], open: signIn },
  test,
};

/** Signs in with each code that should be valid, or without a code if there is no secret. */
async function signIn(fields: Values, send: Send, now: number): Promise<Record<string, string>> {
  const secret = textOf(fields, 'totpSecret');
  const codes = secret === undefined ? [undefined] : totpCodes(secret, now);
  const { username, password } = fields;
  let refused: NodeFault | undefined;
  for (const totp of codes) {
    const request = jsonRequest('POST', `${requiredText(fields, 'url')}/v1/login`, { username, password, totp });
    const answer = await send(request);
    const token = partText(jsonOf(answer), 'token');
    if (token !== undefined) return { sessionToken: token };
    refused = refusal('Curfew', answer, readProblem);
    if (refused.code !== 'second_factor_invalid') break;
  }
  throw refused ?? new NodeFault('unexpected', 'Curfew: no sign-in was tried.');
}

function readProblem(json: unknown): { code?: string | undefined; text?: string | undefined } {
  const [title, detail, remedy] = ['title', 'detail', 'remedy'].map((name) => partText(json, name));
  if (title === undefined) return {};
  return { code: partText(json, 'code'), text: [`${title}.`, detail, remedy].filter(Boolean).join(' ') };
}

/** One client for each connection: it has a function for every operation. */
const clients = new WeakMap<Connection, Client>();

function clientOver(connection: Connection): Client {
  const known = clients.get(connection);
  if (known) return known;
  const { url, send } = connection;
  // The engine limits the time itself, and its error is more precise.
  const client = createClient({ url, fetch: fetchOver(send), timeout: Number.POSITIVE_INFINITY });
  clients.set(connection, client);
  return client;
}

/**
 * Calls Curfew through its client. If a person's call needs a second factor, it is repeated with a code from the
 * credential's secret, one call at a time: Curfew remembers the first code for the calls that follow.
 */
export async function callCurfew<Output>(
  connection: Connection,
  call: (client: Client, options: { code?: string }) => Promise<Output>,
): Promise<Output> {
  const { fields } = connection;
  const client = clientOver(connection);
  const secret = textOf(fields, 'totpSecret');
  const tried = await attempt(call, client, undefined);
  if ('output' in tried) return tried.output;
  if (secret === undefined || !takesCode(tried.fault)) throw tried.fault;
  return connection.kept.inTurn(async () => {
    let { fault } = tried;
    for (const code of [undefined, ...totpCodes(secret, connection.now())]) {
      const again = await attempt(call, client, code);
      if ('output' in again) return again.output;
      fault = again.fault;
      if (!takesCode(fault)) break;
    }
    throw fault;
  });
}

const takesCode = ({ code }: NodeFault) => /^second_factor_(required|invalid)$/.test(code);

async function attempt<Output>(
  call: Parameters<typeof callCurfew<Output>>[1],
  client: Client,
  code: string | undefined,
): Promise<{ output: Output } | { fault: NodeFault }> {
  try {
    return { output: await call(client, code === undefined ? {} : { code }) };
  } catch (error) {
    return { fault: faultOf(error) };
  }
}

/** The engine's `Send`, as the `fetch` that the client expects. */
function fetchOver(send: Send): typeof fetch {
  return async (input, init) => {
    const { status, headers, text } = await send({
      method: (init?.method ?? 'GET') as 'GET',
      url: String(input),
      headers: init?.headers as Record<string, string>,
      body: init?.body as string | undefined,
    });
    // Only what the client reads: a complete `Response`, with its streams, takes as long as the rest of a call.
    return {
      status,
      ok: status >= 200 && status < 300,
      type: 'default',
      headers: { get: (name: string) => headers[name] ?? null },
      text: async () => text,
    } as Response;
  };
}

export const curfew: Service = {
  name: 'curfew',
  label: 'Curfew',
  help: 'Ends a session by its name, its id, its session token or its refresh token. If it has already ended, the answer has the receipt of its first end.',
  done: 'ended',
  credentials: [curfewApi, curfewSignInApi],
  parameters: [
    {
      name: 'curfewBy',
      label: 'Session By',
      help: 'How the session is identified',
      kind: 'choice',
      required: true,
      fallback: 'id',
      choices: [
        { value: 'id', label: 'Session ID' },
        { value: 'name', label: 'Session Name' },
        { value: 'refreshToken', label: 'Refresh Token' },
        { value: 'token', label: 'Session Token' },
      ],
    },
    {
      name: 'curfewSessionId',
      label: 'Session ID',
      help: 'The ID of the session',
      kind: 'text',
      required: true,
      max: 64,
      when: { curfewBy: ['id'] },
    },
    {
      name: 'curfewSessionName',
      label: 'Session Name',
      help: 'The name of the session',
      kind: 'text',
      required: true,
      max: 100,
      when: { curfewBy: ['name'] },
    },
    { ...sessionToken, name: 'curfewSessionToken', when: { curfewBy: ['token'] } },
    { ...refreshToken, name: 'curfewRefreshToken', when: { curfewBy: ['refreshToken'] } },
  ],
  async logOut(connection, values) {
    const target = {
      id: textOf(values, 'curfewSessionId'),
      name: textOf(values, 'curfewSessionName'),
      token: textOf(values, 'curfewSessionToken'),
      refreshToken: textOf(values, 'curfewRefreshToken'),
    };
    const answer = await callCurfew(connection, (client, options) => client.logoutSession(target, options));
    const { message, session, receipt } = answer;
    return {
      success: true,
      message,
      service: 'curfew',
      sessionId: session.id,
      ...(session.name !== undefined && { session: session.name }),
      receipt,
      response: answer,
    };
  },
};
