import { setTimeout as sleep } from 'node:timers/promises';
import {
  authorizedSend,
  baseUrl,
  type Connection,
  type Credential,
  faultOf,
  Kept,
  NodeFault,
  readCredential,
  refusingRedirects,
  requestOptionsOf,
  type Service,
  serverTypeOf,
  services,
  testCredential,
} from 'curfew-nodes';
import { type KeptSecrets, secretFor } from './kept-secrets.ts';
import type { CredentialKinds, NodeConfig, Red, RedNode } from './red.ts';
import { type SendOptions, sendOver } from './transport.ts';

/** A configuration node: one service, with its credential. */
export type ServerNode = RedNode & { url: string; connect(options: SendOptions): Connection };

/** Registers the configuration node of each service, and the endpoint for the editor's button “Test”. */
export function registerServers(red: Red, secrets: KeptSecrets): void {
  for (const service of services) {
    const kinds = secretsOf(service);
    secrets.register(serverTypeOf(service.name), (config) => {
      return Object.fromEntries(Object.keys(kinds).map((name) => [name, urlOf(config)]));
    });
    red.nodes.registerType(
      serverTypeOf(service.name),
      function (this: RedNode, config: NodeConfig) {
        red.nodes.createNode(this, config);
        secrets.bind(config);
        // Shared by all nodes that use this one.
        const kept = new Kept();
        const server = this as ServerNode;
        server.url = urlOf(config);
        server.connect = (options) => {
          const credential = credentialOf(service, config['way']);
          const secrets = sendable(credential, server.url, this.credentials ?? {});
          return connectionOf(credential, { ...config, ...secrets }, options, kept);
        };
      },
      { credentials: kinds },
    );
  }
  red.httpAdmin.post('/curfew/test', red.auth.needsPermission('curfew.write'), (request, response) => {
    test(red, request.body as TestRequest).then((answer) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer));
    });
  });
}

const urlOf = ({ url }: NodeConfig): string => (typeof url === 'string' ? url : '');

function secretsOf({ credentials }: Service): CredentialKinds {
  const secrets = credentials.flatMap(({ fields }) => fields).filter(({ kind }) => kind === 'secret');
  return Object.fromEntries(secrets.map(({ name }) => [name, { type: 'password' }]));
}

function credentialOf({ name, credentials }: Service, way: unknown): Credential {
  const found = credentials.find((one) => one.way === way) ?? credentials[0];
  if (!found) throw new TypeError(`${name} has a credential`);
  return found;
}

/** The kept secrets of a credential, to be sent to a URL. Those of the other credentials may belong to another one. */
function sendable({ fields }: Credential, url: string, kept: Record<string, unknown>): Record<string, unknown> {
  const own = fields.filter(({ name }) => name in kept);
  return Object.fromEntries(own.map(({ name, label }) => [name, secretFor(url, kept[name], label)]));
}

function connectionOf(
  credential: Credential,
  given: Record<string, unknown>,
  options: SendOptions,
  kept: Kept,
): Connection {
  const fields = readCredential(credential, given);
  const ignoreTls = options.ignoreTls || fields['ignoreSslIssues'] === true;
  const url = String(fields['url']);
  const now = () => Date.now();
  const send = refusingRedirects(url, sendOver({ ...options, ignoreTls }));
  // Other nodes may wait for the same sign-in.
  const sendSignIn = refusingRedirects(url, sendOver({ ...options, ignoreTls, closed: undefined }));
  return {
    credential,
    fields,
    url,
    send: authorizedSend(credential, fields, send, kept, now, sendSignIn),
    kept,
    now,
    sleep: (ms) => sleep(ms),
  };
}

type TestRequest = { id?: unknown; service?: unknown; fields?: Record<string, unknown> };
/** The editor's placeholder for a password that it does not know. */
const unknownPassword = '__PWRD__';

/** Tests the values in the editor; a password that was not typed again is the kept one. */
async function test(
  red: Red,
  { id, service: name, fields = {} }: TestRequest,
): Promise<{ ok: boolean; message: string }> {
  const service = services.find((one) => one.name === name);
  try {
    if (!service) throw new NodeFault('invalid_parameter', 'There is no such service.');
    const credential = credentialOf(service, fields['way']);
    const given = withKeptSecrets(red, id, service, credential, fields);
    await testCredential(connectionOf(credential, given, requestOptionsOf({}), new Kept()));
    return { ok: true, message: `${service.label} answers and accepts the credentials.` };
  } catch (error) {
    return { ok: false, message: faultOf(error).whole };
  }
}

/**
 * The values in the editor, with the kept secret wherever none was typed. It is sent only to the URL for which it was
 * kept, and to that of the deployed flow.
 */
function withKeptSecrets(
  red: Red,
  id: unknown,
  service: Service,
  credential: Credential,
  fields: Record<string, unknown>,
): Record<string, unknown> {
  if (!Object.values(fields).includes(unknownPassword)) return fields;
  const node = typeof id === 'string' ? (red.nodes.getNode(id) as ServerNode | null) : null;
  if (node?.type !== serverTypeOf(service.name) || !isSameUrl(node.url, fields['url'])) {
    throw new NodeFault('secret_missing', 'The kept secret was given for another URL and is sent only there.', {
      remedy: 'Type it again.',
    });
  }
  const untyped = ([name]: [string, unknown]) => fields[name] === unknownPassword;
  const kept = Object.fromEntries(Object.entries(red.nodes.getCredentials(node.id) ?? {}).filter(untyped));
  return { ...fields, ...sendable(credential, node.url, kept) };
}

function isSameUrl(kept: string, given: unknown): boolean {
  return typeof given === 'string' && baseUrl(given) === baseUrl(kept);
}
