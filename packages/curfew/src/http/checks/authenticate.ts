import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../authority/caller.ts';
import type { Authority } from '../../authority/index.ts';
import { CurfewError, type ErrorCode, type ErrorFacts, isCurfewError } from '../../errors.ts';
import { cookiesNamed } from '../cookies.ts';

export const sessionCookie = '__Host-curfew';

type WithHeaders = Pick<IncomingMessage, 'headers'>;

export const authenticationErrors: readonly ErrorCode[] = [
  'authentication_required',
  'token_malformed',
  'token_unknown',
  'key_revoked',
  'session_ended',
  'session_suspended',
];

/**
 * The caller must authenticate: with an API key or a session token in `Authorization: Bearer`, or with the session
 * cookie. The header takes precedence, because a program sends it only on purpose. Of several cookies, the first valid
 * one is used.
 */
export async function authenticate(authority: Authority, request: FastifyRequest): Promise<Caller> {
  const bearer = bearerOf(request);
  if (bearer !== undefined) return notOfBrowsers(await authority.authenticate(bearer));
  const cookies = cookiesNamed(request, sessionCookie);
  if (cookies.length === 0) throw unauthenticated(request);
  return firstThatHolds(cookies, (token) => authority.authenticateSession(token));
}

/**
 * A key without scopes is for browsers, where everybody can read it. The dialect that needs one only checks that it is
 * a key; here it is refused, even for what any other key may do.
 */
function notOfBrowsers(caller: Caller): Caller {
  if (caller.kind !== 'key' || caller.granted.size > 0) return caller;
  throw new CurfewError('permission_missing', {
    detail: `The key named ${caller.key.name} has no scopes: it is for browsers, and only the Altogic dialect accepts it.`,
  });
}

/** The tokens that a request carries: the one in its header or, without a header, those in its cookies. */
export function tokensOf(request: WithHeaders): string[] {
  const bearer = bearerOf(request);
  return bearer === undefined ? cookiesNamed(request, sessionCookie) : [bearer];
}

/** Whether the caller authenticates by cookie, which a browser sends even if another site makes it send the request. */
export function sentByCookie(request: FastifyRequest): boolean {
  return bearerOf(request) === undefined && cookiesNamed(request, sessionCookie).length > 0;
}

/** The result of the first valid credential; if all fail with an error in `none`, the first one's error. */
export async function firstThatHolds<Result>(
  credentials: readonly string[],
  use: (credential: string) => Promise<Result>,
  none: readonly ErrorCode[] = authenticationErrors,
): Promise<Result> {
  const [first, ...others] = credentials;
  try {
    return await use(first!);
  } catch (error) {
    if (!isCurfewError(error, ...none)) throw error;
    for (const other of others) {
      const found = await use(other).catch((fault: unknown) => {
        if (!isCurfewError(fault, ...none)) throw fault;
      });
      if (found !== undefined) return found as Result;
    }
    throw error;
  }
}

/** Other schemes are ignored: a proxy in front may require one of its own. */
export function bearerOf({ headers: { authorization } }: WithHeaders): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}

/** The error for a request without a token. */
export function unauthenticated(request: WithHeaders): CurfewError {
  return new CurfewError('authentication_required', otherScheme(request));
}

function otherScheme({ headers: { authorization } }: WithHeaders): ErrorFacts {
  return authorization === undefined ? {} : { detail: 'The Authorization header is not `Bearer <token>`.' };
}
