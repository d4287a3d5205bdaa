import {
  NodeFault,
  type Operation,
  type Outcome,
  operations,
  type Parameter,
  proxySignIn,
  type Service,
  secretOf,
  services,
  typeOf,
} from 'curfew-nodes';
import type { KeptSecrets } from './kept-secrets.ts';
import { parametersOf, proxyPassword } from './parameters.ts';
import type { CredentialKinds, Message, NodeConfig, Red, RedNode } from './red.ts';
import type { ServerNode } from './servers.ts';
import type { SendOptions } from './transport.ts';
import { type Done, startWorker } from './worker.ts';

/** Registers a node for each operation of Curfew. */
export function registerOperations(red: Red, secrets: KeptSecrets): void {
  for (const operation of operations) {
    const sent = [{ server: 'server', parameters: operation.parameters }];
    register(red, secrets, operation.name, sent, (node, config) => {
      startWorker(red, node, config, operation.outputs.length, async (message, options) => {
        const connection = connect(red, config['server'], 'Curfew', options);
        const values = await parametersOf(red, node, config, operation.parameters, message, connection.url);
        const outcome = await operation.run(connection, values);
        return doneOf(operation, outcome, message);
      });
    });
  }
}

/** Registers the node Log Out. */
export function registerLogOut(red: Red, secrets: KeptSecrets): void {
  const sent = services.map(({ name, parameters }) => ({ server: serverFieldOf(name), parameters }));
  register(red, secrets, 'logOut', sent, (node, config) => {
    startWorker(red, node, config, 1, async (message, options) => {
      const service = serviceOf(config);
      const connection = connect(red, config[serverFieldOf(service.name)], service.label, options);
      const values = await parametersOf(red, node, config, service.parameters, message, connection.url);
      const payload = await service.logOut(connection, values);
      return { output: 0, message: { ...message, payload }, badge: badgeOf(service.done, payload) };
    });
  });
}

/** The field of Log Out with the server of a service. */
const serverFieldOf = (service: string) => `${service}Server`;

/** The parameters of a node, with the field that names the server to which they are sent. */
type Sent = { server: string; parameters: readonly Parameter[] };

/** Registers a type, with the secrets that its nodes keep: those typed for parameters, and the proxy's. */
function register(
  red: Red,
  secrets: KeptSecrets,
  name: string,
  sent: readonly Sent[],
  start: (node: RedNode, config: NodeConfig) => void,
): void {
  const typed = sent.flatMap(({ server, parameters }) =>
    parameters.filter(({ kind }) => kind === 'secret').map((one) => ({ server, secret: secretOf(one.name) })),
  );
  const proxy = proxySignIn.map((one) => [one.name, { type: one.kind === 'secret' ? 'password' : 'text' }]);
  const kinds = [...typed.map(({ secret }) => [secret, { type: 'password' }]), ...proxy];
  secrets.register(typeOf(name), (config) => ({
    ...Object.fromEntries(typed.map(({ server, secret }) => [secret, serverOf(red, config[server])?.url ?? ''])),
    [proxyPassword]: String(config['proxy'] ?? ''),
  }));
  red.nodes.registerType(
    typeOf(name),
    function (this: RedNode, config: NodeConfig) {
      red.nodes.createNode(this, config);
      secrets.bind(config);
      start(this, config);
    },
    { credentials: Object.fromEntries(kinds) as CredentialKinds },
  );
}

function serviceOf(config: NodeConfig): Service {
  const found = services.find(({ name }) => name === config['service']);
  if (found) return found;
  throw new NodeFault('invalid_parameter', `“Service” has no ${JSON.stringify(config['service'])}.`, {
    remedy: 'Choose one in the editor.',
  });
}

function serverOf(red: Red, id: unknown): ServerNode | null {
  return typeof id === 'string' ? (red.nodes.getNode(id) as ServerNode | null) : null;
}

function connect(red: Red, id: unknown, label: string, options: SendOptions): ReturnType<ServerNode['connect']> {
  const server = serverOf(red, id);
  if (server?.connect) return server.connect(options);
  throw new NodeFault('missing_parameter', `Missing required property: Server. The node has no ${label} server.`, {
    remedy: 'Choose or add one in the editor, and deploy.',
  });
}

function doneOf({ outputs }: Operation, outcome: Outcome, message: Message): Done {
  const output = outputs.findIndex(({ name }) => name === outcome.output);
  const done = outputs[output]?.done ?? '';
  if ('passes' in outcome) return { output, message, badge: done };
  if ('list' in outcome) {
    return { output, message: { ...message, payload: outcome.list }, badge: `${outcome.list.length} ${done}` };
  }
  return { output, message: { ...message, payload: outcome.value }, badge: badgeOf(done, outcome.value) };
}

/** `3 ended, 2 ms`: how many, if there can be several, and how long it took until they had ended everywhere. */
function badgeOf(done: string, { ended, receipt }: { ended?: unknown; receipt?: unknown }): string {
  const waited = (receipt as { waitedMs?: unknown } | undefined)?.waitedMs;
  const what = typeof ended === 'number' ? `${ended} ${done}` : done;
  return typeof waited === 'number' ? `${what}, ${Math.ceil(waited)} ms` : what;
}
