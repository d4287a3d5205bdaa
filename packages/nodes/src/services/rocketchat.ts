import { type Connection, jsonOf, jsonRequest } from '../connection.ts';
import { type Credential, type CredentialTest, signInFields, urlField, withHeaders } from '../credential.ts';
import { NodeFault } from '../fault.ts';
import { type Parameter, requiredText, textOf, type Values } from '../parameter.ts';
import { totpCodes } from '../totp.ts';
import type { Answer, Send } from '../transport.ts';
import { bodyOf, partText, refusal, type Service, succeeded } from './service.ts';

const label = 'Rocket.Chat';
const url = urlField('http://127.0.0.1:3000', 'The URL of Rocket.Chat');
const totpSecret = signInFields.find(({ name }) => name === 'totpSecret') as Parameter;
const test: CredentialTest = {
  method: 'GET',
  path: '/api/v1/me',
  isOfService: (answer) => partText(jsonOf(answer), '_id') !== undefined,
};
const authorize: Credential['authorize'] = (fields, request) =>
  withHeaders(request, { 'x-user-id': textOf(fields, 'userId'), 'x-auth-token': textOf(fields, 'authToken') });

export const rocketchat: Service = {
  name: 'rocketchat',
  label,
  help: 'Ends a session by its ID, as an administrator. This requires the permission logout-device-management and a second factor, which the node generates from the TOTP secret of the credential; Rocket.Chat itself also requires a licence for device management.',
  done: 'logged out',
  credentials: [
    {
      name: 'curfewRocketChatApi',
      label: 'Rocket.Chat (Curfew) API',
      way: 'token',
      wayLabel: 'User ID and Token',
      fields: [
        url,
        { name: 'userId', label: 'User ID', help: 'The value for the header X-User-Id', kind: 'text', required: true },
        {
          name: 'authToken',
          label: 'Auth Token',
          help: 'The value for the header X-Auth-Token: a personal access token, or the token of a sign-in',
          kind: 'secret',
          required: true,
        },
        totpSecret,
      ],
      authorize,
      test,
    },
    {
      name: 'curfewRocketChatSignInApi',
      label: 'Rocket.Chat Sign-In (Curfew) API',
      way: 'signIn',
      wayLabel: 'Sign-In',
      fields: [url, ...signInFields],
      authorize,
      signIn: { gives: ['authToken', 'userId'], open: signIn, refusesSession },
      test,
    },
  ],
  parameters: [
    { name: 'rocketchatSessionId', label: 'Session ID', help: 'The ID of the session', kind: 'text', required: true },
    {
      name: 'rocketchatCode',
      label: 'Two-Factor Code',
      help: 'A code of your authenticator, or a backup code. Leave it empty if the credential has the TOTP secret.',
      kind: 'text',
    },
  ],
  async logOut(connection, values) {
    const sessionId = requiredText(values, 'rocketchatSessionId');
    const request = jsonRequest('POST', `${connection.url}/api/v1/sessions/logout`, { sessionId });
    const answer = await sendConfirmed(connection, request, textOf(values, 'rocketchatCode'));
    const { text } = readError(jsonOf(answer));
    // Only this text means an unknown session: an unknown path is a 404 too.
    if (answer.status === 404 && text === 'Session not found') {
      throw new NodeFault('session_not_found', `${label}: ${text}: ${JSON.stringify(sessionId)} could not be found.`, {
        remedy: 'Check “Session ID”.',
        status: 404,
        response: bodyOf(answer),
      });
    }
    if (!succeeded(answer) || partText(jsonOf(answer), 'sessionId') === undefined) {
      throw refusal(label, answer, readError, { ...remedies, ...withoutLicence });
    }
    return {
      success: true,
      message: `The session ${sessionId} is logged out.`,
      service: 'rocketchat',
      sessionId,
      response: bodyOf(answer),
    };
  },
};

/**
 * Sends a request with the given code, or without one; if it needs a code, then with those of the secret, one request
 * at a time: Rocket.Chat remembers the first code for the requests that follow.
 */
async function sendConfirmed(
  { send, fields, kept, now }: Connection,
  request: Parameters<Send>[0],
  code: string | undefined,
): Promise<Answer> {
  const secret = textOf(fields, 'totpSecret');
  const answer = await sendWithCodes(send, request, [code]);
  if (code !== undefined || secret === undefined || !takesCode(answer)) return answer;
  return kept.inTurn(() => sendWithCodes(send, request, [undefined, ...totpCodes(secret, now())]));
}

/** A 401 with another text, such as that for a missing licence, is the same after another sign-in. */
function refusesSession(answer: Answer): boolean {
  return readError(jsonOf(answer)).text === 'You must be logged in to do this.';
}

const takesCode = (answer: Answer) => /^totp-(required|invalid)$/.test(readError(jsonOf(answer)).code ?? '');

/** Sends a request until no second factor is required any more, or there is no further code. */
async function sendWithCodes(send: Send, request: Parameters<Send>[0], codes: (string | undefined)[]): Promise<Answer> {
  let answer: Answer | undefined;
  for (const code of codes) {
    answer = await send(withHeaders(request, { 'x-2fa-code': code, 'x-2fa-method': code && 'totp' }));
    if (!takesCode(answer)) return answer;
  }
  if (answer === undefined) throw new TypeError('no code, not even none');
  return answer;
}

async function signIn(fields: Values, send: Send, now: number): Promise<Record<string, string>> {
  const secret = textOf(fields, 'totpSecret');
  const codes = secret === undefined ? [undefined] : totpCodes(secret, now);
  const request = jsonRequest('POST', `${requiredText(fields, 'url')}/api/v1/login`, {
    user: fields['username'],
    password: fields['password'],
  });
  const answer = await sendWithCodes(send, request, codes);
  const json = jsonOf(answer);
  const [userId, authToken] = [partText(json, 'data', 'userId'), partText(json, 'data', 'authToken')];
  if (userId !== undefined && authToken !== undefined) return { userId, authToken };
  throw refusal(label, answer, readError, {
    ...remedies,
    '401': 'Check the user name and the password of the credential.',
  });
}

const licence =
  'This Rocket.Chat has no licence with the module device-management, which logging out a device requires. Add one, or end the session in another way.';

/** Rocket.Chat's versions refuse a call without a licence in these three ways. */
const withoutLicence = { unauthorized: licence, forbidden: licence, 'error-action-not-allowed': licence };

const remedies = {
  'totp-required': 'Put the TOTP secret into the credential, or a code into “Two-Factor Code”.',
  'totp-invalid': 'Check the TOTP secret of the credential, and the clock of this machine.',
  'totp-max-attempts': 'Wait five minutes.',
  '401': 'Check the user ID and the token of the credential.',
  '403': 'The user of the credential needs the permission logout-device-management.',
  '404': 'This Rocket.Chat has no such call: update it, or check the URL of the credential.',
};

function readError(json: unknown): { code?: string | undefined; text?: string | undefined } {
  const [code, error, message] = [partText(json, 'errorType'), partText(json, 'error'), partText(json, 'message')];
  // The login has no `errorType`: it puts the code of a refused second factor into `error`, and its text elsewhere.
  if (code === undefined && error?.startsWith('totp-')) return { code: error, text: message ?? error };
  const text = error ?? message;
  // Alone, these two words are its refusal without a licence; a refused token or a missing permission has a sentence.
  return { code: code ?? (text === 'unauthorized' || text === 'forbidden' ? text : undefined), text };
}
