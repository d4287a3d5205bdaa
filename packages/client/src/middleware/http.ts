import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { VerifiedSession } from '../protocol/index.ts';
import { examine, type Refusal, type Requirement, type SessionOptions, type SessionVerifier } from './sessions.ts';

/** A request whose session was found active. */
export type SessionRequest = IncomingMessage & { curfewSession: VerifiedSession };

/**
 * Sessions for a plain `node:http` server.
 *
 *     const requireSession = httpSessions(verifier);
 *     createServer(requireSession({ groups: ['staff'] }, (request, response) => response.end(request.curfewSession.userId)));
 */
export function httpSessions(
  verifier: SessionVerifier,
  options: SessionOptions = {},
): (
  requirement: Requirement,
  handle: (request: SessionRequest, response: ServerResponse) => unknown,
) => RequestListener {
  return (requirement, handle) => async (request, response) => {
    const found = await examine(verifier, request, requirement, options);
    if ('refusal' in found) sendRefusal(response, found.refusal);
    else handle(Object.assign(request, { curfewSession: found.session }), response);
  };
}

export function sendRefusal(response: ServerResponse, { status, headers, body }: Refusal): void {
  response.writeHead(status, headers).end(JSON.stringify(body));
}
