import { batches, type RequestOptions, readParameters, requestOptions, requestOptionsOf } from 'curfew-nodes';
import { type IExecuteFunctions, type INodeExecutionData, sleep } from 'n8n-workflow';
import { errorItem, nodeError } from './errors.ts';
import { type Inputs, objectsOf, parameterOf } from './inputs.ts';
import { isTool } from './tool.ts';

/** The items that one run puts out, by output. */
export type RunResult = INodeExecutionData[][];

/** What a node does for one item; `read` answers the value of a parameter for it. */
export type Run = (read: (path: string) => unknown, item: number, options: RequestOptions) => Promise<RunResult>;

/**
 * What was put out for an item, by the item. n8n tries the whole node again when one of its items fails; what was done
 * for the others is not done twice.
 */
const doneFor = new WeakMap<INodeExecutionData, RunResult>();

/**
 * Does a node's work for each item, in their order. An error ends the node, unless the node goes on with errors: then
 * it goes out as an item in its place.
 */
export async function runEach(
  context: IExecuteFunctions,
  inputs: Inputs,
  outputs: number,
  run: Run,
): Promise<RunResult> {
  const results: RunResult = Array.from({ length: outputs }, () => []);
  if (inputs.some((items) => items.length === 0)) return results;
  const items = inputs[0] ?? [];
  const state: { options?: RequestOptions; turn?: () => Promise<void> } = {};
  for (const [i, item] of items.entries()) {
    const result = doneFor.get(item) ?? (await attempt(item, i));
    for (const [output, put] of result.entries()) results[output]?.push(...put);
  }
  for (const item of items) doneFor.delete(item);
  // An agent that uses the node as a tool sees the first output alone.
  return isTool(context) ? [results.flat(), ...results.slice(1).map(() => [])] : results;

  async function attempt(item: INodeExecutionData, i: number): Promise<RunResult> {
    const objects = objectsOf(inputs, i);
    const read = (path: string) => parameterOf(context, path, i, objects);
    try {
      state.options ??= optionsOf(read);
      state.turn ??= batches(state.options, sleep).turn;
      await state.turn();
      const result = await run(read, i, state.options);
      doneFor.set(item, result);
      return result;
    } catch (error) {
      if (context.continueOnFail()) return [[errorItem(error, i)]];
      throw nodeError(context, error, i);
    }
  }
}

/** Of the whole node, as the first item says. */
function optionsOf(read: (path: string) => unknown): RequestOptions {
  return requestOptionsOf(readParameters(requestOptions, ({ name }) => read(`options.${name}`)));
}
