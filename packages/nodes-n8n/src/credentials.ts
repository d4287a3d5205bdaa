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

/** The function that n8n calls to add a credential to a request. */
export function authenticateWith(name: string): IAuthenticate {
  const credential = credentialNamed(name);
  return async (given: ICredentialDataDecryptedObject, options: IHttpRequestOptions) => {
    const fields = readCredential(credential, given);
    checkUrl(credential, fields, urlOf(options));
    const { headers, body } = credential.authorize(fields, {
      method: 'GET',
      url: options.url,
      headers: (options.headers ?? {}) as Record<string, string>,
      body: options.body as string | undefined,
    });
    const skip = options.skipSslCertificateValidation === true || given['ignoreSslIssues'] === true;
    return { ...options, headers: { ...headers }, body, skipSslCertificateValidation: skip };
  };
}

/** The full URL of a request: n8n joins the two parts when it sends it. */
function urlOf({ baseURL, url }: IHttpRequestOptions): string {
  return baseURL && !URL.canParse(url) ? `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}` : url;
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
