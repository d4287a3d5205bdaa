import type { Parameter, Values } from './parameter.ts';
import type { Answer, Request, Send } from './transport.ts';

/** How a node authenticates to a service. */
export type Credential = {
  /** As workflows save it. */
  readonly name: string;
  readonly label: string;
  /** Distinguishes the credentials of one service. */
  readonly way: 'token' | 'signIn';
  readonly wayLabel: string;
  readonly fields: readonly Parameter[];
  /** Adds the authentication to a request. */
  readonly authorize: (fields: Values, request: Request) => Request;
  readonly signIn?: SignIn;
  /** A request that succeeds only with a valid credential, and changes nothing. */
  readonly test: CredentialTest;
};

/** Opens a session with a user name and a password; it is used until the service refuses it. */
export type SignIn = {
  /** The fields that a sign-in fills. The first is empty while there is no session. */
  readonly gives: readonly [string, ...string[]];
  readonly open: (fields: Values, send: Send, now: number) => Promise<Record<string, string>>;
  /** Whether an answer 401 refuses the session, so that a new one may help. If this is absent, each 401 does. */
  readonly refusesSession?: (answer: Answer) => boolean;
};

export type CredentialTest = {
  readonly method: Request['method'];
  /** The path after the URL of the credential. */
  readonly path: string;
  /** The path to use instead while an optional field is empty. */
  readonly without?: { readonly field: string; readonly path: string };
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether a success is an answer of the service itself, and not of a proxy, a page or another program. */
  readonly isOfService: (answer: Answer) => boolean;
};

/** The label of the field with the URL of the service, for use in a message as well. */
export const urlLabel = 'URL';

export const urlField = (placeholder: string, help: string): Parameter => ({
  name: 'url',
  label: urlLabel,
  help,
  kind: 'text',
  required: true,
  placeholder,
});

export const signInFields: readonly Parameter[] = [
  { name: 'username', label: 'User Name', help: 'The name of the account', kind: 'text', required: true },
  {
    name: 'password',
    label: 'Password',
    help: 'The password of the account',
    kind: 'secret',
    required: true,
    verbatim: true,
  },
  {
    name: 'totpSecret',
    label: 'TOTP Secret',
    help: 'The secret of the authenticator, in base 32. The node generates the codes of the second factor from it.',
    kind: 'secret',
  },
];

/** Every credential can accept an untrusted certificate, so that a sign-in and a test work as well. */
export const ignoreTlsField: Parameter = {
  name: 'ignoreSslIssues',
  label: 'Ignore SSL Issues (Insecure)',
  help: 'Whether to connect even if SSL certificate validation is not possible',
  kind: 'flag',
  fallback: false,
};

export function withHeaders(request: Request, headers: Readonly<Record<string, string | undefined>>): Request {
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...request, headers: { ...request.headers, ...Object.fromEntries(given) } };
}
