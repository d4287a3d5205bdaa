import { NodeFault } from './fault.ts';
import { absent, applies, type Parameter, type Values } from './parameter.ts';

/**
 * Reads the value that a flow gives for each parameter: the only place where a value from outside becomes trusted.
 * `give` returns the value of a parameter, with its expressions resolved, or `absent`.
 * @throws `NodeFault` that names the parameter and the remedy: `missing_parameter`, `invalid_parameter`
 */
export function readParameters(parameters: readonly Parameter[], give: (parameter: Parameter) => unknown): Values {
  const values: Record<string, unknown> = {};
  for (const parameter of parameters) {
    if (!applies(parameter, values)) continue;
    const value = readParameter(parameter, give(parameter));
    if (value !== undefined) values[parameter.name] = value;
  }
  return values;
}

function readParameter(parameter: Parameter, given: unknown): unknown {
  const value = unpadded(parameter, given);
  if (value === absent && parameter.fallback !== undefined)
    return parameter.fallback === '' ? undefined : parameter.fallback;
  if (value === absent || value === undefined || value === null || value === '') {
    if (parameter.required || (parameter.narrows && value !== absent)) throw missing(parameter, given);
    return parameter.fallback === '' ? undefined : parameter.fallback;
  }
  switch (parameter.kind) {
    case 'text':
    case 'secret':
      return readText(parameter, value);
    case 'texts':
      return readTexts(parameter, value);
    case 'integer':
      return readInteger(parameter, value);
    case 'flag':
      return readFlag(parameter, value);
    case 'choice':
      return readChoice(parameter, value);
    case 'json':
      return readJson(parameter, value);
  }
}

/** Spaces at the ends of a text belong to it: without them, the id of a user would be that of another one. */
function unpadded({ kind, verbatim }: Parameter, given: unknown): unknown {
  if (typeof given !== 'string' || verbatim) return given;
  const trimmed = given.trim();
  return trimmed !== '' && (kind === 'text' || kind === 'secret') ? given : trimmed;
}

function readText(parameter: Parameter, value: unknown): string {
  const text = textOfNumber(parameter, value);
  if (typeof text !== 'string') throw invalid(parameter, `must be text, but is ${kindOf(value)}.`);
  const bytes = Buffer.byteLength(text);
  if (parameter.max !== undefined && bytes > parameter.max) {
    throw invalid(parameter, `has ${bytes} bytes; the maximum is ${parameter.max}.`);
  }
  const wrong = parameter.check?.(text);
  if (wrong !== undefined) throw invalid(parameter, wrong);
  return text;
}

/** In flows, ids are often numbers. From 2^53 on, the number in a flow may already be that of another id. */
function textOfNumber(parameter: Parameter, value: unknown): unknown {
  if (typeof value !== 'number' || !Number.isFinite(value)) return value;
  if (!Number.isInteger(value)) throw invalid(parameter, 'must be text, but is a number with a fraction.');
  if (Number.isSafeInteger(value)) return String(value);
  const remedy = 'Send it as text: in JSON, in quotation marks.';
  throw invalid(parameter, 'is a number that is too large to be exact, so it may be another one.', remedy);
}

/** One text, several separated by commas, or a list, whose entries are taken as they are. */
function readTexts(parameter: Parameter, value: unknown): string[] {
  const given = typeof value === 'string' ? value.split(',').map((one) => one.trim()) : [value].flat();
  const texts = given.map((one: unknown) => textOfNumber(parameter, one));
  const wrong = texts.find((one) => typeof one !== 'string');
  if (wrong !== undefined)
    throw invalid(parameter, `must be a text or a list of texts, but contains ${kindOf(wrong)}.`);
  const unique = [...new Set((texts as string[]).filter((one) => one.trim() !== ''))];
  if (unique.length === 0) {
    if (parameter.required) throw missing(parameter, value);
    return [];
  }
  const { max = Number.POSITIVE_INFINITY } = parameter;
  if (unique.length > max) throw invalid(parameter, `has ${unique.length} entries; the maximum is ${max}.`);
  return unique;
}

function readInteger(parameter: Parameter, value: unknown): number {
  const number = typeof value === 'string' ? Number(value) : value;
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = parameter;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw invalid(parameter, `must be a whole number, but is ${kindOf(value)}.`);
  }
  if (number >= min && number <= max) return number;
  throw invalid(parameter, `is ${number}; it must be from ${min} to ${max}.`);
}

function readFlag(parameter: Parameter, value: unknown): boolean {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw invalid(parameter, `must be true or false, but is ${kindOf(value)}.`);
}

function readChoice(parameter: Parameter, value: unknown): string {
  const values = (parameter.choices ?? []).map((choice) => choice.value);
  if (typeof value === 'string' && values.includes(value)) return value;
  throw invalid(parameter, `must be one of ${values.join(', ')}.`);
}

function readJson(parameter: Parameter, value: unknown): unknown {
  if (typeof value !== 'string') return asObject(parameter, value);
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    throw invalid(parameter, 'is not valid JSON.');
  }
  return asObject(parameter, parsed);
}

function asObject(parameter: Parameter, value: unknown): object | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(parameter, `must be a JSON object, but is ${kindOf(value)}.`);
  }
  return Object.keys(value).length === 0 ? undefined : value;
}

function missing({ label, required }: Parameter, given: unknown): NodeFault {
  const is = given === undefined || given === null ? String(given) : 'empty';
  return new NodeFault('missing_parameter', `Missing required property: ${label}. It is ${is}.`, {
    remedy: `Fill in “${label}”, ${required ? 'or correct its expression' : 'correct its expression, or remove the field'}.`,
  });
}

function invalid({ label }: Parameter, what: string, remedy = `Correct “${label}” or its expression.`): NodeFault {
  return new NodeFault('invalid_parameter', `“${label}” ${what}`, { remedy });
}

/** The kind of a value, without the value itself: it may be a secret. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
