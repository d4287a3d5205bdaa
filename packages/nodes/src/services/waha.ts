import { jsonOf, jsonRequest } from '../connection.ts';
import { urlField, withHeaders } from '../credential.ts';
import { NodeFault } from '../fault.ts';
import { requiredText, textOf } from '../parameter.ts';
import { bodyOf, partText, refusal, type Service, succeeded } from './service.ts';

const label = 'WAHA';

export const waha: Service = {
  name: 'waha',
  label,
  help: 'Logs out a WhatsApp session by its name; its configuration is kept.',
  done: 'logged out',
  credentials: [
    {
      name: 'curfewWahaApi',
      label: 'WAHA (Curfew) API',
      way: 'token',
      wayLabel: 'API Key',
      fields: [
        urlField('http://127.0.0.1:3000', 'The URL of WAHA'),
        {
          name: 'apiKey',
          label: 'API Key',
          help: 'The value for the header X-Api-Key',
          kind: 'secret',
          required: true,
        },
      ],
      authorize: (fields, request) => withHeaders(request, { 'x-api-key': textOf(fields, 'apiKey') }),
      test: { method: 'GET', path: '/api/sessions', isOfService: (answer) => Array.isArray(jsonOf(answer)) },
    },
  ],
  parameters: [
    {
      name: 'wahaSession',
      label: 'Session Name',
      help: 'The name of the session',
      kind: 'text',
      required: true,
      from: 'session',
      placeholder: 'default',
      // As the client refuses an id: however they are encoded, these change the path.
      check: (name) =>
        name === '.' || name === '..'
          ? `is ${JSON.stringify(name)}, which cannot be part of a request’s path.`
          : undefined,
    },
  ],
  async logOut({ url, send }, values) {
    const name = requiredText(values, 'wahaSession');
    const answer = await send(jsonRequest('POST', `${url}/api/sessions/${encodeURIComponent(name)}/logout`));
    const { text } = readError(jsonOf(answer));
    if (answer.status === 404 && text !== undefined && isUnknownSession.test(text)) {
      throw new NodeFault('session_not_found', `${label}: ${text}: ${JSON.stringify(name)} could not be found.`, {
        remedy: 'Check “Session Name”: it requires the name of a session of this WAHA.',
        status: 404,
        response: bodyOf(answer),
      });
    }
    if (!succeeded(answer) || jsonOf(answer) === undefined) throw refusal(label, answer, readError, remedies);
    return {
      success: true,
      message: `The session ${JSON.stringify(name)} is logged out.`,
      service: 'waha',
      session: name,
      response: bodyOf(answer),
    };
  },
};

/** Only these texts mean an unknown session: a WAHA without this call, or another path, is a 404 too. */
const isUnknownSession = /^(Session not found|We didn't find a session with name)/;

const remedies = {
  '401': 'Check the API key of the credential.',
  '403': 'Check the permissions of the API key.',
  '404': 'This WAHA has no such call: update it, or check the URL of the credential.',
};

function readError(json: unknown): { text?: string | undefined } {
  return { text: partText(json, 'message') ?? partText(json, 'exception', 'message') };
}
