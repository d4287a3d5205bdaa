import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static, type TObject, type TSchema } from 'typebox';
import { limits } from '../../domain/limits.ts';
import { CurfewError, type ErrorCode } from '../../errors.ts';
import { cookiesNamed } from '../../http/cookies.ts';
import { jsonParser } from '../../http/json.ts';

export const modes = ['cookie', 'json', 'session'] as const;
export type Mode = (typeof modes)[number];

export const refreshCookie = 'directus_refresh_token';
export const sessionCookie = 'directus_session_token';

/*
 * The shapes of the bodies. Directus validates a sign-in with Joi, and everything else by hand: there, an empty value
 * counts as missing.
 */

const emptyIsMissing = { 'x-empty': 'missing' };

export const loginBody = Type.Object({
  email: Type.String({ format: 'email', maxLength: limits.email }),
  password: Type.String({ minLength: 1 }),
  mode: Type.Optional(Type.Unsafe<Mode>({ type: 'string', enum: [...modes] })),
  otp: Type.Optional(Type.String({ minLength: 1 })),
});
/** Of any type, as in Directus: a value that is not a string is an unknown token, or no mode. */
export const refreshBody = Type.Object({
  refresh_token: Type.Optional(Type.Unknown(emptyIsMissing)),
  mode: Type.Optional(Type.Unknown(emptyIsMissing)),
});
export const passwordBody = Type.Object({ password: Type.String(emptyIsMissing) });
export const secretBody = Type.Object({ secret: Type.String(emptyIsMissing), otp: Type.String(emptyIsMissing) });
export const otpBody = Type.Object({ otp: Type.String(emptyIsMissing) });

/** Accepts bodies as Directus does: an empty body counts as `{}`, and so does one that is not sent as JSON. */
export function takeBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, jsonParser(app, undefined));
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null, undefined));
  app.setValidatorCompiler(
    ({ schema }) =>
      (value: unknown) =>
        checkBody(schema as unknown as TObject, value),
  );
}

/** Checks one field after the other, and returns the first error in Directus's words; unknown fields are allowed. */
function checkBody(shape: TObject, value: unknown): { value: object } | { error: CurfewError } {
  if (value !== null && (typeof value !== 'object' || Array.isArray(value))) {
    return { error: wrong('body_not_json', '"value" must be of type object') };
  }
  const body: Record<string, unknown> = { ...value };
  // A shape without required fields has no list of them.
  const required: readonly string[] = shape.required ?? [];
  for (const [name, field] of Object.entries<TSchema>(shape.properties)) {
    if ('x-empty' in field && !body[name]) delete body[name];
    const fault = faultOf(name, body[name], field, required.includes(name));
    if (fault) return { error: fault };
  }
  return { value: body };
}

type Field = { type?: 'string'; enum?: readonly unknown[]; minLength?: number; maxLength?: number; format?: string };

function faultOf(name: string, value: unknown, field: Field, required: boolean): CurfewError | undefined {
  const { type, enum: allowed, minLength = 0, maxLength = Number.POSITIVE_INFINITY, format } = field;
  if (value === undefined) return required ? wrong('missing_field', `"${name}" is required`) : undefined;
  if (allowed && !allowed.includes(value)) {
    return wrong('invalid_value', `"${name}" must be one of [${allowed.join(', ')}]`);
  }
  if (type === undefined) return undefined;
  if (typeof value !== 'string') return wrong('wrong_type', `"${name}" must be a string`);
  if (value === '' && (minLength > 0 || format)) {
    return wrong('invalid_value', `"${name}" is not allowed to be empty`);
  }
  if (format === 'email' && (value.length > maxLength || !isEmail(value))) {
    return wrong('invalid_value', `"${name}" must be a valid email`);
  }
  return undefined;
}

/** Requires a local part, and a domain of two labels or more. */
function isEmail(text: string): boolean {
  return text.isWellFormed() && /^[^\s@\p{Cc}]+@[^\s@.\p{Cc}]+(?:\.[^\s@.\p{Cc}]+)+$/u.test(text);
}

function wrong(code: ErrorCode, detail: string): CurfewError {
  return new CurfewError(code, { detail });
}

/**
 * The access token that a program sends: in the header or the query, but not in both (RFC 6750 §2). Other authorization
 * schemes and repeated parameters are ignored.
 */
export function decodeBearer(request: FastifyRequest): string | undefined {
  const { access_token: inQuery } = request.query as Record<string, unknown>;
  const inHeader = /^bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const asked = typeof inQuery === 'string' && inQuery !== '' ? inQuery : undefined;
  if (asked !== undefined && inHeader !== undefined) {
    throw wrong('invalid_value', 'The request uses more than one method for including an access token');
  }
  return inHeader ?? asked;
}

/** All of this dialect's cookies in a request, by name. */
export function decodeCookies(request: FastifyRequest): { refresh: string[]; session: string[] } {
  return { refresh: cookiesNamed(request, refreshCookie), session: cookiesNamed(request, sessionCookie) };
}

/**
 * The mode of a refresh or a log-out, and at least one credential from the place where that mode keeps it; no mode
 * looks elsewhere.
 */
export function decodeRefresh(
  { refresh_token: given, mode = given === undefined ? 'cookie' : 'json' }: Static<typeof refreshBody>,
  request: FastifyRequest,
): { mode: Mode; credentials: string[] } {
  const { refresh, session } = decodeCookies(request);
  const sources: Record<Mode, string[]> = {
    json: given === undefined ? [] : [typeof given === 'string' ? given : JSON.stringify(given)],
    cookie: refresh,
    session,
  };
  const known = modes.find((one) => one === mode);
  if (known && sources[known].length > 0) return { mode: known, credentials: sources[known] };
  throw wrong('missing_field', 'The refresh token is required in either the payload or cookie');
}

/**
 * The requested fields: a list, repeated, or separated by commas. Each has the second parts of its paths: those of
 * `role.name` and `role.id` are `name` and `id`. Nothing here is deeper.
 */
export function decodeFields(request: FastifyRequest): Map<string, Set<string>> {
  const query = request.query as Record<string, string | string[] | undefined>;
  const asked = [query['fields'], query['fields[]']].flat().filter((text) => text !== undefined);
  const fields = new Map<string, Set<string>>();
  for (const path of asked.flatMap((text) => text.split(','))) {
    const [head, part] = path.trim().split('.');
    if (!head) continue;
    const parts = fields.get(head) ?? new Set();
    fields.set(head, part ? parts.add(part) : parts);
  }
  return fields;
}
