import {
  type Credential,
  checkUrl,
  keptBeside,
  readCredential,
  refusingRedirects,
  requestOptionsOf,
  services,
} from 'curfew-nodes';
import type {
  IAuthenticate,
  ICredentialDataDecryptedObject,
  IDataObject,
  IHttpRequestHelper,
  IHttpRequestOptions,
} from 'n8n-workflow';
import { sendWith } from './transport.ts';

export function credentialNamed(name: string): Credential {
  const found = services.flatMap(({ credentials }) => credentials).find((credential) => credential.name === name);
  if (!found) throw new TypeError(`no credential is named ${name}`);
  return found;
}

/**
 * A request of either kind that n8n authenticates: of its helper `httpRequest`, or of its older helper `request`, which
 * its node HTTP Request uses for every credential. Both accept an address as text or as a `URL`.
 */
type Options = Omit<IHttpRequestOptions, 'url' | 'baseURL'> & {
  url?: unknown;
  uri?: unknown;
  baseURL?: unknown;
  /** The fields of a form, in place of a body. */
  form?: unknown;
};

/** The function that n8n calls to add a credential to a request. */
export function authenticateWith(name: string): IAuthenticate {
  const credential = credentialNamed(name);
  return async (given: ICredentialDataDecryptedObject, options: Options) => {
    const fields = readCredential(credential, given);
    const urls = urlsOf(options);
    for (const url of urls) checkUrl(credential, fields, url);
    const unsigned = (options.form ?? options.body) as string | undefined;
    const { headers, body } = credential.authorize(fields, {
      method: 'GET',
      url: String(urls[0]),
      headers: (options.headers ?? {}) as Record<string, string>,
      body: unsigned,
    });
    const skip = options.skipSslCertificateValidation === true || given['ignoreSslIssues'] === true;
    return {
      ...(options as IHttpRequestOptions),
      headers: { ...headers },
      ...(body !== unsigned && asForm(headers, body)),
      ...withoutRedirects,
      skipSslCertificateValidation: skip,
    };
  };
}

/** Like all requests of the nodes, in the words of both kinds: the other server would receive the secret. */
const withoutRedirects = { disableFollowRedirect: true, followRedirect: false, followAllRedirects: false };

/** The body of a client that authenticates in it, which is a form. */
const asForm = (headers: Readonly<Record<string, string>>, body: string | undefined) => ({
  headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
  body,
  form: undefined,
});

/** The full URLs of a request. If it has two, it depends on the version of n8n which one is used. */
function urlsOf({ baseURL, url, uri }: Options): unknown[] {
  const given = [url, uri].filter((one) => one !== undefined && one !== null);
  return (given.length === 0 ? [undefined] : given).map((one) => joined(textOf(baseURL), textOf(one)));
}

const textOf = (url: unknown) => (url instanceof URL ? url.href : url);

/** Joins both parts as n8n's HTTP library does, to which `//other.example` is a full URL. */
function joined(base: unknown, url: unknown): unknown {
  const isFull = typeof url !== 'string' || /^([a-z][a-z\d+.-]*:)?\/\//i.test(url);
  if (isFull || base === undefined || base === '') return url;
  return typeof base === 'string' ? `${base.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}` : base;
}
/** The function that n8n calls when a sign-in has no session yet, or its session was refused. */
export async function signInWith(
  name: string,
  { helpers }: IHttpRequestHelper,
  given: ICredentialDataDecryptedObject,
): Promise<IDataObject> {
  const credential = credentialNamed(name);
  const ignoreTls = given['ignoreSslIssues'] === true;
  const fields = readCredential(credential, given);
  const send = refusingRedirects(
    String(fields['url']),
    sendWith((options) => helpers.httpRequest(options), { ...requestOptionsOf({}), ignoreTls }),
  );
  const tokens = await credential.signIn?.open(fields, send, Date.now());
  return { ...keptBeside(fields, tokens ?? {}) };
}
