import { faultOf, labelOf, NodeFault } from 'curfew-nodes';
import { type IExecuteFunctions, type INodeExecutionData, NodeOperationError } from 'n8n-workflow';

/** An error of n8n that says what the fault says, and to which item it belongs. */
export function nodeError(context: IExecuteFunctions, error: unknown, itemIndex?: number): NodeOperationError {
  const fault = faultIn(error);
  const wrapped = new NodeOperationError(context.getNode(), fault.message, {
    description: fault.remedy,
    ...(itemIndex !== undefined && { itemIndex }),
  });
  // n8n puts general words in the place of some texts; ours name the service. The remedy stands below, in the description.
  wrapped.message = fault.message;
  return wrapped;
}

/**
 * The item by which an error goes on in a flow: on the error output, or on the first. n8n knows it by its fields: an
 * item with `error` and nothing beside it is one in every version. An error of the whole node belongs to no item.
 */
export function errorItem(error: unknown, item?: number): INodeExecutionData {
  return { json: { error: { ...faultIn(error).entry } }, ...(item !== undefined && { pairedItem: { item } }) };
}

/** n8n's own errors of an expression carry what is wrong in theirs. */
function faultIn(error: unknown): NodeFault {
  const { context } = error as { context?: { parameter?: unknown } };
  if (typeof context?.parameter !== 'string') return faultOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return new NodeFault('invalid_parameter', `The expression of “${labelOf(context.parameter)}” fails: ${message}.`, {
    remedy: 'Correct the expression.',
    cause: error,
  });
}
