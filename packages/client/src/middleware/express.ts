import type { IncomingMessage, ServerResponse } from 'node:http';
import type { VerifiedSession } from '../protocol/index.ts';
import { sendRefusal } from './http.ts';
import { examine, type Requirement, type SessionOptions, type SessionVerifier } from './sessions.ts';

declare global {
  namespace Express {
    interface Request {
      /**
       * Set by `requireSession`: the active session. The name is not `session`, because other middleware, such as
       * `express-session`, uses that.
       */
      curfewSession: VerifiedSession;
    }
  }
}

export type ExpressMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

/**
 * Sessions for Express.
 *
 *     const requireSession = expressSessions(verifier);
 *     app.get('/admin', requireSession({ groups: ['staff'] }), (request, response) => response.json(request.curfewSession));
 */
export function expressSessions(
  verifier: SessionVerifier,
  options: SessionOptions = {},
): (requirement?: Requirement) => ExpressMiddleware {
  return (requirement = {}) =>
    async (request, response, next) => {
      const found = await examine(verifier, request, requirement, options);
      if ('refusal' in found) return sendRefusal(response, found.refusal);
      Object.assign(request, { curfewSession: found.session });
      next();
    };
}
