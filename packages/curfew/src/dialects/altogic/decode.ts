import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { SignInRequest } from '../../authority/sign-in.ts';
import { factorCode } from '../../http/checks/second-factor.ts';
import { decodeOrigin, header } from '../request.ts';

const short = Type.String({ maxLength: 4096 });

export const signInBody = Type.Object({ email: short, password: short });

/** Without a token, the caller's own session is meant. */
export const signOutBody = Type.Object({ token: Type.Optional(Type.Union([short, Type.Null()])) });

/** The client's previous session ends: signing in again leaves no old token behind. */
export function decodeSignIn({ email, password }: Static<typeof signInBody>, request: FastifyRequest): SignInRequest {
  return {
    ...decodeOrigin(request),
    login: { email },
    password,
    code: factorCode(request),
    previousTokens: [decodeSession(request)].filter((token) => token !== undefined),
  };
}

/** The application's key: its API key, in the header or the query, takes precedence over the client library's key. */
export function decodeKey(request: FastifyRequest): string | undefined {
  const { apikey } = request.query as Record<string, unknown>;
  const key = header(request, 'authorization') ?? apikey ?? header(request, 'x-client-key');
  return typeof key === 'string' && key !== '' ? key : undefined;
}

/** The user's session token. */
export function decodeSession(request: FastifyRequest): string | undefined {
  return header(request, 'session') || undefined;
}
