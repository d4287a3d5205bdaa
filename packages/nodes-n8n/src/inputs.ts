import { absent } from 'curfew-nodes';
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

/** The items of each input. */
export type Inputs = INodeExecutionData[][];

export function inputsOf(context: IExecuteFunctions): Inputs {
  const count = context.getNodeInputs().filter(({ type }) => type === 'main').length;
  return Array.from({ length: Math.max(count, 1) }, (_, i) => context.getInputData(i));
}

/** What each input has for a run: the item of the same place, or the only one that there is. */
export function objectsOf(inputs: Inputs, run: number): (IDataObject | undefined)[] {
  return inputs.map((items) => (items.length === 1 ? items[0] : items[run])?.json);
}

/**
 * The value of a parameter for a run. n8n's expressions know the first input alone; where one says `inputs[1]`, that
 * input's object is put in its place before n8n resolves it.
 */
export function parameterOf(
  context: IExecuteFunctions,
  path: string,
  run: number,
  objects: readonly (IDataObject | undefined)[],
): unknown {
  const raw: unknown = context.getNodeParameter(path, run, null, { rawExpressions: true });
  if (raw === null) return absent;
  if (typeof raw !== 'string' || !raw.startsWith('=') || !/\binputs\s*\[/.test(raw)) {
    return context.getNodeParameter(path, run, null);
  }
  const filled = raw
    .slice(1)
    .replaceAll(/\{\{(.*?)\}\}/gs, (part) => part.replaceAll(/(?<![\w$.])inputs(?=\s*\[)/g, literalOf(objects)));
  return context.evaluateExpression(filled, run);
}

/** As an expression without braces, which would end the expression that it stands in. */
function literalOf(objects: readonly (IDataObject | undefined)[]): string {
  const json = JSON.stringify(JSON.stringify(objects.map((object) => object ?? null)));
  const escaped = json.replaceAll('{', '\\u007b').replaceAll('}', '\\u007d');
  // The replacement of a text reads $ as its own.
  return `JSON.parse(${escaped})`.replaceAll('$', '$$$$');
}
