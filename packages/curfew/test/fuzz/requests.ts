import fc from 'fast-check';
import type { Route as Registered } from '../support/routes.ts';
import { hostile, living, type Schema, type Shapes, spoiled, valuesOf } from './schemas.ts';

type Route = Registered<Schema>;

/** A request with placeholders, which are filled in when it is sent. */
export type Request = {
  route: Route;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
};

/** Any request to one of the routes: mostly right, often with one thing wrong, sometimes garbage. */
export function requests(routes: readonly Route[]): fc.Arbitrary<Request> {
  return fc.oneof(...routes.map(requestsTo));
}

function requestsTo(route: Route): fc.Arbitrary<Request> {
  return fc
    .record({ path: paths(route), credentials, extra: extraHeaders, body: bodies(route) })
    .map(({ path, credentials: shown, extra, body: { type, text } }) => ({
      route,
      path,
      headers: { ...shown, ...extra, ...(type !== undefined && { 'content-type': type }) },
      body: text,
    }));
}

function paths({ url, schema, shapes }: Route): fc.Arbitrary<string> {
  const names = [...url.matchAll(/([\w-]*)\/:(\w+)/g)].map(([, before, name]) => [before!, name!] as const);
  const part = ([before, name]: readonly [string, string]) => {
    const right = valuesOf(schema.params?.properties?.[name] ?? { type: 'string' }, shapes, `${before}_${name}`);
    return mostly(right, hostile).map((value) => encode(textOf(value)) || '%20');
  };
  const filled = fc.tuple(...names.map(part)).map((values) => {
    let next = 0;
    return url.replaceAll(/:\w+/g, () => values[next++]!);
  });
  const query = schema.querystring ? queries(schema.querystring, shapes) : mostly(fc.constant(''), rubbishQuery);
  return fc.tuple(filled, query).map(([path, search]) => (search === '' ? path : `${path}?${search}`));
}

const rubbishQuery = fc.constantFrom('x=1', 'a[]=1&a[]=2', '%', '=', '&&', '__proto__=1', 'sort={"$where":1}');

function queries(schema: Schema, shapes: Shapes): fc.Arbitrary<string> {
  const right = valuesOf(schema, shapes);
  const asText = (value: unknown) =>
    Object.entries((value ?? {}) as object)
      .map(([name, part]) => `${encode(name)}=${encode(textOf(part))}`)
      .join('&');
  const twice = right.map((value) => `${asText(value)}&${asText(value)}`);
  return fc.oneof(
    { weight: 7, arbitrary: right.map(asText) },
    { weight: 2, arbitrary: spoiled(right).map(asText) },
    { weight: 1, arbitrary: fc.oneof(twice, rubbishQuery) },
  );
}

type Body = { type: string | undefined; text: string | undefined };
const json = 'application/json';

function bodies({ method, schema, shapes }: Route): fc.Arbitrary<Body> {
  if (method === 'GET') return fc.constant({ type: undefined, text: undefined });
  const right = schema.body ? valuesOf(schema.body, shapes) : fc.constant(undefined);
  const asJson = (value: unknown): Body =>
    value === undefined ? { type: undefined, text: undefined } : { type: json, text: JSON.stringify(value) };
  return fc.oneof(
    { weight: 7, arbitrary: right.map(asJson) },
    { weight: 2, arbitrary: spoiled(right).map(asJson) },
    { weight: 1, arbitrary: rubbishBody },
  );
}

const rubbishBody: fc.Arbitrary<Body> = fc.record({
  type: fc.constantFrom(
    json,
    json,
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    `${json}; charset=utf-16`,
    'nonsense',
  ),
  text: fc.oneof(
    fc.constantFrom(
      undefined,
      '',
      '{',
      'null',
      '[]',
      '7',
      '"x"',
      'a=b&a=c&__proto__=d',
      '{"__proto__":{"polluted":true}}',
      '{"a":1,"a":2}',
      '\u0000',
      '\ufeff{}',
      '['.repeat(5000),
      JSON.stringify({ x: 'x'.repeat(70_000) }),
    ),
    fc.json(),
    fc.string(),
  ),
});

const often = <T>(weights: readonly (readonly [T, number])[]) =>
  fc.oneof(...weights.map(([value, weight]) => ({ weight, arbitrary: fc.constant(value) })));

/** The caller's credentials, in every place that one of the dialects may read. */
const credentials: fc.Arbitrary<Record<string, string>> = fc
  .tuple(
    often([
      ['key', 8],
      ['adminToken', 8],
      ['token', 4],
      ['ended', 1],
      ['refresh', 1],
      ['narrowKey', 1],
      ['mistyped', 1],
    ]),
    often([
      ['all', 12],
      ['raw', 2],
      ['bearer', 1],
      ['issued', 1],
      ['cookies', 1],
      ['none', 1],
    ]),
    fc.nat(30),
  )
  .map(([kind, how, n]) => {
    const one = `~${kind}.${n}~`;
    const session = kind === 'key' || kind === 'narrowKey' ? `~adminToken.${n}~` : one;
    const rest = {
      'x-user-id': `~ownerOf_${session.slice(1, -1).split('.')[0]}.${n}~`,
      'x-auth-token': session,
      'x-api-key': kind === 'narrowKey' ? one : `~key.${n}~`,
      'x-client-key': `~key.${n}~`,
      session,
    };
    switch (how) {
      case 'all':
        return { authorization: `Bearer ${one}`, ...rest };
      case 'raw':
        return { ...rest, authorization: `~key.${n}~` };
      case 'bearer':
        return { authorization: `Bearer ${one}` };
      case 'issued':
        return { ...rest, authorization: `Bearer ~issued.${n}~`, session: `~issued.${n}~` };
      case 'cookies': {
        const cookies = ['__Host-curfew', 'directus_session_token', 'directus_refresh_token'];
        return {
          cookie: cookies.map((name) => `${name}=${name.includes('refresh') ? `~issued.${n}~` : session}`).join('; '),
        };
      }
      default:
        return {};
    }
  });

const extraHeaders: fc.Arbitrary<Record<string, string>> = fc.record(
  {
    'x-2fa-code': mostly(living(['code']), printable(2000)),
    'user-agent': mostly(
      fc.constant('Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'),
      printable(2000),
    ),
    accept: fc.constantFrom('*/*', json, 'text/event-stream', 'x'),
    'sec-fetch-site': fc.constantFrom('same-origin', 'cross-site'),
    'last-event-id': fc.constantFrom('0', '-1', 'x'),
    'x-forwarded-for': printable(50),
  },
  { requiredKeys: [] },
);

function mostly<T>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 8, arbitrary: right }, { weight: 1, arbitrary: wrong });
}

/** The characters that a header may contain. */
function printable(maxLength: number): fc.Arbitrary<string> {
  return fc.string({ maxLength, unit: 'grapheme-ascii' }).map((text) => text.trim());
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Encodes for a URL, which cannot contain half of a surrogate pair. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).slice(0, 8000);
}
