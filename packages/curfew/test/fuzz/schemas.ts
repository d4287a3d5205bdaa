import fc from 'fast-check';

/** A JSON schema, limited to what the schemas of requests use. */
export type Schema = {
  $ref?: string;
  $id?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  examples?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  patternProperties?: Record<string, Schema>;
  items?: Schema;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
};

/** Named schemas, by `$id`. */
export type Shapes = Readonly<Record<string, Schema>>;

/**
 * A placeholder in a request for the n-th of a kind of living thing, such as a session that exists when the request is
 * sent. It survives JSON and a URL unchanged.
 */
export const placeholder = (kind: string, n: number): string => `~${kind}.${n}~`;
export const fillIn = (text: string, livingOf: (kind: string, n: number) => string): string =>
  text.replaceAll(/~(\w+)\.(\d+)~/g, (_, kind: string, n: string) => livingOf(kind, Number(n)));

/** The living things that a property accepts, by its name; in a path, by the name of the part before it. */
const kinds: [name: RegExp, kinds: [string, ...string[]]][] = [
  [/pass/i, ['password']],
  [/^(totp|otp|code)$/i, ['code']],
  [/refresh/i, ['refresh', 'issued', 'ended']],
  [/token|jwt/i, ['token', 'refresh', 'ended', 'sessionId']],
  [/account.*id$/i, ['accountId']],
  [/key/i, ['keyId', 'group']],
  [/group|^(add|remove)$/i, ['group']],
  [/^user$/i, ['username', 'userId', 'email']],
  [/user_?id/i, ['userId', 'accountId']],
  [/(^|_)(id|except|session|sessionId|session_id)$/i, ['sessionId', 'accountId', 'keyId', 'ended']],
  [/mail/i, ['email']],
  [/name/i, ['name', 'username']],
];

/** Values that fulfil a schema and are mostly meaningful: an existing session rather than any text. */
export function valuesOf(schema: Schema, shapes: Shapes, name = ''): fc.Arbitrary<unknown> {
  const { type, properties } = schema;
  if (schema.$ref !== undefined) return valuesOf(shapes[schema.$ref.replace(/#$/, '')] ?? {}, shapes, name);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return fc.oneof(...options.map((option) => valuesOf(option, shapes, name)));
  if (schema.allOf) return valuesOf(Object.assign({}, ...schema.allOf), shapes, name);
  if (Array.isArray(type)) return fc.oneof(...type.map((one) => valuesOf({ ...schema, type: one }, shapes, name)));
  if (type === 'string') return textsOf(schema, name);
  if (type === 'integer' || type === 'number') {
    const { minimum = -10, maximum = 1000 } = schema;
    const small = fc.integer({ min: minimum, max: Math.min(maximum, minimum + 200) });
    return fc.oneof(small, fc.constantFrom(minimum, maximum));
  }
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  if (type === 'array') return fc.array(valuesOf(schema.items ?? {}, shapes, name), { maxLength: 4 });
  if (type === 'object' || properties) return objectsOf(schema, shapes);
  return fc.jsonValue({ maxDepth: 2 });
}

function textsOf({ maxLength = 64, examples = [] }: Schema, name: string): fc.Arbitrary<string> {
  const known = kinds.find(([pattern]) => pattern.test(name))?.[1];
  const any = fc.string({ maxLength: Math.min(maxLength, 64), unit: 'grapheme' });
  const shown = examples.filter((example) => typeof example === 'string');
  return fc.oneof(
    { weight: 1, arbitrary: any },
    ...(shown.length > 0 ? [{ weight: 2, arbitrary: fc.constantFrom(...shown) }] : []),
    ...(known ? [{ weight: 6, arbitrary: living(known) }] : []),
  );
}

/** One of some kinds, mostly of the first; only a few names and passwords, so that some of them match. */
export function living(of: readonly [string, ...string[]]): fc.Arbitrary<string> {
  const kind = fc.oneof({ weight: 3, arbitrary: fc.constant(of[0]) }, fc.constantFrom(...of));
  return fc
    .tuple(kind, fc.nat(30))
    .map(([one, n]) => placeholder(one, ['username', 'email', 'password'].includes(one) ? n % 3 : n));
}

function objectsOf(schema: Schema, shapes: Shapes): fc.Arbitrary<Record<string, unknown>> {
  const { properties = {}, required = [], additionalProperties, patternProperties } = schema;
  const parts = Object.fromEntries(
    Object.entries(properties).map(([name, part]) => [name, valuesOf(part, shapes, name)]),
  );
  const declared = fc.record(parts, { requiredKeys: required.filter((name) => name in parts) });
  const more = Object.values(patternProperties ?? {})[0] ?? additionalProperties;
  if (typeof more !== 'object') return declared;
  const others = fc.dictionary(fc.string({ maxLength: 10 }), valuesOf(more, shapes), { maxKeys: 3 });
  return fc.tuple(others, declared).map(([some, named]) => ({ ...some, ...named }));
}

/** Malicious values. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0.5,
    2 ** 53,
    1e308,
    '',
    ' ',
    '\u0000',
    '\ud800',
    '\u202e',
    'аdmin',
    '__proto__',
    '../../etc/passwd',
    '%00',
    '%2e%2e%2f',
    '$where',
    '{"$gt":""}',
    '^(a+)+$',
    "' OR 1=1 --",
    '<script>',
    'x'.repeat(5000),
    '😀'.repeat(100),
    [],
    {},
    [[[[[[[[[[]]]]]]]]]],
    { $ne: null },
    { constructor: { prototype: { polluted: true } } },
  ),
  fc.jsonValue({ maxDepth: 3 }),
  living(['sessionId', 'accountId', 'keyId', 'name', 'username']),
);

/** An object with one thing wrong: a part missing, one too many, or one with another value. */
export function spoiled(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(values, fc.nat(20), fc.constantFrom('drop', 'add', 'change'), hostile)
    .map(([value, at, how, bad]) => {
      if (typeof value !== 'object' || value === null) return bad;
      const entries = Object.entries(value);
      const index = entries.length === 0 ? 0 : at % entries.length;
      if (how === 'add' || entries.length === 0) entries.push([typeof bad === 'string' ? bad : 'unknown', bad]);
      else if (how === 'drop') entries.splice(index, 1);
      else entries[index] = [entries[index]![0], bad];
      return Object.fromEntries(entries);
    });
}
