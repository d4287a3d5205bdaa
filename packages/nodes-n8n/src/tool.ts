import { type IExecuteFunctions, NodeConnectionTypes } from 'n8n-workflow';

/** Whether an agent uses the node: n8n then gives it an output of its own kind, in every version, however it is called. */
export function isTool(context: IExecuteFunctions): boolean {
  return context.getNodeOutputs().some(({ type }) => type === NodeConnectionTypes.AiTool);
}
