import { faultOf, labelOf, NodeFault } from 'curfew-nodes';
import { type IExecuteFunctions, type INodeExecutionData, NodeOperationError } from 'n8n-workflow';

/** The fault as an n8n error, with the item to which it belongs. */
export function nodeError(context: IExecuteFunctions, error: unknown, itemIndex?: number): NodeOperationError {
  const fault = faultIn(error);
  const wrapped = new NodeOperationError(context.getNode(), fault.message, {
    description: fault.remedy,
    ...(itemIndex !== undefined && { itemIndex }),
  });
  // n8n replaces some messages by general ones; ours name the service. The remedy is shown below, in the description.
  wrapped.message = fault.message;
  return wrapped;
}

/**
 * The item that carries an error on in a flow: on the error output, or on the first one. n8n recognises it by its
 * fields: in every version, an item with only `error` is one. An error of the whole node belongs to no item.
 */
export function errorItem(error: unknown, origin?: INodeExecutionData['pairedItem']): INodeExecutionData {
  return { json: { error: { ...faultIn(error).entry } }, ...(origin !== undefined && { pairedItem: origin }) };
}

/** The fault in an error; n8n's own errors about expressions describe what is wrong. */
function faultIn(error: unknown): NodeFault {
  const { context } = error as { context?: { parameter?: unknown } };
  if (typeof context?.parameter !== 'string') return faultOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return new NodeFault('invalid_parameter', `The expression of “${labelOf(context.parameter)}” fails: ${message}.`, {
    remedy: 'Correct the expression.',
    cause: error,
  });
}
