/** A field that a person fills in: of an operation, of a credential, or of a request. */
export type Parameter = {
  /** As workflows save it. */
  readonly name: string;
  /** The API's name for it, if that differs. */
  readonly field?: string;
  readonly label: string;
  /** One sentence or more; the first must make sense alone. */
  readonly help: string;
  readonly kind: 'text' | 'secret' | 'texts' | 'integer' | 'flag' | 'choice' | 'json';
  readonly required?: true;
  /** Of a credential, whose other fields people paste: spaces at its ends belong to it, as in a chosen password. */
  readonly verbatim?: true;
  readonly fallback?: string | number | boolean;
  readonly placeholder?: string;
  /** The property of the input from which its value is taken by default. */
  readonly from?: string;
  /** For an integer its bounds; for text its length in bytes of UTF-8; for a list the number of texts. */
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly Choice[];
  /** Optional, and offered in a list of further fields. */
  readonly extra?: true;
  /** Optional; but if it is given, an empty value is an error, because it would select more sessions. */
  readonly narrows?: true;
  /** Shown and read only while other parameters have one of these values. */
  readonly when?: Readonly<Record<string, readonly (string | boolean)[]>>;
  /** What is wrong with a text, as a phrase that follows the parameter's name; undefined if it is valid. */
  readonly check?: (text: string) => string | undefined;
};

export type Choice = { readonly value: string; readonly label: string; readonly help?: string };

/** Stands for a value that was not given, neither as text nor as an expression. */
export const absent: unique symbol = Symbol('absent');

/** The values of the parameters, by name. A parameter that was left empty is missing. */
export type Values = Readonly<Record<string, unknown>>;

/** Accessors for values that have been read: their types are certain. */
export const textOf = (values: Values, name: string): string | undefined => values[name] as string | undefined;
export const textsOf = (values: Values, name: string): string[] | undefined => values[name] as string[] | undefined;
export const integerOf = (values: Values, name: string): number | undefined => values[name] as number | undefined;
export const flagOf = (values: Values, name: string): boolean => values[name] === true;
/** @throws when the parameter is not a required one. */
export function requiredText(values: Values, name: string): string {
  const text = textOf(values, name);
  if (text === undefined) throw new TypeError(`${name} was read as one that may be absent`);
  return text;
}

/** Whether a parameter applies, given the other values. */
export function applies(parameter: Parameter, given: Values): boolean {
  return Object.entries(parameter.when ?? {}).every(([name, values]) => values.some((value) => value === given[name]));
}

/** The given values of some parameters, under the API's names. */
export function fieldsOf(parameters: readonly Parameter[], values: Values): Record<string, unknown> {
  return Object.fromEntries(parameters.map(({ name, field = name }) => [field, values[name]]));
}
