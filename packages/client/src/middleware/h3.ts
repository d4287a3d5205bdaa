import { type Cookie, cookieHeaders } from './cookies.ts';
import { type Helpers, helpersOf } from './helpers.ts';
import { type AppSession, type Requirement, type SessionOptions, Sessions, type VerifierSource } from './sessions.ts';
import { addHeaders, refusalResponse } from './web.ts';

/** What an event of h3 (version 2) has, as far as it is needed here. */
export type H3Event = { req: Request; res: { headers: Headers; errHeaders: Headers }; context: object };

export type H3Middleware = (event: H3Event) => Promise<Response | undefined>;

/** Makes middleware; and the helpers, each of which takes the event. */
export type H3Sessions = Helpers<H3Event> & {
  (requirement?: Requirement): H3Middleware;
  /** The session that the middleware found, also in `event.context.curfewSession`. @throws `TypeError` if it did not run */
  of(event: H3Event): AppSession;
};

/**
 * Sessions for h3.
 *
 *     const requireSession = h3Sessions(verifier);
 *     app.get('/admin', (event) => requireSession.of(event), { middleware: [requireSession({ groups: ['staff'] })] });
 */
export function h3Sessions(verifier: VerifierSource, options: SessionOptions = {}): H3Sessions {
  const sessions = new Sessions(verifier, options);
  const requireSession =
    (requirement: Requirement = {}): H3Middleware =>
    async (event) => {
      const found = await sessions.verifyRequest(event.req, requirement);
      if ('refusal' in found) return refusalResponse(found);
      setCookies(event, found.cookies);
      Object.assign(event.context, { curfewSession: found.session });
      return undefined;
    };
  const of = ({ context }: H3Event) => {
    const { curfewSession } = context as { curfewSession?: AppSession };
    if (curfewSession) return curfewSession;
    throw new TypeError('The route has no middleware that requires a session.');
  };
  return Object.assign(
    requireSession,
    { of },
    helpersOf<H3Event>(sessions, (event) => event.req, setCookies),
  );
}

function setCookies(event: H3Event, cookies: readonly Cookie[]): void {
  // An answer with an error has headers of its own; without the cookies, the browser would keep tokens of the past.
  for (const headers of [event.res.headers, event.res.errHeaders]) addHeaders(headers, cookieHeaders(cookies));
}
