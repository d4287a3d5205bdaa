import { createHash } from 'node:crypto';
import {
  authorizedSend,
  type Connection,
  type Credential,
  Kept,
  NodeFault,
  type RequestOptions,
  readCredential,
  type Values,
} from 'curfew-nodes';
import type { ICredentialDataDecryptedObject, IExecuteFunctions } from 'n8n-workflow';
import { sendWith } from './transport.ts';

/** A connection under a credential of the node, for the requests of one item. */
export async function connect(
  context: IExecuteFunctions,
  credential: Credential,
  options: RequestOptions,
  item: number,
): Promise<Connection> {
  const given = await credentialOf(context, credential, item);
  const fields = readCredential(credential, given);
  const ignoreTls = options.ignoreTls || fields['ignoreSslIssues'] === true;
  const now = () => Date.now();
  return {
    credential,
    fields,
    url: String(fields['url']),
    send: credential.signIn
      ? authorizedSend(
          credential,
          fields,
          plainSend(context, { ...options, ignoreTls }),
          keptFor(credential, fields),
          now,
        )
      : authenticatedSend(context, credential, { ...options, ignoreTls }),
    // Created only when needed: most calls keep nothing.
    get kept() {
      return keptFor(credential, fields);
    },
    now,
    timeout: options.timeout,
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

/** n8n adds the credential to the request, and applies its own rules for it. */
function authenticatedSend(
  context: IExecuteFunctions,
  { name }: Credential,
  options: RequestOptions,
): Connection['send'] {
  return sendWith((request) => context.helpers.httpRequestWithAuthentication.call(context, name, request), options);
}

function plainSend(context: IExecuteFunctions, options: RequestOptions): Connection['send'] {
  return sendWith((request) => context.helpers.httpRequest(request), options);
}

/**
 * What is kept for each credential, by its content, including the URL. n8n itself would sign in without the options of
 * the node; and a second-factor code works once, so an execution reuses the session of the previous one.
 */
const keptByCredential = new Map<string, Kept>();

function keptFor({ name, fields }: Credential, values: Values): Kept {
  const typed = [name, ...fields.map((field) => values[field.name])];
  const key = createHash('sha256').update(JSON.stringify(typed)).digest('hex');
  const kept = keptByCredential.get(key) ?? new Kept();
  keptByCredential.set(key, kept);
  return kept;
}
