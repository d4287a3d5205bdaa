import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { BrowseKey, BrowseOrder } from '../../authority/browse-sessions.ts';
import type { SignInRequest } from '../../authority/sign-in.ts';
import { limits } from '../../domain/limits.ts';
import { CurfewError } from '../../errors.ts';
import { decodeOrigin, header } from '../request.ts';

const short = Type.String({ maxLength: 4096 });

/**
 * `user` is a user name or an address, bare or in an object; `username` and `email` are explicit. `resume` is the token
 * of a session that the client still has, in place of a password.
 */
export const loginBody = Type.Object({
  user: Type.Optional(
    Type.Union([short, Type.Object({ username: Type.Optional(short), email: Type.Optional(short) })]),
  ),
  username: Type.Optional(short),
  email: Type.Optional(short),
  password: Type.Optional(short),
  resume: Type.Optional(short),
  code: Type.Optional(Type.Union([short, Type.Number()])),
});

export const sessionParams = Type.Object({ sessionId: short }, { additionalProperties: false });

/** Without a `userId`, the caller is meant. */
export const userParams = Type.Object(
  { userId: Type.Optional(Type.Union([short, Type.Null()])) },
  { additionalProperties: false },
);

const wholeNumber = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER - limits.pageMax });

export const pageParams = Type.Object(
  {
    count: Type.Optional(wholeNumber),
    offset: Type.Optional(wholeNumber),
    sort: Type.Optional(Type.String({ maxLength: 1024, examples: ['{"device.name":1}'] })),
    filter: Type.Optional(Type.String({ maxLength: limits.filter })),
  },
  { additionalProperties: false },
);

export type Login =
  | { resume: string }
  | Pick<SignInRequest, 'login' | 'password' | 'code' | 'userAgent' | 'ip' | 'name'>;

/** @throws `missing_field`, `invalid_credentials` */
export function decodeLogin(body: Static<typeof loginBody>, request: FastifyRequest): Login {
  const { password, resume } = body;
  // A password takes precedence, as in Rocket.Chat: it opens another session.
  if (password === undefined) {
    if (resume !== undefined) return { resume };
    throw new CurfewError('missing_field', { detail: "must have required property 'password'" });
  }
  return {
    login: loginOf(body),
    password,
    code: body.code === undefined ? header(request, 'x-2fa-code') : String(body.code),
    ...decodeOrigin(request),
  };
}

function loginOf({ user, username, email }: Static<typeof loginBody>): SignInRequest['login'] {
  const named = typeof user === 'object' ? user : { username, email };
  if (named.email !== undefined) return { email: named.email };
  const text = named.username ?? (typeof user === 'string' ? user : undefined);
  if (text === undefined) throw new CurfewError('invalid_credentials');
  return text.includes('@') ? { email: text } : { username: text };
}

/** The caller's credentials: a user id and a session token. */
export function decodeCredentials(request: FastifyRequest): { userId: string; token: string } | undefined {
  const [userId, token] = [header(request, 'x-user-id'), header(request, 'x-auth-token')];
  return userId && token ? { userId, token } : undefined;
}

/** The requested page size, up to the maximum; 0 means the maximum. */
export function decodePage({ count = limits.pageDefault, offset = 0 }: Static<typeof pageParams>): {
  limit: number;
  offset: number;
} {
  return { limit: count === 0 ? limits.pageMax : Math.min(count, limits.pageMax), offset };
}

/** Rocket.Chat's sort keys, and Curfew's. */
const keys = {
  loginAt: 'createdAt',
  'device.name': 'device',
  'device.os.name': 'os',
  'device.os.version': 'osVersion',
  '_user.username': 'username',
  '_user.name': 'displayName',
} as const satisfies Record<string, BrowseKey>;

/** Rocket.Chat distinguishes an invalid sort from one by an unknown key. */
export type WrongSort = 'wrong-sort' | 'wrong-sort-key';

/** Parses `{"device.name": 1, "loginAt": -1}`; by default, the latest sign-in comes first. */
export function decodeSort(text: string | undefined): BrowseOrder | WrongSort {
  if (text === undefined || text === '') return [];
  const entries = entriesOf(text);
  if (!entries?.every(([, direction]) => direction === 1 || direction === -1)) return 'wrong-sort';
  const order = entries.map(([key, direction]) => ({
    key: Object.hasOwn(keys, key) ? keys[key as keyof typeof keys] : undefined,
    down: direction === -1,
  }));
  return order.every((part): part is BrowseOrder[number] => part.key !== undefined) ? order : 'wrong-sort-key';
}

function entriesOf(text: string): [string, unknown][] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
  } catch {
    return undefined;
  }
}
