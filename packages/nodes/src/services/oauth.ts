import { urlField, withHeaders } from '../credential.ts';
import { type Parameter, requiredText, textOf, type Values } from '../parameter.ts';
import type { Request } from '../transport.ts';
import { bodyOf, partText, refusal, type Service, spaceAround, succeeded } from './service.ts';

const label = 'OAuth Server';

const clientFields: readonly Parameter[] = [
  {
    name: 'clientId',
    label: 'Client ID',
    help: 'The ID of the client to which the token was issued',
    kind: 'text',
    required: true,
  },
  {
    name: 'clientAuthentication',
    label: 'Client Authentication',
    help: 'How the client authenticates',
    kind: 'choice',
    fallback: 'basic',
    choices: [
      { value: 'basic', label: 'Basic Header', help: 'In the header Authorization (client_secret_basic)' },
      { value: 'body', label: 'In the Body', help: 'In the body (client_secret_post)' },
      { value: 'none', label: 'None', help: 'A public client has no secret' },
    ],
  },
  {
    name: 'clientSecret',
    label: 'Client Secret',
    help: 'The secret of the client',
    kind: 'secret',
    required: true,
    verbatim: true,
    when: { clientAuthentication: ['basic', 'body'] },
  },
];

/** RFC 6749 §2.3.1: both parts are form-encoded before they go into the header. */
const encoded = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);

function authorize(fields: Values, request: Request): Request {
  const id = requiredText(fields, 'clientId');
  const secret = textOf(fields, 'clientSecret') ?? '';
  if (fields['clientAuthentication'] === 'basic') {
    return withHeaders(request, { authorization: `Basic ${btoa(`${encoded(id)}:${encoded(secret)}`)}` });
  }
  const body = new URLSearchParams(request.body);
  body.set('client_id', id);
  if (fields['clientAuthentication'] === 'body') body.set('client_secret', secret);
  return { ...request, body: body.toString() };
}

const form = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };

/** RFC 7009. */
export const oauth: Service = {
  name: 'oauth',
  label,
  help: 'Revokes a token at the revocation endpoint (RFC 7009). The server also accepts an invalid token: then there was nothing to revoke.',
  done: 'revoked',
  credentials: [
    {
      name: 'curfewRevocationApi',
      label: 'OAuth Revocation (Curfew) API',
      way: 'token',
      wayLabel: 'Client',
      fields: [
        urlField('https://auth.example.com/oauth/revoke', 'The revocation endpoint of the server'),
        ...clientFields,
      ],
      authorize,
      test: {
        method: 'POST',
        path: '',
        headers: form,
        body: 'token=connection-test',
        isOfService: ({ headers }) => !isPage(headers['content-type']),
      },
    },
  ],
  parameters: [
    {
      name: 'oauthToken',
      label: 'Token',
      help: 'The access token or the refresh token',
      kind: 'secret',
      required: true,
      check: spaceAround,
    },
    {
      name: 'oauthHint',
      label: 'Token Type',
      help: 'The kind of token, which helps the server to find it',
      kind: 'choice',
      fallback: 'unknown',
      choices: [
        { value: 'access_token', label: 'Access Token' },
        { value: 'refresh_token', label: 'Refresh Token' },
        { value: 'unknown', label: 'Unknown' },
      ],
    },
  ],
  async logOut({ url, send }, values) {
    const body = new URLSearchParams({ token: requiredText(values, 'oauthToken') });
    const type = textOf(values, 'oauthHint');
    if (type !== undefined && type !== 'unknown') body.set('token_type_hint', type);
    const answer = await send({ method: 'POST', url, headers: form, body: body.toString() });
    if (!succeeded(answer) || isPage(answer.headers['content-type'])) throw refusal(label, answer, readError, remedies);
    return {
      success: true,
      message: 'The token is revoked, or was no longer valid.',
      service: 'oauth',
      response: bodyOf(answer),
    };
  },
};

/** An HTML page does not come from a revocation endpoint, whatever its status. */
const isPage = (type: string | undefined) => /^text\/html/.test(type ?? '');

const remedies = {
  invalid_client: 'Check the client ID, the secret and the client authentication of the credential.',
  unsupported_token_type: 'Revoke the other token of the session: this server does not revoke this kind.',
};

function readError(json: unknown): { code?: string | undefined; text?: string | undefined } {
  const code = partText(json, 'error');
  return { code, text: partText(json, 'error_description') ?? code };
}
