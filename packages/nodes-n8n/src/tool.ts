import { type IExecuteFunctions, NodeConnectionTypes } from 'n8n-workflow';

/** Whether an agent uses the node: in every version, n8n then gives the node an output of another type. */
export function isTool(context: IExecuteFunctions): boolean {
  return context.getNodeOutputs().some(({ type }) => type === NodeConnectionTypes.AiTool);
}
