import { type Connection, type Credential, type RequestOptions, readCredential } from 'curfew-nodes';
import type { IExecuteFunctions } from 'n8n-workflow';
import { sendWith } from './transport.ts';

/** A connection under a credential of the node, for the requests of one item. */
export async function connect(
  context: IExecuteFunctions,
  credential: Credential,
  options: RequestOptions,
  item: number,
): Promise<Connection> {
  const given = await context.getCredentials(credential.name, item);
  const fields = readCredential(credential, given);
  const ignoreTls = options.ignoreTls || fields['ignoreSslIssues'] === true;
  return {
    credential,
    fields,
    url: String(fields['url']),
    send: authenticatedSend(context, credential, { ...options, ignoreTls }),
    now: () => Date.now(),
    timeout: options.timeout,
  };
}

function authenticatedSend(
  context: IExecuteFunctions,
  { name }: Credential,
  options: RequestOptions,
): Connection['send'] {
  return sendWith((request) => context.helpers.httpRequestWithAuthentication.call(context, name, request), options);
}
