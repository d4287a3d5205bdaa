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
import { parametersOf } from './parameters.ts';
import type { CredentialKinds, Message, NodeConfig, Red, RedNode } from './red.ts';
import type { ServerNode } from './servers.ts';
import type { SendOptions } from './transport.ts';
import { type Done, startWorker } from './worker.ts';

/** Registers a node for each operation of Curfew. */
export function registerOperations(red: Red): void {
  for (const operation of operations) {
    register(red, operation.name, operation.parameters, (node, config) => {
      startWorker(red, node, config, operation.outputs.length, async (message, options) => {
        const values = await parametersOf(red, node, config, operation.parameters, message);
        const outcome = await operation.run(connect(red, config['server'], 'Curfew', options), values);
        return doneOf(operation, outcome, message);
      });
    });
  }
}

/** Registers the node Log Out. */
export function registerLogOut(red: Red): void {
  const parameters = services.flatMap((service) => service.parameters);
  register(red, 'logOut', parameters, (node, config) => {
    startWorker(red, node, config, 1, async (message, options) => {
      const service = serviceOf(config);
      const values = await parametersOf(red, node, config, service.parameters, message);
      const connection = connect(red, config[`${service.name}Server`], service.label, options);
      const payload = await service.logOut(connection, values);
      return { output: 0, message: { ...message, payload }, badge: badgeOf(service.done, payload) };
    });
  });
}

/** Registers a type, with the secrets that its nodes keep: those typed for parameters, and the proxy's. */
function register(
  red: Red,
  name: string,
  parameters: readonly Parameter[],
  start: (node: RedNode, config: NodeConfig) => void,
): void {
  const secrets = parameters.filter(({ kind }) => kind === 'secret').map((one) => [secretOf(one.name), 'password']);
  const proxy = proxySignIn.map((one) => [one.name, one.kind === 'secret' ? 'password' : 'text']);
  const kinds = [...secrets, ...proxy].map(([key, type]) => [key, { type }]);
  const credentials = Object.fromEntries(kinds) as CredentialKinds;
  red.nodes.registerType(
    typeOf(name),
    function (this: RedNode, config: NodeConfig) {
      red.nodes.createNode(this, config);
      start(this, config);
    },
    { credentials },
  );
}

function serviceOf(config: NodeConfig): Service {
  const found = services.find(({ name }) => name === config['service']);
  if (found) return found;
  throw new NodeFault('invalid_parameter', `“Service” has no ${JSON.stringify(config['service'])}.`, {
    remedy: 'Choose one in the editor.',
  });
}

function connect(red: Red, id: unknown, label: string, options: SendOptions): ReturnType<ServerNode['connect']> {
  const server = typeof id === 'string' ? (red.nodes.getNode(id) as ServerNode | null) : null;
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
