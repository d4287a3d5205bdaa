import {
  NodeFault,
  type Operation,
  type Outcome,
  operations,
  type RequestOptions,
  type Service,
  services,
  typeOf,
} from 'curfew-nodes';
import { parametersOf } from './parameters.ts';
import type { Message, NodeConfig, Red, RedNode } from './red.ts';
import type { ServerNode } from './servers.ts';
import { type Done, startWorker } from './worker.ts';

/** Registers a node for each operation of Curfew. */
export function registerOperations(red: Red): void {
  for (const operation of operations) {
    red.nodes.registerType(typeOf(operation.name), function (this: RedNode, config: NodeConfig) {
      red.nodes.createNode(this, config);
      startWorker(red, this, config, operation.outputs.length, async (message, options) => {
        const values = await parametersOf(red, this, config, operation.parameters, message);
        const outcome = await operation.run(connect(red, config['server'], 'Curfew', options), values);
        return doneOf(operation, outcome, message);
      });
    });
  }
}

/** Registers the node Log Out. */
export function registerLogOut(red: Red): void {
  red.nodes.registerType(typeOf('logOut'), function (this: RedNode, config: NodeConfig) {
    red.nodes.createNode(this, config);
    startWorker(red, this, config, 1, async (message, options) => {
      const service = serviceOf(config);
      const values = await parametersOf(red, this, config, service.parameters, message);
      const connection = connect(red, config[`${service.name}Server`], service.label, options);
      const payload = await service.logOut(connection, values);
      return { output: 0, message: { ...message, payload }, badge: payload.message };
    });
  });
}

function serviceOf(config: NodeConfig): Service {
  const found = services.find(({ name }) => name === config['service']);
  if (found) return found;
  throw new NodeFault('invalid_parameter', `“Service” has no ${JSON.stringify(config['service'])}.`, {
    remedy: 'Choose one in the editor.',
  });
}

function connect(red: Red, id: unknown, label: string, options: RequestOptions): ReturnType<ServerNode['connect']> {
  const server = typeof id === 'string' ? (red.nodes.getNode(id) as ServerNode | null) : null;
  if (server?.connect) return server.connect(options);
  throw new NodeFault('missing_parameter', `Missing required property: Server. The node knows no ${label} server.`, {
    remedy: 'Choose or add one in the editor, and deploy.',
  });
}

function doneOf({ outputs }: Operation, outcome: Outcome, message: Message): Done {
  const output = outputs.findIndex(({ name }) => name === outcome.output);
  const badge = outputs[output]?.label.toLowerCase() ?? '';
  if ('passes' in outcome) return { output, message, badge };
  if ('list' in outcome) {
    return { output, message: { ...message, payload: outcome.list }, badge: `${outcome.list.length} ${badge}` };
  }
  return { output, message: { ...message, payload: outcome.value }, badge };
}
