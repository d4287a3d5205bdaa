import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { NamedRequest } from '../../authority/named-sessions.ts';
import { CurfewError } from '../../errors.ts';
import { header } from '../request.ts';

/** A field that may be absent or `null`, which is the same in WAHA. Unknown fields are ignored. */
const maybe = <Schema extends Type.TSchema>(schema: Schema) => Type.Optional(Type.Union([schema, Type.Null()]));

const name = maybe(Type.String());
const config = maybe(Type.Record(Type.String(), Type.Unknown()));

export const createBody = Type.Object({ name, config, start: maybe(Type.Boolean()) });
export const updateBody = Type.Object({ config });
export const startBody = Type.Object({ name, config });
export const stopBody = Type.Object({ name, logout: maybe(Type.Boolean()) });
export const logoutBody = Type.Object({ name });

const truths = ['true', 'True', '1'];
export const listQuery = Type.Object({
  all: Type.Optional(Type.Union([...truths, 'false', 'False', '0'].map((text) => Type.Literal(text)))),
});

export function decodeCreate(body: Static<typeof createBody>): NamedRequest & { start: boolean } {
  return { name: body.name || newName(), config: body.config ?? undefined, start: body.start ?? true };
}

/** A name as WAHA makes it for a session that is created without one. */
function newName(): string {
  return `session_${randomUUID().replaceAll('-', '')}`;
}

export function decodeStart(body: Static<typeof startBody>): NamedRequest {
  return { name: requireName(body), config: body.config ?? undefined };
}

/** The name that the deprecated calls have in their body. @throws `missing_field` */
export function requireName({ name }: { name?: string | null }): string {
  if (name) return name;
  throw new CurfewError('missing_field', { detail: 'The body has no name.' });
}

export function decodeAll({ all }: Static<typeof listQuery>): boolean {
  return all !== undefined && truths.includes(all);
}

/** The API key: the header takes precedence over the query. */
export function decodeKey(request: FastifyRequest): string | undefined {
  const key = header(request, 'x-api-key') ?? (request.query as Record<string, unknown>)['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}

/** The name of the session in a request's path or body, for messages. */
export function namedBy({ params, body }: FastifyRequest): string {
  const { name } = { ...(body as { name?: unknown } | undefined), ...(params as { name?: unknown }) };
  return typeof name === 'string' ? name : '';
}
