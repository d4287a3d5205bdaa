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
import type { CredentialKinds, NodeConfig, Red, RedNode } from './red.ts';
import { type SendOptions, sendOver } from './transport.ts';

/** A configuration node: one service, with its credential. */
export type ServerNode = RedNode & { url: string; connect(options: SendOptions): Connection };

/** Registers the configuration node of each service, and the endpoint for the editor's button “Test”. */
export function registerServers(red: Red): void {
  for (const service of services) {
    red.nodes.registerType(
      serverTypeOf(service.name),
      function (this: RedNode, config: NodeConfig) {
        red.nodes.createNode(this, config);
        // Shared by all nodes that use this one.
        const kept = new Kept();
        const server = this as ServerNode;
        server.url = typeof config['url'] === 'string' ? config['url'] : '';
        server.connect = (options) => connectionOf(service, { ...config, ...this.credentials }, options, kept);
      },
      { credentials: secretsOf(service) },
    );
  }
  red.httpAdmin.post('/curfew/test', red.auth.needsPermission('curfew.write'), (request, response) => {
    test(red, request.body as TestRequest).then((answer) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer));
    });
  });
}

function secretsOf({ credentials }: Service): CredentialKinds {
  const secrets = credentials.flatMap(({ fields }) => fields).filter(({ kind }) => kind === 'secret');
  return Object.fromEntries(secrets.map(({ name }) => [name, { type: 'password' }]));
}

function connectionOf(service: Service, given: Record<string, unknown>, options: SendOptions, kept: Kept): Connection {
  const credential: Credential | undefined =
    service.credentials.find(({ way }) => way === given['way']) ?? service.credentials[0];
  if (!credential) throw new TypeError(`${service.name} has a credential`);
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
    const given = withKeptSecrets(red, id, service, fields);
    await testCredential(connectionOf(service, given, requestOptionsOf({}), new Kept()));
    return { ok: true, message: `${service.label} answers and accepts the credentials.` };
  } catch (error) {
    return { ok: false, message: faultOf(error).whole };
  }
}

/**
 * The values in the editor, with the kept secret wherever none was typed. A kept secret is sent only to the URL for
 * which it was kept: otherwise somebody who may change a flow, but not see its secrets, could send them to another
 * server.
 */
function withKeptSecrets(
  red: Red,
  id: unknown,
  service: Service,
  fields: Record<string, unknown>,
): Record<string, unknown> {
  if (!Object.values(fields).includes(unknownPassword)) return fields;
  const node = typeof id === 'string' ? (red.nodes.getNode(id) as ServerNode | null) : null;
  if (node?.type !== serverTypeOf(service.name) || !isSameUrl(node.url, fields['url'])) {
    throw new NodeFault('secret_missing', 'The kept secret was given for another URL and is sent only there.', {
      remedy: 'Type it again, or deploy first.',
    });
  }
  const kept = red.nodes.getCredentials(node.id) ?? {};
  const given = Object.entries(fields).map(([name, value]) => [name, value === unknownPassword ? kept[name] : value]);
  return Object.fromEntries(given);
}

function isSameUrl(kept: string, given: unknown): boolean {
  return typeof given === 'string' && baseUrl(given) === baseUrl(kept);
}
