import { absent, labelOf, NodeFault } from 'curfew-nodes';
import type { IConnections, IDataObject, IExecuteFunctions, INodeExecutionData, IPairedItemData } from 'n8n-workflow';
import { fieldNameOf, inputNameOf } from './input-names.ts';

/** The items of each input. */
export type Inputs = INodeExecutionData[][];

/** The object of each input for a run. */
export type Objects = readonly (IDataObject | undefined)[];

/**
 * The items of each input of a node.
 * @throws `NodeFault` that names an input to which no node is wired: it would never get an item, and the node would do
 * nothing
 */
export function inputsOf(context: IExecuteFunctions): Inputs {
  const count = context.getNodeInputs().filter(({ type }) => type === 'main').length;
  if (count > 1) checkWired(context, count);
  return Array.from({ length: Math.max(count, 1) }, (_, i) => context.getInputData(i));
}

function checkWired(context: IExecuteFunctions, count: number): void {
  // n8n tells a node which nodes lead to it, but not to which of its inputs; the workflow object knows that.
  const { workflow } = context as { workflow?: { connectionsByDestinationNode: IConnections } };
  if (!workflow) return;
  const wired = workflow.connectionsByDestinationNode[context.getNode().name]?.['main'] ?? [];
  const names = Array.from({ length: count }, (_, i) => i)
    .filter((i) => !wired[i]?.length)
    .map((i) => inputName(i));
  if (names.length === 0) return;
  throw new NodeFault(
    'input_not_wired',
    `${capital(names.join(' and '))} ${names.length === 1 ? 'is' : 'are'} not wired, but the node has ${count} inputs.`,
    { remedy: 'Wire a node to each, or choose a smaller “Number of Inputs”.' },
  );
}

/** Which items of the inputs belong together. There is one run for each item of the leading input. */
export type Pairing = {
  leader: number;
  /**
   * The position of a run's item in each input.
   * @throws `NodeFault` that names the input in which a run finds no item, or more than one
   */
  placesOf(run: number): readonly number[];
};

/**
 * Pairs items by a field that all have, or by position; then an input with a single item serves every run.
 * @throws `NodeFault` if a key is not exact
 */
export function pairing(inputs: Inputs, key: string | undefined): Pairing {
  if (inputs.length === 1) return { leader: 0, placesOf: (run) => [run] };
  return key === undefined ? pairedByPlace(inputs) : pairedByKey(inputs, key);
}

/** The objects of paired items. */
export function objectsOf(inputs: Inputs, places: readonly number[]): Objects {
  return inputs.map((items, i) => items[places[i] ?? -1]?.json);
}

/** From which items a result comes, so that the nodes which follow find them. */
export function originOf(places: readonly number[]): IPairedItemData | IPairedItemData[] {
  const [only = 0] = places;
  return places.length > 1 ? places.map((item, input) => ({ item, input })) : { item: only };
}

/** The longest input leads, so that no item of any input is left out. */
function pairedByPlace(inputs: Inputs): Pairing {
  const lengths = inputs.map(({ length }) => length);
  const leader = lengths.indexOf(Math.max(...lengths));
  const placeIn = (i: number, run: number) => {
    const length = lengths[i] ?? 0;
    const place = length === 1 ? 0 : run;
    if (place < length) return place;
    throw new NodeFault(
      'item_not_paired',
      `${capital(inputName(i))} has ${length} items, but none for item ${run + 1} of ${inputName(leader)}.`,
      { remedy: 'Give both the same number of items, give one item for all, or pair the items by a key.' },
    );
  };
  return { leader, placesOf: (run) => inputs.map((_, i) => placeIn(i, run)) };
}

function pairedByKey(inputs: Inputs, key: string): Pairing {
  const keyed = inputs.map((items) => byKeyOf(items, key));
  const placesOf = (run: number) => {
    const value = keyText(fieldOf(inputs[0]?.[run]?.json, key), key);
    if (value === undefined) {
      throw new NodeFault('item_not_paired', `Item ${run + 1} of input 1 has no “${key}” to be paired by.`, {
        remedy: 'Correct the “Key Field”, or pair the items by position.',
      });
    }
    return keyed.map((byKey, i) => {
      if (i === 0) return run;
      const [found, ...more] = byKey.get(value) ?? [];
      if (found !== undefined && more.length === 0) return found;
      const many = found === undefined ? 'no item' : `${more.length + 1} items`;
      throw new NodeFault('item_not_paired', `${capital(inputName(i))} has ${many} whose “${key}” is ${value}.`, {
        remedy: 'Give it one item for each item of input 1, or correct the “Key Field”.',
      });
    });
  };
  return { leader: 0, placesOf };
}

/** The positions of the items with each value of the key. */
function byKeyOf(items: readonly INodeExecutionData[], key: string): Map<string | undefined, number[]> {
  const found = new Map<string | undefined, number[]>();
  for (const [place, item] of items.entries()) {
    const value = keyText(fieldOf(item.json, key), key);
    found.set(value, [...(found.get(value) ?? []), place]);
  }
  return found;
}

/** A number that is not exact pairs with items of others: JSON's 175928847299117063 is 175928847299117060 in a flow. */
function keyText(value: unknown, key: string): string | undefined {
  if (typeof value === 'string' || Number.isSafeInteger(value)) return JSON.stringify(String(value));
  if (typeof value !== 'number') return undefined;
  throw new NodeFault('item_not_paired', `“${key}” is a number that is not exact, so it may be that of another item.`, {
    remedy: 'Send it as text: in JSON, in quotation marks.',
  });
}

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

/** A parameter as the workflow saves it, by its path: the same for every item, with unresolved expressions. */
export type SavedParameters = (path: string) => unknown;

export function savedParameters(context: IExecuteFunctions): SavedParameters {
  const known = new Map<string, unknown>();
  return (path) => {
    if (!known.has(path)) known.set(path, context.getNodeParameter(path, 0, null, { rawExpressions: true }));
    return known.get(path);
  };
}

/**
 * The value of a parameter for a run: the value in the panel or, if the panel says so, a field of an input's item.
 * n8n's own expressions can use the run's item of the first input, which is at `place`, and items of a node by its name.
 */
export function parameterOf(
  context: IExecuteFunctions,
  saved: SavedParameters,
  path: string,
  place: number,
  objects: Objects,
): unknown {
  if (objects.length > 1) {
    const source = saved(inputNameOf(path));
    const input = typeof source === 'string' ? /^input(\d)$/.exec(source)?.[1] : undefined;
    if (input !== undefined) return fieldOfInput(context, path, place, objects, Number(input));
  }
  const raw = saved(path);
  if (raw === null) return absent;
  // n8n would search it for expressions, and for each search it builds everything that an expression can name.
  if (typeof raw !== 'object' && !isExpression(raw)) return raw;
  const dragged = draggedValue(raw, objects[0]);
  if (dragged !== undefined) return dragged;
  if (!isExpression(raw) || !/\binputs\s*\[/.test(raw)) {
    return context.getNodeParameter(path, place, null);
  }
  // Older workflows use `inputs[1]` in an expression: it is replaced by that input's object before n8n resolves it.
  const filled = raw
    .slice(1)
    .replaceAll(/\{\{(.*?)\}\}/gs, (part) => part.replaceAll(/(?<![\w$.])inputs(?=\s*\[)/g, literalOf(objects)));
  return context.evaluateExpression(filled, place);
}

/** The expression that the editor writes when somebody drags a field of the input into a parameter. */
const draggedField = /^=\{\{\s*\$json\.([A-Za-z_]\w*)\s*\}\}$/;

/**
 * The text or number that such an expression names: n8n would build everything that an expression can name, for each
 * item. Of any other value or expression n8n itself decides what it means.
 */
function draggedValue(raw: unknown, item: IDataObject | undefined): string | number | undefined {
  const field = isExpression(raw) ? draggedField.exec(raw)?.[1] : undefined;
  if (field === undefined || item === undefined || !Object.hasOwn(item, field)) return undefined;
  const value = item[field];
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

function fieldOfInput(
  context: IExecuteFunctions,
  path: string,
  place: number,
  objects: Objects,
  input: number,
): unknown {
  const label = labelOf(path);
  const wrong = (what: string) =>
    new NodeFault('missing_parameter', `Missing required property: ${label}. ${what}`, {
      remedy: `Correct the field of “${label}”, or take it from another input.`,
    });
  if (input > objects.length) throw wrong(`It is taken from input ${input}, but the node has ${objects.length}.`);
  const field = context.getNodeParameter(fieldNameOf(path), place, '');
  const value = typeof field === 'string' && field !== '' ? fieldOf(objects[input - 1], field) : undefined;
  if (value === undefined || value === null) throw wrong(`Input ${input} has no “${field}”.`);
  return value;
}

const isExpression = (raw: unknown): raw is string => typeof raw === 'string' && raw.startsWith('=');
const inputName = (i: number) => `input ${i + 1}`;
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** The objects as an expression without braces, because braces would end the surrounding expression. */
function literalOf(objects: Objects): string {
  const json = JSON.stringify(JSON.stringify(objects.map((object) => object ?? null)));
  const escaped = json.replaceAll('{', '\\u007b').replaceAll('}', '\\u007d');
  // `$` has a special meaning in a replacement.
  return `JSON.parse(${escaped})`.replaceAll('$', '$$$$');
}
