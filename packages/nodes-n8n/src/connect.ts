import {
  authorizedSend,
  type Connection,
  type Credential,
  NodeFault,
  type RequestOptions,
  readCredential,
  refusingRedirects,
} from 'curfew-nodes';
import { type ICredentialDataDecryptedObject, type IExecuteFunctions, sleep } from 'n8n-workflow';
import { keptFor } from './kept.ts';
import { type HttpRequest, sendWith } from './transport.ts';

/** Connects with a credential of the node, for the requests of one item. */
export type Connect = (credential: Credential, item: number) => Promise<Connection>;

/**
 * The connections of a node's run. An item whose credential has the same content as that of the previous one has the
 * same connection; an expression in the credential can make them different.
 */
export function connecting(context: IExecuteFunctions, options: RequestOptions): Connect {
  let last: { name: string; given: ICredentialDataDecryptedObject; connection: Connection } | undefined;
  return async (credential, item) => {
    const given = await credentialOf(context, credential, item);
    if (last?.name === credential.name && isSame(last.given, given)) return last.connection;
    const connection = connectionOf(context, credential, given, options);
    last = { name: credential.name, given, connection };
    return connection;
  };
}

function isSame(one: ICredentialDataDecryptedObject, other: ICredentialDataDecryptedObject): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

function connectionOf(
  context: IExecuteFunctions,
  credential: Credential,
  given: ICredentialDataDecryptedObject,
  options: RequestOptions,
): Connection {
  const fields = readCredential(credential, given);
  const url = String(fields['url']);
  const applied = { ...options, ignoreTls: options.ignoreTls || fields['ignoreSslIssues'] === true };
  const now = () => Date.now();
  const send = (request: HttpRequest) => refusingRedirects(url, sendWith(request, applied));
  return {
    credential,
    fields,
    url,
    send: credential.signIn
      ? authorizedSend(
          credential,
          fields,
          send(stoppable(context)),
          keptFor(credential, fields),
          now,
          send((request) => context.helpers.httpRequest(request)),
        )
      : send(authenticated(context, credential, given)),
    // Created only when needed: most calls keep nothing.
    get kept() {
      return keptFor(credential, fields);
    },
    now,
    sleep,
  };
}

/**
 * The fields of the node's credential. The first version of Log Out also uses credentials of n8n-nodes-log-out, which
 * may not be installed.
 */
async function credentialOf(
  context: IExecuteFunctions,
  { name, label }: Credential,
  item: number,
): Promise<ICredentialDataDecryptedObject> {
  try {
    return await context.getCredentials(name, item);
  } catch (error) {
    if (!/Unrecognized credential type/.test(String(error))) throw error;
    throw new NodeFault(
      'package_missing',
      `“${label}” is a credential of the package n8n-nodes-log-out, which is missing.`,
      {
        remedy: 'Install it beside this one, under Settings → Community nodes; the workflow needs no change.',
        cause: error,
      },
    );
  }
}

/**
 * n8n adds the credential to the request, and applies its own rules for it. It receives what was read for the item: it
 * would read the credential again, from its database and always for the first item.
 */
function authenticated(
  context: IExecuteFunctions,
  { name }: Credential,
  given: ICredentialDataDecryptedObject,
): HttpRequest {
  const credentialsDecrypted = { id: '', name, type: name, data: given };
  return (request) =>
    context.helpers.httpRequestWithAuthentication.call(context, name, request, { credentialsDecrypted });
}

/** A request that ends when somebody stops the execution; n8n itself does so only for those with authentication. */
function stoppable(context: IExecuteFunctions): HttpRequest {
  return (request) => {
    const abortSignal = context.getExecutionCancelSignal();
    return context.helpers.httpRequest({ ...request, ...(abortSignal && { abortSignal }) });
  };
}
