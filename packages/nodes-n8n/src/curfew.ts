import { curfew, NodeFault, type Outcome, operations, readParameters } from 'curfew-nodes';
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { type RunResult, runEach } from './runs.ts';
import './supported.ts';
import { isTool } from './tool.ts';

/** Runs the node Curfew: one operation for each item. */
export async function runCurfew(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
  const name = context.getNodeParameter('operation', 0);
  const operation = operations.find((one) => one.name === name);
  if (!operation) throw new NodeFault('invalid_parameter', `There is no operation ${JSON.stringify(name)}.`);
  const names = operation.outputs.map((output) => output.name);
  // Called once, because n8n evaluates an expression for it.
  const forAgent = isTool(context);
  return await runEach(context, names.length, async (read, { index, input, origin }, connect) => {
    const values = readParameters(operation.parameters, ({ name, extra }) =>
      read(extra ? `additionalFields.${name}` : name),
    );
    const way = read('authentication');
    const credential = curfew.credentials.find((one) => one.way === way) ?? curfew.credentials[0];
    if (!credential) throw new TypeError('Curfew has a credential');
    const outcome = await operation.run(await connect(credential, index), values);
    const result: RunResult = names.map(() => []);
    const put = forAgent ? wordsOf(outcome) : itemsOf(outcome, input, read('options.emptyItem') === true);
    result[names.indexOf(outcome.output)]?.push(...put.map((one) => ({ ...one, pairedItem: origin })));
    return result;
  });
}

/** The items that a flow continues with. A flow stops without items, so an empty item can replace an empty list. */
function itemsOf(outcome: Outcome, input: INodeExecutionData | undefined, emptyItem: boolean): INodeExecutionData[] {
  if ('passes' in outcome) return [{ ...input, json: input?.json ?? {} }];
  if ('value' in outcome) return [{ json: outcome.value as IDataObject }];
  if (outcome.list.length === 0 && emptyItem) return [{ json: {} }];
  return outcome.list.map((one) => ({ json: one as IDataObject }));
}

/** The result in words for an agent: it already knows the input, and an empty output would tell it nothing. */
function wordsOf(outcome: Outcome): INodeExecutionData[] {
  if ('passes' in outcome) return [{ json: { message: outcome.told } }];
  if ('list' in outcome && outcome.list.length === 0) return [{ json: { message: outcome.none } }];
  return itemsOf(outcome, undefined, false);
}
