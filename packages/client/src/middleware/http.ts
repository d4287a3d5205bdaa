import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type Cookie, cookieHeaders } from './cookies.ts';
import { type Helpers, helpersOf } from './helpers.ts';
import {
  type AppSession,
  type Refused,
  type Requirement,
  type SessionOptions,
  Sessions,
  type VerifierSource,
} from './sessions.ts';

/** A request whose session was found active. */
export type SessionRequest = IncomingMessage & { curfewSession: AppSession };

/** Wraps a listener; and the helpers, each of which takes the response. */
export type HttpSessions = Helpers<ServerResponse> &
  ((
    requirement: Requirement,
    handle: (request: SessionRequest, response: ServerResponse) => unknown,
  ) => RequestListener);

/**
 * Sessions for a plain `node:http` server.
 *
 *     const requireSession = httpSessions(verifier);
 *     createServer(requireSession({ groups: ['staff'] }, (request, response) => response.end(request.curfewSession.userId)));
 */
export function httpSessions(verifier: VerifierSource, options: SessionOptions = {}): HttpSessions {
  const sessions = new Sessions(verifier, options);
  const requireSession: (...given: Parameters<HttpSessions>) => RequestListener =
    (requirement, handle) => async (request, response) => {
      const found = await sessions.verifyRequest(request, requirement);
      if (isAnswered(response)) return;
      if ('refusal' in found) return sendRefusal(response, found);
      setCookies(response, found.cookies);
      handle(Object.assign(request, { curfewSession: found.session }), response);
    };
  return Object.assign(requireSession, nodeHelpers(sessions));
}

export function nodeHelpers(sessions: Sessions): Helpers<ServerResponse> {
  return helpersOf<ServerResponse>(sessions, (response) => response.req, setCookies);
}

/** Whether the request was answered while its session was looked up, such as by a time-out: nothing more can be sent. */
export function isAnswered(response: ServerResponse): boolean {
  return response.headersSent || response.writableEnded;
}

export function setCookies(response: ServerResponse, cookies: readonly Cookie[]): void {
  for (const [name, value] of cookieHeaders(cookies)) {
    if (name === 'set-cookie') response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
}

export function sendRefusal(response: ServerResponse, { refusal, cookies }: Refused): void {
  setCookies(response, cookies);
  response.writeHead(refusal.status, refusal.headers).end(JSON.stringify(refusal.body));
}
