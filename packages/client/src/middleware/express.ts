import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Helpers } from './helpers.ts';
import { isAnswered, nodeHelpers, sendRefusal, setCookies } from './http.ts';
import { type AppSession, type Requirement, type SessionOptions, Sessions, type VerifierSource } from './sessions.ts';

declare global {
  namespace Express {
    interface Request {
      /**
       * Set by `requireSession`: the active session. The name is not `session`, because other middleware, such as
       * `express-session`, uses that.
       */
      curfewSession: AppSession;
    }
  }
}

export type ExpressMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

/** Makes middleware; and the helpers, each of which takes the response. */
export type ExpressSessions = Helpers<ServerResponse> & ((requirement?: Requirement) => ExpressMiddleware);

/**
 * Sessions for Express.
 *
 *     const requireSession = expressSessions(verifier);
 *     app.get('/admin', requireSession({ groups: ['staff'] }), (request, response) => response.json(request.curfewSession));
 */
export function expressSessions(verifier: VerifierSource, options: SessionOptions = {}): ExpressSessions {
  const sessions = new Sessions(verifier, options);
  const requireSession =
    (requirement: Requirement = {}): ExpressMiddleware =>
    async (request, response, next) => {
      const found = await sessions.verifyRequest(request, requirement);
      if (isAnswered(response)) return;
      if ('refusal' in found) return sendRefusal(response, found);
      setCookies(response, found.cookies);
      Object.assign(request, { curfewSession: found.session });
      next();
    };
  return Object.assign(requireSession, nodeHelpers(sessions));
}
