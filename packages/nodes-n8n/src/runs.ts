import {
  batches,
  NodeFault,
  type RequestOptions,
  readParameters,
  requestOptions,
  requestOptionsOf,
} from 'curfew-nodes';
import { type IExecuteFunctions, type INodeExecutionData, sleep } from 'n8n-workflow';
import { type Connect, connecting } from './connect.ts';
import { errorItem, nodeError } from './errors.ts';
import {
  type Inputs,
  inputsOf,
  type Objects,
  objectsOf,
  originOf,
  type Pairing,
  pairing,
  parameterOf,
  savedParameters,
} from './inputs.ts';
import { isTool } from './tool.ts';

/** The items that one run outputs, by output. */
export type RunResult = INodeExecutionData[][];

/** What a run works on: its item of input 1, which is at `index` there. `origin` goes with each item that it outputs. */
export type RunItem = { index: number; input: INodeExecutionData; origin: Origin };

type Origin = NonNullable<INodeExecutionData['pairedItem']>;

/** The work of a node for one item, or for the items of several inputs; `read` returns the value of a parameter for it. */
export type Run = (read: (path: string) => unknown, item: RunItem, connect: Connect) => Promise<RunResult>;

/**
 * The results by the item of the leading input, of which each run has its own. n8n runs the whole node again when one of
 * its items fails; the work for the other items is not repeated.
 */
const doneFor = new WeakMap<INodeExecutionData, RunResult>();

/**
 * How many items are processed at a time, unless a batch is smaller; n8n's HTTP Request node has the same batch size.
 */
const atOnce = 50;

/**
 * Does a node's work for each item, and outputs the results in the order of the items. An error ends the node, as soon
 * as the work under way is done, unless the node continues on errors: then the error becomes an item in that place.
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
  const saved = savedParameters(context);
  const { leader, placesOf } = pairingOf(inputs, (path) => parameterOf(context, saved, path, 0, []));
  const items = inputs[leader] ?? [];
  const state: { options?: RequestOptions; turn?: () => Promise<void>; connect?: Connect } = {};
  const done: RunResult[] = [];
  const failures: { index: number; error: unknown }[] = [];
  let next = 0;
  // For the whole node, so that they apply in a retry as well, in which the first item is done; if they are invalid,
  // each item below reports it.
  try {
    state.options = optionsOf((path) => parameterOf(context, saved, path, 0, []));
  } catch {}
  // The first item runs alone: it determines the node's options, and a wrong credential is tried only once.
  await work(1);
  const { batchSize = atOnce } = state.options ?? {};
  await Promise.all(Array.from({ length: Math.min(atOnce, batchSize) }, () => work(items.length)));
  const [failure] = failures.toSorted((one, other) => one.index - other.index);
  if (failure) throw failure.error;
  for (const result of done) {
    for (const [output, put] of result.entries()) results[output]?.push(...put);
  }
  // n8n also retries the whole node after a failed item if Continue On Fail is set.
  const mayComeAgain = someFailed && context.getNode().retryOnFail === true;
  if (!mayComeAgain) for (const item of items) doneFor.delete(item);
  // An agent that uses the node as a tool sees only the first output.
  return isTool(context) ? [results.flat(), ...results.slice(1).map(() => [])] : results;

  /** Works on the waiting items one after the other, up to `end`; several of these run at a time. */
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
    // For n8n, an item is one of input 1. If that has a single one, all runs have it.
    let place = 0;
    let objects: Objects = [];
    let origin: Origin = { item: i, input: leader };
    const read = (path: string) => parameterOf(context, saved, path, place, objects);
    try {
      const places = placesOf(i);
      [place = 0] = places;
      objects = objectsOf(inputs, places);
      origin = originOf(places);
      state.options ??= optionsOf(read);
      state.turn ??= batches(state.options, sleep).turn;
      state.connect ??= connecting(context, state.options);
      await state.turn();
      const input = inputs[0]?.[place] as INodeExecutionData;
      const result = await run(read, { index: place, input, origin }, state.connect);
      doneFor.set(item, result);
      return result;
    } catch (error) {
      return [failed(error, i, origin)];
    }
  }

  /** Handles an error: it becomes an item if the node continues on errors, and ends the node otherwise. */
  function failed(error: unknown, i?: number, origin?: Origin): INodeExecutionData[] {
    someFailed = true;
    if (context.continueOnFail()) return [errorItem(error, origin)];
    throw nodeError(context, error, i);
  }
}

/** If nothing can be paired, each item of input 1 reports why. */
function pairingOf(inputs: Inputs, read: (path: string) => unknown): Pairing {
  try {
    return pairing(inputs, inputs.length > 1 ? keyOf(read) : undefined);
  } catch (error) {
    const placesOf = () => {
      throw error;
    };
    return { leader: 0, placesOf };
  }
}

/** The field by which the items of several inputs are paired; `undefined` means by position. */
function keyOf(read: (path: string) => unknown): string | undefined {
  if (read('pairItemsBy') !== 'key') return undefined;
  const key = read('pairKey');
  if (typeof key === 'string' && key.trim() !== '') return key.trim();
  throw new NodeFault('missing_parameter', 'Missing required property: Key Field. It is empty.', {
    remedy: 'Fill in “Key Field”, or pair the items by position.',
  });
}

/** The options of the whole node, read from the first item. */
function optionsOf(read: (path: string) => unknown): RequestOptions {
  return requestOptionsOf(readParameters(requestOptions, ({ name }) => read(`options.${name}`)));
}
