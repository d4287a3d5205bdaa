import { curfew, NodeFault, type Outcome, operations, readParameters } from 'curfew-nodes';
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { connect } from './connect.ts';
import { inputsOf } from './inputs.ts';
import { type RunResult, runEach } from './runs.ts';
import './supported.ts';

/** The node Curfew: one operation for each item. */
export async function runCurfew(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
  const name = context.getNodeParameter('operation', 0);
  const operation = operations.find((one) => one.name === name);
  if (!operation) throw new NodeFault('invalid_parameter', `There is no operation ${JSON.stringify(name)}.`);
  const inputs = inputsOf(context);
  const names = operation.outputs.map((output) => output.name);
  return await runEach(context, inputs, names.length, async (read, i, options) => {
    const values = readParameters(operation.parameters, ({ name, extra }) =>
      read(extra ? `additionalFields.${name}` : name),
    );
    const way = context.getNodeParameter('authentication', i, 'token');
    const credential = curfew.credentials.find((one) => one.way === way) ?? curfew.credentials[0];
    if (!credential) throw new TypeError('Curfew has a credential');
    const outcome = await operation.run(await connect(context, credential, options, i), values);
    return put(names, outcome, inputs[0]?.[i], i);
  });
}

function put(names: string[], outcome: Outcome, input: INodeExecutionData | undefined, item: number): RunResult {
  const result: RunResult = names.map(() => []);
  const at = result[names.indexOf(outcome.output)];
  if ('passes' in outcome) at?.push({ ...input, json: input?.json ?? {}, pairedItem: { item } });
  else {
    const list = 'list' in outcome ? outcome.list : [outcome.value];
    at?.push(...list.map((value) => ({ json: value as IDataObject, pairedItem: { item } })));
  }
  return result;
}
