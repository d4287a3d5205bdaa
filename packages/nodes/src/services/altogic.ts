import { jsonOf, jsonRequest } from '../connection.ts';
import { urlField, withHeaders } from '../credential.ts';
import { NodeFault } from '../fault.ts';
import { textOf } from '../parameter.ts';
import { bodyOf, confirmed, partText, refusal, type Service, succeeded } from './service.ts';

const label = 'Altogic';
const base = '/_api/rest/v1/auth';

export const altogic: Service = {
  name: 'altogic',
  label,
  help: 'Signs out a session by its token, or the session of the credential itself.',
  done: 'signed out',
  credentials: [
    {
      name: 'curfewAltogicApi',
      label: 'Altogic (Curfew) API',
      way: 'token',
      wayLabel: 'Session Token',
      fields: [
        urlField('https://c1-na.altogic.com/e:…', 'The base URL of the environment'),
        {
          name: 'clientKey',
          label: 'Client Key',
          help: 'The key of the client library',
          kind: 'text',
          required: true,
        },
        {
          name: 'sessionToken',
          label: 'Session Token',
          help: 'The session of the user who signs sessions out',
          kind: 'secret',
          required: true,
        },
        {
          name: 'apiKey',
          label: 'API Key',
          help: 'An API key of the application, if it requires one',
          kind: 'secret',
        },
      ],
      authorize: (fields, request) =>
        withHeaders(request, {
          'x-client-key': textOf(fields, 'clientKey'),
          session: textOf(fields, 'sessionToken'),
          authorization: textOf(fields, 'apiKey'),
        }),
      test: {
        method: 'GET',
        path: `${base}/user`,
        isOfService: (answer) => partText(jsonOf(answer), '_id') !== undefined,
      },
    },
  ],
  parameters: [
    {
      name: 'altogicBy',
      label: 'Session',
      help: 'Which session to sign out',
      kind: 'choice',
      required: true,
      fallback: 'token',
      choices: [
        { value: 'token', label: 'By Its Token' },
        { value: 'own', label: "The Credential's Own" },
      ],
    },
    {
      name: 'altogicSessionToken',
      label: 'Session Token',
      help: 'The token of the session to sign out',
      kind: 'secret',
      required: true,
      when: { altogicBy: ['token'] },
    },
  ],
  async logOut({ url, send }, values) {
    const token = textOf(values, 'altogicSessionToken');
    const answer = await send(jsonRequest('POST', `${url}${base}/signout`, token === undefined ? {} : { token }));
    const { code, text } = readError(jsonOf(answer));
    const isUnknown = answer.status === 404 || /not_found|invalid_session/.test(code ?? '');
    if (!succeeded(answer) && token !== undefined && text !== undefined && isUnknown) {
      throw new NodeFault('session_not_found', `${label}: ${text} The session of “Session Token” could not be found.`, {
        remedy: 'Check “Session Token”, and the session of the credential.',
        status: answer.status,
        response: bodyOf(answer),
      });
    }
    if (!confirmed(answer)) throw refusal(label, answer, readError, remedies);
    return { success: true, message: 'The session is signed out.', service: 'altogic', response: bodyOf(answer) };
  },
};

const remedies = { '401': 'Check the session token and the keys of the credential.' };

function readError(json: unknown): { code?: string | undefined; text?: string | undefined } {
  return { code: partText(json, 'errors', 0, 'code'), text: partText(json, 'errors', 0, 'message') };
}
