import { type Connection, jsonOf, jsonRequest } from '../connection.ts';
import { urlField, withHeaders } from '../credential.ts';
import { NodeFault } from '../fault.ts';
import { flagOf, requiredText, textOf } from '../parameter.ts';
import type { Answer } from '../transport.ts';
import { bodyOf, partText, refusal, type Service, succeeded } from './service.ts';

const label = 'Directus';

/** Three parts of base64url, of which the first is a JSON object. */
const isJwt = (text: string) => /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(text);

export const directus: Service = {
  name: 'directus',
  label,
  help: 'Logs out a session by its refresh token. Directus accepts any token, so the node first checks it by refreshing, and then logs out its successor.',
  done: 'logged out',
  credentials: [
    {
      name: 'curfewDirectusApi',
      label: 'Directus (Curfew) API',
      way: 'token',
      wayLabel: 'Static Token',
      fields: [
        urlField('http://127.0.0.1:8055', 'The URL of Directus'),
        {
          name: 'token',
          label: 'Static Token',
          help: 'The static token of a user. Logging out by a refresh token does not need one.',
          kind: 'secret',
        },
      ],
      authorize: (fields, request) => {
        const token = textOf(fields, 'token');
        return withHeaders(request, { authorization: token === undefined ? undefined : `Bearer ${token}` });
      },
      test: { method: 'GET', path: '/users/me', without: { field: 'token', path: '/server/ping' } },
    },
  ],
  parameters: [
    {
      name: 'directusRefreshToken',
      label: 'Refresh Token',
      help: 'The refresh token of the session',
      kind: 'secret',
      required: true,
      check: (text) =>
        isJwt(text) ? 'holds an access token: this is an access token; log out takes the refresh token.' : undefined,
    },
    {
      name: 'directusCheck',
      label: 'Check the Token First',
      help: 'Whether to refresh the token first, so that an invalid one is reported. Directus itself accepts every token.',
      kind: 'flag',
      fallback: true,
    },
  ],
  async logOut(connection, values) {
    const given = requiredText(values, 'directusRefreshToken');
    const token = flagOf(values, 'directusCheck') ? await refresh(connection, given) : given;
    const answer = await logOut(connection, token, token !== given);
    if (!succeeded(answer)) throw refusal(label, answer, readError, remedies);
    return { success: true, message: 'The session is logged out.', service: 'directus', response: bodyOf(answer) };
  },
};

/** The successor of a refresh token. A token that is refused here is invalid, even if a log-out would accept it. */
async function refresh({ url, send }: Connection, token: string): Promise<string> {
  const answer = await send(jsonRequest('POST', `${url}/auth/refresh`, { refresh_token: token, mode: 'json' }));
  const json = jsonOf(answer);
  const successor = partText(json, 'data', 'refresh_token');
  if (succeeded(answer) && successor !== undefined) return successor;
  const { code, text } = readError(json);
  if (code === 'INVALID_CREDENTIALS' || code === 'INVALID_TOKEN' || code === 'TOKEN_EXPIRED') {
    throw new NodeFault('invalid_refresh_token', `Invalid refresh token. ${label}: ${text}`, {
      remedy: 'It is unknown, was used before, or its session has ended: use the newest one.',
      status: answer.status,
      response: bodyOf(answer),
    });
  }
  throw refusal(label, answer, readError, remedies);
}

/** Nobody else knows a successor: if its log-out gets no answer, it is sent once more before the token is lost. */
async function logOut({ url, send }: Connection, token: string, isSuccessor: boolean): Promise<Answer> {
  const request = jsonRequest('POST', `${url}/auth/logout`, { refresh_token: token, mode: 'json' });
  if (!isSuccessor) return send(request);
  try {
    return await send(request);
  } catch {
    return send(request);
  }
}

const remedies = {
  INVALID_PAYLOAD: 'Check “Refresh Token”.',
  '401': 'Check the static token of the credential, or leave it empty.',
};

function readError(json: unknown): { code?: string | undefined; text?: string | undefined } {
  return { code: partText(json, 'errors', 0, 'extensions', 'code'), text: partText(json, 'errors', 0, 'message') };
}
