import {
  batches,
  NodeFault,
  type RequestOptions,
  readParameters,
  requestOptions,
  requestOptionsOf,
} from 'curfew-nodes';
import { type IExecuteFunctions, type INodeExecutionData, sleep } from 'n8n-workflow';
import { errorItem, nodeError } from './errors.ts';
import { type Inputs, inputsOf, type Objects, type Pairing, pairing, parameterOf, savedParameters } from './inputs.ts';
import { isTool } from './tool.ts';

/** The items that one run puts out, by output. */
export type RunResult = INodeExecutionData[][];

/** What a node does for one item; `read` answers the value of a parameter for it. */
export type Run = (
  read: (path: string) => unknown,
  item: { index: number; input: INodeExecutionData },
  options: RequestOptions,
) => Promise<RunResult>;

/**
 * What was put out for an item, by the item. n8n tries the whole node again when one of its items fails; what was done
 * for the others is not done twice.
 */
const doneFor = new WeakMap<INodeExecutionData, RunResult>();

/** How many items are under way at a time, unless a batch is smaller: as many as in a batch of n8n's HTTP Request node. */
const atOnce = 50;

/**
 * Does a node's work for each item, and puts out what comes of it in their order. An error ends the node, as soon as what
 * is under way is done, unless the node goes on with errors: then it goes out as an item in its place.
 */
export async function runEach(context: IExecuteFunctions, outputs: number, run: Run): Promise<RunResult> {
  const results: RunResult = Array.from({ length: outputs }, () => []);
  let someFailed = false;
  let inputs: Inputs;
  try {
    inputs = inputsOf(context);
  } catch (error) {
    return [failed(error), ...results.slice(1)];
  }
  if (inputs.some((items) => items.length === 0)) return results;
  const items = inputs[0] ?? [];
  const saved = savedParameters(context);
  const state: { options?: RequestOptions; turn?: () => Promise<void>; paired?: Pairing } = {};
  const done: RunResult[] = [];
  const failures: { index: number; error: unknown }[] = [];
  let next = 0;
  // Of the whole node, so that they count in a second try as well, where the first item is done; what is wrong with them
  // is said for each item below.
  try {
    state.options = optionsOf((path) => parameterOf(context, saved, path, 0, []));
  } catch {}
  // The first alone: it says the options of the node, and what is wrong with the credential is asked once.
  await work(1);
  const { batchSize = atOnce } = state.options ?? {};
  await Promise.all(Array.from({ length: Math.min(atOnce, batchSize) }, () => work(items.length)));
  const [failure] = failures.toSorted((one, other) => one.index - other.index);
  if (failure) throw failure.error;
  for (const result of done) {
    for (const [output, put] of result.entries()) results[output]?.push(...put);
  }
  // With Continue On Fail, too, n8n tries the whole node again when an item has failed.
  const mayComeAgain = someFailed && context.getNode().retryOnFail === true;
  if (!mayComeAgain) for (const item of items) doneFor.delete(item);
  // An agent that uses the node as a tool sees the first output alone.
  return isTool(context) ? [results.flat(), ...results.slice(1).map(() => [])] : results;

  /** Takes one item after the other of those that wait, up to such a place; several do so at a time. */
  async function work(end: number): Promise<void> {
    while (next < end && failures.length === 0) {
      const index = next;
      const item = items[next++] as INodeExecutionData;
      try {
        done[index] = doneFor.get(item) ?? (await attempt(item, index));
      } catch (error) {
        failures.push({ index, error });
      }
    }
  }

  async function attempt(item: INodeExecutionData, i: number): Promise<RunResult> {
    let objects: Objects = [];
    const read = (path: string) => parameterOf(context, saved, path, i, objects);
    try {
      state.paired ??= pairing(inputs, inputs.length > 1 ? keyOf(read) : undefined);
      objects = state.paired(i);
      state.options ??= optionsOf(read);
      state.turn ??= batches(state.options, sleep).turn;
      await state.turn();
      const result = await run(read, { index: i, input: item }, state.options);
      doneFor.set(item, result);
      return result;
    } catch (error) {
      return [failed(error, i)];
    }
  }

  /** An error on its way: in the place of an item where the node goes on with errors, else as the end of the node. */
  function failed(error: unknown, i?: number): INodeExecutionData[] {
    someFailed = true;
    if (context.continueOnFail()) return [errorItem(error, i)];
    throw nodeError(context, error, i);
  }
}

/** The field by which the items of several inputs are paired; without one, it is their place. */
function keyOf(read: (path: string) => unknown): string | undefined {
  if (read('pairItemsBy') !== 'key') return undefined;
  const key = read('pairKey');
  if (typeof key === 'string' && key.trim() !== '') return key.trim();
  throw new NodeFault('missing_parameter', 'Missing required property: Key Field. It is empty.', {
    remedy: 'Fill in “Key Field”, or pair the items by their place.',
  });
}

/** Of the whole node, as the first item says. */
function optionsOf(read: (path: string) => unknown): RequestOptions {
  return requestOptionsOf(readParameters(requestOptions, ({ name }) => read(`options.${name}`)));
}
