import {
  authorizedSend,
  type Connection,
  type Credential,
  faultOf,
  readCredential,
  refusingRedirects,
  requestOptionsOf,
  type Service,
  testCredential,
} from 'curfew-nodes';
import {
  type ICredentialDataDecryptedObject,
  type ICredentialsDecrypted,
  type ICredentialTestFunction,
  type ICredentialTestFunctions,
  type INodeCredentialTestResult,
  sleep,
} from 'n8n-workflow';
import { keptFor } from './kept.ts';
import { type HttpRequest, sendWith } from './transport.ts';

/**
 * The functions with which n8n tests the credentials of these services, by the names of the credentials. n8n's own form
 * of a test, a request, succeeds with every answer that has a status of success.
 */
export function credentialTests(services: readonly Service[]): Record<string, ICredentialTestFunction> {
  const credentials = services.flatMap((service) => service.credentials);
  return Object.fromEntries(credentials.map((credential) => [credential.name, testOf(credential)]));
}

function testOf(credential: Credential): ICredentialTestFunction {
  return async function (
    this: ICredentialTestFunctions,
    { data = {} }: ICredentialsDecrypted,
  ): Promise<INodeCredentialTestResult> {
    try {
      await testCredential(connectionOf(this, credential, data));
      return { status: 'OK', message: 'The service answers and accepts the credential.' };
    } catch (error) {
      return { status: 'Error', message: faultOf(error).whole };
    }
  };
}

function connectionOf(
  { helpers }: ICredentialTestFunctions,
  credential: Credential,
  given: ICredentialDataDecryptedObject,
): Connection {
  const fields = readCredential(credential, given);
  const url = String(fields['url']);
  const kept = keptFor(credential, fields);
  const now = () => Date.now();
  const options = { ...requestOptionsOf({}), ignoreTls: fields['ignoreSslIssues'] === true };
  const send = refusingRedirects(url, sendWith(olderRequest(helpers), options));
  return { credential, fields, url, send: authorizedSend(credential, fields, send, kept, now), kept, now, sleep };
}

/** The only way to send a request that n8n offers to such a function: that of its older helper. */
function olderRequest({ request }: ICredentialTestFunctions['helpers']): HttpRequest {
  return ({ url, skipSslCertificateValidation, ...options }) =>
    request({
      method: options.method,
      uri: url,
      headers: options.headers,
      body: options.body,
      timeout: options.timeout,
      rejectUnauthorized: skipSslCertificateValidation !== true,
      followRedirect: false,
      followAllRedirects: false,
      simple: false,
      resolveWithFullResponse: true,
    });
}
