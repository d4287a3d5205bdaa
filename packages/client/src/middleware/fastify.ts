import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Cookie, cookieHeaders } from './cookies.ts';
import { type Helpers, helpersOf } from './helpers.ts';
import { type AppSession, type Requirement, type SessionOptions, Sessions, type VerifierSource } from './sessions.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `requireSession`: the active session. The name is not `session`, which `@fastify/session` uses. */
    curfewSession: AppSession;
  }
}

export type FastifyHook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Makes hooks; and the helpers, each of which takes the reply. */
export type FastifySessions = Helpers<FastifyReply> & ((requirement?: Requirement) => FastifyHook);

/**
 * Sessions for Fastify, as a hook.
 *
 *     const requireSession = fastifySessions(verifier);
 *     app.get('/admin', { onRequest: requireSession({ groups: ['staff'] }) }, async (request) => request.curfewSession);
 */
export function fastifySessions(verifier: VerifierSource, options: SessionOptions = {}): FastifySessions {
  const sessions = new Sessions(verifier, options);
  const requireSession =
    (requirement: Requirement = {}): FastifyHook =>
    async (request, reply) => {
      const found = await sessions.verifyRequest(request, requirement);
      setCookies(reply, found.cookies);
      if ('session' in found) {
        request.curfewSession = found.session;
        return undefined;
      }
      const { status, headers, body } = found.refusal;
      return reply.status(status).headers(headers).send(JSON.stringify(body));
    };
  return Object.assign(
    requireSession,
    helpersOf<FastifyReply>(sessions, (reply) => reply.request, setCookies),
  );
}

function setCookies(reply: FastifyReply, cookies: readonly Cookie[]): void {
  // Fastify adds to `set-cookie`, and replaces other headers.
  for (const [name, value] of cookieHeaders(cookies)) reply.header(name, value);
}
