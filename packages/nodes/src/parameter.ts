/** What a person fills in: of an operation, of a credential, or of a request. */
export type Parameter = {
  /** As workflows save it. */
  readonly name: string;
  /** What the API calls it, where that is not its name. */
  readonly field?: string;
  readonly label: string;
  /** One sentence or more; the first stands alone. */
  readonly help: string;
  readonly kind: 'text' | 'secret' | 'texts' | 'integer' | 'flag' | 'choice' | 'json';
  readonly required?: true;
  readonly fallback?: string | number | boolean;
  readonly placeholder?: string;
  /** The property of what comes in that it is taken from, until somebody says otherwise. */
  readonly from?: string;
  /** Of an integer its bounds; of text its bytes of UTF-8; of a list the number of texts. */
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly Choice[];
  /** Optional, and so out of the way: offered in a list of further fields. */
  readonly extra?: true;
  /** Optional; but once it is given, by a field or an expression, nothing is an error: more sessions would be meant. */
  readonly narrows?: true;
  /** Shown, and read, only while other parameters have one of these values. */
  readonly when?: Readonly<Record<string, readonly (string | boolean)[]>>;
  /** What is wrong with a text, in words that go on after the parameter's name; undefined when nothing is. */
  readonly check?: (text: string) => string | undefined;
};

export type Choice = { readonly value: string; readonly label: string; readonly help?: string };

/** In the place of a value that nobody gave: no text, and no expression. */
export const absent: unique symbol = Symbol('absent');

/** What was read of the parameters, by name. A parameter that was left empty is not there. */
export type Values = Readonly<Record<string, unknown>>;

/** The values of parameters that have been read: their kinds are certain. */
export const textOf = (values: Values, name: string): string | undefined => values[name] as string | undefined;
export const textsOf = (values: Values, name: string): string[] | undefined => values[name] as string[] | undefined;
export const integerOf = (values: Values, name: string): number | undefined => values[name] as number | undefined;
export const flagOf = (values: Values, name: string): boolean => values[name] === true;
/** @throws when the parameter is not one that must be given. */
export function requiredText(values: Values, name: string): string {
  const text = textOf(values, name);
  if (text === undefined) throw new TypeError(`${name} was read as one that may be absent`);
  return text;
}

/** Whether a parameter counts, with what else was given. */
export function applies(parameter: Parameter, given: Values): boolean {
  return Object.entries(parameter.when ?? {}).every(([name, values]) => values.some((value) => value === given[name]));
}

/** What was given of some parameters, under the API's names. */
export function fieldsOf(parameters: readonly Parameter[], values: Values): Record<string, unknown> {
  return Object.fromEntries(parameters.map(({ name, field = name }) => [field, values[name]]));
}
