import {
  authorizedSend,
  type Connection,
  type Credential,
  faultOf,
  NodeFault,
  type RequestOptions,
  readCredential,
  requestOptionsOf,
  type Service,
  serverTypeOf,
  services,
  testCredential,
} from 'curfew-nodes';
import type { NodeConfig, Red, RedNode } from './red.ts';
import { sendOver } from './transport.ts';

/** A configuration node: one service, with the way to prove who asks. */
export type ServerNode = RedNode & { connect(options: RequestOptions): Connection };

/** Registers the configuration node of each service, and what the editor's button “Test” asks. */
export function registerServers(red: Red): void {
  for (const service of services) {
    red.nodes.registerType(
      serverTypeOf(service.name),
      function (this: RedNode, config: NodeConfig) {
        red.nodes.createNode(this, config);
        // One session of a sign-in for all nodes that use this one.
        const session = {};
        (this as ServerNode).connect = (options) =>
          connectionOf(service, { ...config, ...this.credentials }, options, session);
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

function secretsOf({ credentials }: Service): Record<string, { type: 'password' }> {
  const secrets = credentials.flatMap(({ fields }) => fields).filter(({ kind }) => kind === 'secret');
  return Object.fromEntries(secrets.map(({ name }) => [name, { type: 'password' }]));
}

function connectionOf(
  service: Service,
  given: Record<string, unknown>,
  options: RequestOptions,
  session: { tokens?: Record<string, string> },
): Connection {
  const credential: Credential | undefined =
    service.credentials.find(({ way }) => way === given['way']) ?? service.credentials[0];
  if (!credential) throw new TypeError(`${service.name} has a credential`);
  const fields = readCredential(credential, given);
  const ignoreTls = options.ignoreTls || fields['ignoreSslIssues'] === true;
  const now = () => Date.now();
  return {
    credential,
    fields,
    url: String(fields['url']),
    send: authorizedSend(credential, fields, sendOver({ ...options, ignoreTls }), session, now),
    now,
    timeout: options.timeout,
  };
}

type TestRequest = { id?: unknown; service?: unknown; fields?: Record<string, unknown> };
/** What the editor has in the place of a password that it does not know. */
const unknownPassword = '__PWRD__';

/** Tries what stands in the editor; a password that was not typed anew is the kept one. */
async function test(
  red: Red,
  { id, service: name, fields = {} }: TestRequest,
): Promise<{ ok: boolean; message: string }> {
  const service = services.find((one) => one.name === name);
  const kept = (typeof id === 'string' && red.nodes.getCredentials(id)) || {};
  const given = Object.entries(fields).map(([field, value]) => [
    field,
    value === unknownPassword ? kept[field] : value,
  ]);
  try {
    if (!service) throw new NodeFault('invalid_parameter', 'There is no such service.');
    await testCredential(connectionOf(service, Object.fromEntries(given), requestOptionsOf({}), {}));
    return { ok: true, message: `${service.label} answers, and knows who asks.` };
  } catch (error) {
    return { ok: false, message: faultOf(error).whole };
  }
}
