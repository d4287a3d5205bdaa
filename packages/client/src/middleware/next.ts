import type { Receipt, Session } from '../api.gen.ts';
import { type Cookie, cookieHeaders } from './cookies.ts';
import { helpersOf } from './helpers.ts';
import { type AnyRequest, headerOf, withCookies } from './request.ts';
import {
  type AppSession,
  type Found,
  type Requirement,
  type SessionOptions,
  Sessions,
  type SignIn,
  type VerifierSource,
} from './sessions.ts';
import { addHeaders, notStored, refusalResponse } from './web.ts';

export type NextOptions = SessionOptions & {
  /** `headers` of `next/headers`. */
  headers: () => Promise<{ get(name: string): string | null }>;
  /** `cookies` of `next/headers`. */
  cookies: () => Promise<{ set(name: string, value: string, options: Cookie['options']): unknown }>;
};

/** `next` of `NextResponse`. */
export type NextStep<Answer extends Response> = (init?: { request?: { headers?: Headers } }) => Answer;

export type NextSessions = {
  /** In a Server Component: the session, or why there is none. It sets no cookie, so it refreshes nothing. */
  read(requirement?: Requirement): Promise<Found>;
  /** In a Server Action, which is a write: the session, or why there is none. */
  act(requirement?: Requirement): Promise<Found>;
  /** Makes a route handler, which refuses requests without a session by itself. */
  route<Incoming extends Request, Context>(
    requirement: Requirement,
    handle: (request: Incoming, session: AppSession, context: Context) => Response | Promise<Response>,
  ): (request: Incoming, context: Context) => Promise<Response>;
  /**
   * In `proxy.ts`: replaces tokens in time, for the browser and for the page that is about to be rendered. It refuses
   * nothing: each page, action and route handler has to check its session itself.
   */
  proxy<Answer extends Response>(request: Request, next: NextStep<Answer>): Promise<Answer>;
  /**
   * In a Server Action or a route handler: opens a session for a user who has just proven who they are, sets its
   * cookies, and ends the session that the browser had. Pass the request in a route handler to which another site leads
   * back, such as an identity provider.
   * @throws `CurfewApiError`: `cross_site_refused` if another site's page sent the request, or the server's error
   */
  signIn(input: SignIn, request?: AnyRequest): Promise<Session>;
  /**
   * In a Server Action or a route handler: replaces the tokens of the browser at once.
   * @throws `CurfewApiError`: `authentication_required`, `cross_site_refused`, or the server's error
   */
  refresh(): Promise<Session>;
  /**
   * In a Server Action or a route handler: ends the browser's session and removes its cookies.
   * @returns the receipt; `undefined` if there was no session
   * @throws `CurfewApiError`: `cross_site_refused`, or the server's error; then session and cookies remain
   */
  logOut(): Promise<Receipt | undefined>;
};

/**
 * Sessions for the App Router of Next.js.
 *
 *     import { cookies, headers } from 'next/headers';
 *
 *     export const sessions = nextSessions(verifier, { client, cookies, headers });
 */
export function nextSessions(verifier: VerifierSource, { headers, cookies, ...options }: NextOptions): NextSessions {
  const sessions = new Sessions(verifier, options);
  const setCookies = async (_: unknown, changed: readonly Cookie[]) => {
    if (changed.length === 0) return;
    const jar = await cookies();
    for (const { name, value, options: how } of changed) jar.set(name, value, how);
  };
  const current = async (): Promise<AnyRequest> => ({ headers: await headers() });
  const helpers = helpersOf<AnyRequest | undefined>(sessions, (request) => request ?? current(), setCookies);
  return {
    async read(requirement) {
      return sessions.readRequest(await current(), requirement);
    },
    async act(requirement) {
      const found = await sessions.verifyRequest(await current(), requirement);
      await setCookies(undefined, found.cookies);
      return found;
    },
    route: (requirement, handle) => async (request, context) => {
      const found = await sessions.verifyRequest(request, requirement);
      if ('refusal' in found) return refusalResponse(found);
      await setCookies(undefined, found.cookies);
      const answer = await handle(request, found.session, context);
      return found.cookies.length > 0 ? notStored(answer) : answer;
    },
    async proxy(request, next) {
      const found = await sessions.verifyRequest(request);
      if (found.cookies.length === 0) return next();
      const forwarded = new Headers(request.headers);
      forwarded.set('cookie', withCookies(headerOf(request, 'cookie') ?? '', found.cookies));
      const answer = next({ request: { headers: forwarded } });
      addHeaders(answer.headers, cookieHeaders(found.cookies));
      return answer;
    },
    signIn: (input, request) => helpers.signIn(request, input),
    refresh: () => helpers.refresh(undefined),
    logOut: () => helpers.logOut(undefined),
  };
}
