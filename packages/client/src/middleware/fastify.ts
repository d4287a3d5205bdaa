import type { FastifyReply, FastifyRequest } from 'fastify';
import type { VerifiedSession } from '../protocol/index.ts';
import { examine, type Requirement, type SessionOptions, type SessionVerifier } from './sessions.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `requireSession`: the active session. The name is not `session`, which `@fastify/session` uses. */
    curfewSession: VerifiedSession;
  }
}

export type FastifyHook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/**
 * Sessions for Fastify, as a hook.
 *
 *     const requireSession = fastifySessions(verifier);
 *     app.get('/admin', { onRequest: requireSession({ groups: ['staff'] }) }, async (request) => request.curfewSession);
 */
export function fastifySessions(
  verifier: SessionVerifier,
  options: SessionOptions = {},
): (requirement?: Requirement) => FastifyHook {
  return (requirement = {}) =>
    async (request, reply) => {
      const found = await examine(verifier, request, requirement, options);
      if ('session' in found) {
        request.curfewSession = found.session;
        return undefined;
      }
      const { status, headers, body } = found.refusal;
      return reply.status(status).headers(headers).send(JSON.stringify(body));
    };
}
