import { type Credential, readCredential, requestOptionsOf, services } from 'curfew-nodes';
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

/** What n8n calls to put a credential onto a request. */
export function authenticateWith(name: string): IAuthenticate {
  const credential = credentialNamed(name);
  return async (given: ICredentialDataDecryptedObject, options: IHttpRequestOptions) => {
    const { headers, body } = credential.authorize(readCredential(credential, given), {
      method: 'GET',
      url: options.url,
      headers: (options.headers ?? {}) as Record<string, string>,
      body: options.body as string | undefined,
    });
    const skip = options.skipSslCertificateValidation === true || given['ignoreSslIssues'] === true;
    return { ...options, headers: { ...headers }, body, skipSslCertificateValidation: skip };
  };
}

/** What n8n calls when a sign-in has no session yet, or when its session was refused. */
export async function signInWith(
  name: string,
  { helpers }: IHttpRequestHelper,
  given: ICredentialDataDecryptedObject,
): Promise<IDataObject> {
  const credential = credentialNamed(name);
  const ignoreTls = given['ignoreSslIssues'] === true;
  const send = sendWith((options) => helpers.httpRequest(options), { ...requestOptionsOf({}), ignoreTls });
  const tokens = await credential.signIn?.open(readCredential(credential, given), send, Date.now());
  return { ...tokens };
}
