import { operations, typeOf } from 'curfew-nodes';
import type { FlowNode } from './node-red.ts';

/** The configuration node of a Curfew server. */
export function curfewServer(url: string, apiKey: string): FlowNode {
  return { id: 'server', type: 'curfew-server', url, way: 'token', credentials: { apiKey } };
}

/** A node of an operation as a flow saves it: each parameter with the type of its value. */
export function curfewNode(operation: string, parameters: Record<string, unknown>, more: object = {}): FlowNode {
  const declared = operations.find(({ name }) => name === operation);
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parameters)) {
    const kind = declared?.parameters.find((parameter) => parameter.name === name)?.kind;
    fields[name] = typeof value === 'object' ? JSON.stringify(value) : value;
    if (kind === 'flag' || kind === 'choice') continue;
    fields[`${name}Type`] = typeof value === 'object' ? 'json' : typeof value === 'number' ? 'num' : 'str';
  }
  return { id: 'node', type: typeOf(operation), server: 'server', ...fields, ...more } as FlowNode;
}
