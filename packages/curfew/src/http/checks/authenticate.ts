import type {} from '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../authority/caller.ts';
import type { Authority } from '../../authority/index.ts';
import { CurfewError, type ErrorCode } from '../../errors.ts';

export const sessionCookie = '__Host-curfew';

export const authenticationErrors: readonly ErrorCode[] = [
  'authentication_required',
  'token_malformed',
  'token_unknown',
  'key_revoked',
  'session_ended',
  'session_suspended',
];

/**
 * Whoever asks must say who they are: an API key or a session token in `Authorization: Bearer`, or the session cookie.
 * The header counts before the cookie: a program that sends one means it.
 */
export async function authenticate(authority: Authority, request: FastifyRequest): Promise<Caller> {
  const token = credentialOf(request);
  if (!token) throw new CurfewError('authentication_required');
  return token.from === 'cookie' ? authority.authenticateSession(token.text) : authority.authenticate(token.text);
}

/** The token that a request carries, and where: a cookie is sent by browsers on their own. */
export function credentialOf(request: FastifyRequest): { text: string; from: 'header' | 'cookie' } | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) {
    const text = /^Bearer +(\S+)$/i.exec(header)?.[1];
    if (text === undefined) {
      throw new CurfewError('authentication_required', { detail: 'The Authorization header is not `Bearer <token>`.' });
    }
    return { text, from: 'header' };
  }
  const cookie = request.cookies[sessionCookie];
  return cookie ? { text: cookie, from: 'cookie' } : undefined;
}
