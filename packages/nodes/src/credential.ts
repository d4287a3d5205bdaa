import type { Parameter, Values } from './parameter.ts';
import type { Request, Send } from './transport.ts';

/** How a node proves to a service who it is. */
export type Credential = {
  /** As workflows save it. */
  readonly name: string;
  readonly label: string;
  /** What tells the ways of one service apart. */
  readonly way: 'token' | 'signIn';
  readonly wayLabel: string;
  readonly fields: readonly Parameter[];
  /** The request with what proves it. */
  readonly authorize: (fields: Values, request: Request) => Request;
  readonly signIn?: SignIn;
  /** A request that succeeds only with a good credential, and changes nothing. */
  readonly test: CredentialTest;
};

/** Gets a session for a user name and a password; it is used until the service refuses it. */
export type SignIn = {
  /** The fields that a sign-in fills. The first is empty as long as there is no session. */
  readonly gives: readonly [string, ...string[]];
  readonly open: (fields: Values, send: Send, now: number) => Promise<Record<string, string>>;
};

export type CredentialTest = {
  readonly method: Request['method'];
  /** After the URL of the credential. */
  readonly path: string;
  /** Where to ask instead while an optional field is empty. */
  readonly without?: { readonly field: string; readonly path: string };
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

export const urlField = (placeholder: string, help: string): Parameter => ({
  name: 'url',
  label: 'URL',
  help,
  kind: 'text',
  required: true,
  placeholder,
});

export const signInFields: readonly Parameter[] = [
  { name: 'username', label: 'User Name', help: 'The name of the account', kind: 'text', required: true },
  { name: 'password', label: 'Password', help: 'The password of the account', kind: 'secret', required: true },
  {
    name: 'totpSecret',
    label: 'TOTP Secret',
    help: 'The secret of the authenticator, in base 32. The node makes the codes of the second factor from it.',
    kind: 'secret',
  },
];

/** Every credential can let an untrusted certificate pass, so that a sign-in and a test get through as well. */
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
