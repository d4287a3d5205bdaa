import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { SignInRequest } from '../../authority/sign-in.ts';
import { CurfewError } from '../../errors.ts';
import { decodeOrigin, header } from '../request.ts';

const short = Type.String({ maxLength: 4096 });

/** `user` is a user name or an address, bare or in an object; `username` and `email` say which. */
export const loginBody = Type.Object({
  user: Type.Optional(
    Type.Union([short, Type.Object({ username: Type.Optional(short), email: Type.Optional(short) })]),
  ),
  username: Type.Optional(short),
  email: Type.Optional(short),
  password: short,
  code: Type.Optional(Type.Union([short, Type.Number()])),
});

export const sessionBody = Type.Object({ sessionId: short }, { additionalProperties: false });

export function decodeLogin(
  body: Static<typeof loginBody>,
  request: FastifyRequest,
): Pick<SignInRequest, 'login' | 'password' | 'code' | 'userAgent' | 'ip' | 'name'> {
  return {
    login: loginOf(body),
    password: body.password,
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

/** Who says who they are: a user's id, and a session token. */
export function decodeCredentials(request: FastifyRequest): { userId: string; token: string } | undefined {
  const [userId, token] = [header(request, 'x-user-id'), header(request, 'x-auth-token')];
  return userId && token ? { userId, token } : undefined;
}
