import { type Connection, jsonOf, jsonRequest } from '../connection.ts';
import { urlField, withHeaders } from '../credential.ts';
import { faultOf, NodeFault, originOf } from '../fault.ts';
import { flagOf, requiredText, textOf } from '../parameter.ts';
import { type Answer, wasNotSent } from '../transport.ts';
import { bodyOf, confirmed, partText, refusal, type Service, spaceAround, succeeded } from './service.ts';

const label = 'Directus';

/** Three parts of base64url, of which the first is a JSON object. */
const isJwt = (text: string) => /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(text);

/**
 * These two calls only need the token in their body. Directus checks a bearer before anything else, so a revoked static
 * token would be refused there, in the same words as an invalid refresh token.
 */
const takesOwnToken = (url: string) => /\/auth\/(refresh|logout)\/?$/.test(new URL(url).pathname);

export const directus: Service = {
  name: 'directus',
  label,
  help: 'Logs out a session by its refresh token. Directus accepts any token, so the node first checks it by refreshing, and then logs out its successor. In the modes json and cookie, an access token that Directus has given out stays valid until it expires.',
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
          help: 'The static token of a user. Logging out by a refresh token does not need one, and does not send it.',
          kind: 'secret',
        },
      ],
      authorize: (fields, request) => {
        const token = takesOwnToken(request.url) ? undefined : textOf(fields, 'token');
        return withHeaders(request, { authorization: token === undefined ? undefined : `Bearer ${token}` });
      },
      test: {
        method: 'GET',
        path: '/users/me',
        without: { field: 'token', path: '/server/ping' },
        isOfService: (answer) => answer.text === 'pong' || partText(jsonOf(answer), 'data', 'id') !== undefined,
      },
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
        isJwt(text)
          ? 'holds an access token: this is an access token; log out takes the refresh token.'
          : spaceAround(text),
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
    // An earlier attempt may have used up the token without logging out its successor, which a log-out would not tell.
    const successor = connection.kept.successorOf(given);
    const answer =
      successor !== undefined || flagOf(values, 'directusCheck')
        ? await logOutSuccessor(connection, given, successor ?? (await refresh(connection, given)))
        : await logOut(connection, given);
    if (!confirmed(answer)) throw refusal(label, answer, readError, remedies);
    return { success: true, message: 'The session is logged out.', service: 'directus', response: bodyOf(answer) };
  },
};

/** The successor of a refresh token. A token that is refused here is invalid, even if a log-out would accept it. */
async function refresh({ url, send, kept }: Connection, token: string): Promise<string> {
  const request = jsonRequest('POST', `${url}/auth/refresh`, { refresh_token: token, mode: 'json' });
  const answer = await send(request).catch(faultOf);
  if (answer instanceof NodeFault && (answer.status !== undefined || wasNotSent(answer))) throw answer;
  if (answer instanceof NodeFault || answer.status >= 500) {
    kept.keepSuccessor(token, kept.successorOf(token) ?? null);
    throw perhapsUsedUp(answer instanceof NodeFault ? answer : refusal(label, answer, readError, remedies));
  }
  const json = jsonOf(answer);
  const successor = partText(json, 'data', 'refresh_token');
  if (succeeded(answer) && successor !== undefined) {
    kept.keepSuccessor(token, successor);
    return successor;
  }
  const { code, text } = readError(json);
  if (code === 'INVALID_CREDENTIALS' || code === 'INVALID_TOKEN' || code === 'TOKEN_EXPIRED') {
    if (kept.successorOf(token) === null) throw probablyUsedUp(answer, text ?? code);
    throw new NodeFault('invalid_refresh_token', `Invalid refresh token. ${label}: ${text}`, {
      remedy: 'It is unknown, was used before, or its session has ended: use the newest one.',
      status: answer.status,
      response: bodyOf(answer),
    });
  }
  throw refusal(label, answer, readError, remedies);
}

/** The refresh may have taken place, although its answer was lost. */
function perhapsUsedUp(failure: NodeFault): NodeFault {
  const { code, message, origin, status, response } = failure;
  const doubt = `Directus may have used up the token all the same, and the session may still be open: try again with the same token. If it is refused then: ${lastResort}`;
  const remedy = `${failure.remedy} ${doubt}`.trim();
  return new NodeFault(code, message, { remedy, origin, status, response, cause: failure });
}

/** The token is refused after a refresh whose answer was lost. */
function probablyUsedUp(answer: Answer, text: string): NodeFault {
  return new NodeFault(
    'session_still_open',
    `Invalid refresh token. ${label}: ${text.replace(/\.?$/, '.')} An earlier check of the token had no answer: as far as is known, that check has used it up, and the session is still open.`,
    { remedy: lastResort, status: answer.status, response: bodyOf(answer) },
  );
}

function logOut({ url, send }: Connection, token: string): Promise<Answer> {
  return send(jsonRequest('POST', `${url}/auth/logout`, { refresh_token: token, mode: 'json' }));
}

const maxRepeats = 3;

/**
 * Nobody else knows a successor, and its predecessor is used up. So its log-out is repeated as long as that may help,
 * and the successor is kept until then for a retry of the node: without it, nobody could log the session out any more.
 */
async function logOutSuccessor(connection: Connection, used: string, successor: string): Promise<Answer> {
  for (let repeats = 0; ; repeats++) {
    const answer = await logOut(connection, successor).catch(faultOf);
    if (!(answer instanceof NodeFault) && confirmed(answer)) {
      connection.kept.forgetSuccessor(used);
      return answer;
    }
    const failure = answer instanceof NodeFault ? answer : refusal(label, answer, readError, remedies);
    if (repeats === maxRepeats || !mayPass(failure)) throw stillOpen(failure);
    await connection.sleep(pauseAfter(answer, connection.now()));
  }
}

/** No answer, or an error after which the same request can succeed. */
function mayPass({ code, status }: NodeFault): boolean {
  return status === undefined ? code !== 'canceled' : status >= 400 && originOf(status) === 'server';
}

/** The wait that the answer asks for, in milliseconds; if it is long, another attempt costs less than the token. */
function pauseAfter(answer: Answer | NodeFault, now: number): number {
  const asked = answer instanceof NodeFault ? undefined : answer.headers['retry-after'];
  if (asked === undefined) return 1000;
  const wait = /^\d+$/.test(asked) ? Number(asked) * 1000 : Date.parse(asked) - now;
  return Math.min(Math.max(wait || 0, 1000), 10_000);
}

function stillOpen(failure: NodeFault): NodeFault {
  const { message, origin, status, response } = failure;
  return new NodeFault(
    'session_still_open',
    `${message.replace(/\.?$/, '.')} As far as is known, the session is still open, and the check has used up the given token.`,
    {
      remedy: `Repeat this with the same token and credential: unless the program that runs this node was restarted, that logs out the session. Otherwise: ${lastResort}`,
      origin,
      status,
      response,
      cause: failure,
    },
  );
}

const lastResort =
  'Suspend the user in Directus, which ends all sessions of that user, or wait until the session expires.';

const remedies = {
  INVALID_PAYLOAD: 'Check “Refresh Token”.',
  USER_SUSPENDED:
    'Nothing is left to do: the session has ended. Directus removes the session of a suspended user at this check.',
};

function readError(json: unknown): { code?: string | undefined; text?: string | undefined } {
  return { code: partText(json, 'errors', 0, 'extensions', 'code'), text: partText(json, 'errors', 0, 'message') };
}
