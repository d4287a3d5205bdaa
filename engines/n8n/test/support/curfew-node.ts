import { operations } from 'curfew-nodes';
import type { IDataObject, INode } from 'n8n-workflow';
import { type NodeMore, node } from './n8n.ts';

/** The Curfew node as a workflow saves it; a list is passed as an expression, as if from another node. */
export function curfewNode(operation: string, parameters: Record<string, unknown>, more: NodeMore = {}): INode {
  const declared = operations.find(({ name }) => name === operation);
  const saved: Record<string, unknown> = { resource: declared?.resource, operation };
  const further: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parameters)) {
    const { extra } = declared?.parameters.find((parameter) => parameter.name === name) ?? {};
    // n8n itself refuses to start with an empty required field; an expression can still evaluate to nothing.
    const given = value === '' ? null : value;
    const text = typeof given === 'object' && name !== 'options' ? `={{ ${JSON.stringify(given)} }}` : given;
    (extra ? further : saved)[name] = text;
  }
  const credentials = { curfewApi: { id: 'key', name: 'Curfew' } };
  return node('Curfew', 'n8n-nodes-curfew.curfew', { ...saved, additionalFields: further } as IDataObject, {
    credentials,
    ...more,
  });
}
