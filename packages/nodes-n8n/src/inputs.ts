import { absent, labelOf, NodeFault } from 'curfew-nodes';
import type { IConnections, IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { fieldNameOf, inputNameOf } from './input-names.ts';

/** The items of each input. */
export type Inputs = INodeExecutionData[][];

/** What each input has for a run. */
export type Objects = readonly (IDataObject | undefined)[];

/**
 * The items of each input of a node.
 * @throws `NodeFault` that names an input that no node is wired to: it would never get an item, and the node do nothing
 */
export function inputsOf(context: IExecuteFunctions): Inputs {
  const count = context.getNodeInputs().filter(({ type }) => type === 'main').length;
  if (count > 1) checkWired(context, count);
  return Array.from({ length: Math.max(count, 1) }, (_, i) => context.getInputData(i));
}

function checkWired(context: IExecuteFunctions, count: number): void {
  // n8n tells a node which nodes lead to it, but not to which of its inputs: the workflow that it runs in knows.
  const { workflow } = context as { workflow?: { connectionsByDestinationNode: IConnections } };
  if (!workflow) return;
  const wired = workflow.connectionsByDestinationNode[context.getNode().name]?.['main'] ?? [];
  const names = Array.from({ length: count }, (_, i) => i)
    .filter((i) => !wired[i]?.length)
    .map((i) => inputName(i));
  if (names.length === 0) return;
  throw new NodeFault(
    'input_not_wired',
    `${capital(names.join(' and '))} ${names.length === 1 ? 'is' : 'are'} not wired, and the node has ${count} inputs.`,
    { remedy: 'Wire a node to each, or choose a smaller “Number of Inputs”.' },
  );
}

/** Which items of the inputs go together in a run: a run is for an item of the first. */
export type Pairing = (run: number) => Objects;

/**
 * Pairs items by a field that all have, or by their place; there, an input with one item serves every run.
 * @throws `NodeFault` that names the input in which a run finds no item, or more than one
 */
export function pairing(inputs: Inputs, key: string | undefined): Pairing {
  const [first = []] = inputs;
  if (inputs.length === 1) return (run) => [first[run]?.json];
  return key === undefined ? pairedByPlace(inputs) : pairedByKey(inputs, key);
}

function pairedByPlace(inputs: Inputs): Pairing {
  return (run) =>
    inputs.map((items, i) => {
      const item = items.length === 1 ? items[0] : items[run];
      if (item) return item.json;
      throw new NodeFault(
        'item_not_paired',
        `${capital(inputName(i))} has ${items.length} items, and none for item ${run + 1} of input 1.`,
        { remedy: 'Give both as many items, one item to serve all, or pair the items by a key.' },
      );
    });
}

function pairedByKey(inputs: Inputs, key: string): Pairing {
  const keyed = inputs.map((items) => byKeyOf(items, key));
  return (run) => {
    const own = inputs[0]?.[run]?.json;
    const value = keyText(fieldOf(own, key));
    if (value === undefined) {
      throw new NodeFault('item_not_paired', `Item ${run + 1} of input 1 has no “${key}” to be paired by.`, {
        remedy: 'Correct the “Key Field”, or pair the items by their place.',
      });
    }
    return keyed.map((byKey, i) => {
      if (i === 0) return own;
      const found = byKey.get(value) ?? [];
      if (found.length === 1) return found[0]?.json;
      const many = found.length === 0 ? 'no item' : `${found.length} items`;
      throw new NodeFault('item_not_paired', `${capital(inputName(i))} has ${many} whose “${key}” is ${value}.`, {
        remedy: 'Give it one item for each item of input 1, or correct the “Key Field”.',
      });
    });
  };
}

function byKeyOf(items: readonly INodeExecutionData[], key: string): Map<string | undefined, INodeExecutionData[]> {
  const found = new Map<string | undefined, INodeExecutionData[]>();
  for (const item of items) {
    const value = keyText(fieldOf(item.json, key));
    found.set(value, [...(found.get(value) ?? []), item]);
  }
  return found;
}

const keyText = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? JSON.stringify(String(value)) : undefined;

/** A field by its path: `user.id`. A field with exactly that name takes precedence. */
function fieldOf(object: IDataObject | undefined, path: string): unknown {
  if (object && Object.hasOwn(object, path)) return object[path];
  return path
    .split('.')
    .reduce<unknown>(
      (at, name) =>
        typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as IDataObject)[name] : undefined,
      object,
    );
}

/** What a workflow saves for a parameter, by its path: the same for every item, its expressions as they were written. */
export type SavedParameters = (path: string) => unknown;

export function savedParameters(context: IExecuteFunctions): SavedParameters {
  const known = new Map<string, unknown>();
  return (path) => {
    if (!known.has(path)) known.set(path, context.getNodeParameter(path, 0, null, { rawExpressions: true }));
    return known.get(path);
  };
}

/**
 * The value of a parameter for a run: what stands in the panel, or, where that says so, a field of an input's item. n8n's
 * own expressions know the items of the first input, and those of a node by its name.
 */
export function parameterOf(
  context: IExecuteFunctions,
  saved: SavedParameters,
  path: string,
  run: number,
  objects: Objects,
): unknown {
  if (objects.length > 1) {
    const source = saved(inputNameOf(path));
    const input = typeof source === 'string' ? /^input(\d)$/.exec(source)?.[1] : undefined;
    if (input !== undefined) return fieldOfInput(context, path, run, objects, Number(input));
  }
  const raw = saved(path);
  if (raw === null) return absent;
  // n8n would look for expressions in it, and for each it builds all that one can name.
  if (typeof raw !== 'object' && !isExpression(raw)) return raw;
  if (!isExpression(raw) || !/\binputs\s*\[/.test(raw)) {
    return context.getNodeParameter(path, run, null);
  }
  // Workflows of before say `inputs[1]` in an expression: that input's object is put there before n8n resolves it.
  const filled = raw
    .slice(1)
    .replaceAll(/\{\{(.*?)\}\}/gs, (part) => part.replaceAll(/(?<![\w$.])inputs(?=\s*\[)/g, literalOf(objects)));
  return context.evaluateExpression(filled, run);
}

function fieldOfInput(context: IExecuteFunctions, path: string, run: number, objects: Objects, input: number): unknown {
  const label = labelOf(path);
  const wrong = (what: string) =>
    new NodeFault('missing_parameter', `Missing required property: ${label}. ${what}`, {
      remedy: `Correct the field of “${label}”, or take it from another input.`,
    });
  if (input > objects.length) throw wrong(`It is taken from input ${input}, and the node has ${objects.length}.`);
  const field = context.getNodeParameter(fieldNameOf(path), run, '');
  const value = typeof field === 'string' && field !== '' ? fieldOf(objects[input - 1], field) : undefined;
  if (value === undefined || value === null) throw wrong(`Input ${input} has no “${field}”.`);
  return value;
}

const isExpression = (raw: unknown): raw is string => typeof raw === 'string' && raw.startsWith('=');
const inputName = (i: number) => `input ${i + 1}`;
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** As an expression without braces, which would end the expression that it stands in. */
function literalOf(objects: Objects): string {
  const json = JSON.stringify(JSON.stringify(objects.map((object) => object ?? null)));
  const escaped = json.replaceAll('{', '\\u007b').replaceAll('}', '\\u007d');
  // The replacement of a text reads $ as its own.
  return `JSON.parse(${escaped})`.replaceAll('$', '$$$$');
}
