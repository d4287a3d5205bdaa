import type { Cookie } from './cookies.ts';
import { type Helpers, helpersOf } from './helpers.ts';
import { type AppSession, type Requirement, type SessionOptions, Sessions, type VerifierSource } from './sessions.ts';
import { refusalResponse } from './web.ts';

/** What a context of Elysia has, as far as it is needed here. */
export type ElysiaContext = { request: Request; set: { headers: object; cookie?: object | undefined } };

/** For `app.resolve(…)`: it adds the session to the context. */
export type ElysiaResolver = (
  context: ElysiaContext & { status: (status: 401 | 403 | 503, body: Response) => unknown },
) => Promise<{ curfewSession: AppSession }>;

/** Makes resolvers; and the helpers, each of which takes the context. */
export type ElysiaSessions = Helpers<ElysiaContext> & ((requirement?: Requirement) => ElysiaResolver);

/**
 * Sessions for Elysia.
 *
 *     const requireSession = elysiaSessions(verifier);
 *     app.resolve(requireSession({ groups: ['staff'] })).get('/admin', ({ curfewSession }) => curfewSession.userId);
 */
export function elysiaSessions(verifier: VerifierSource, options: SessionOptions = {}): ElysiaSessions {
  const sessions = new Sessions(verifier, options);
  const requireSession =
    (requirement: Requirement = {}): ElysiaResolver =>
    // Elysia reads in this function's text what it uses and whether it is asynchronous: keep `async` and the parameter.
    async ({ request, set, status }) => {
      const found = await sessions.verifyRequest(request, requirement);
      setCookies({ request, set }, found.cookies);
      if ('session' in found) return { curfewSession: found.session };
      // Elysia answers with what `status` makes; for the handlers after this, it is no session.
      const refused = status(found.refusal.status, refusalResponse({ ...found, cookies: [] }));
      return refused as { curfewSession: AppSession };
    };
  return Object.assign(
    requireSession,
    helpersOf<ElysiaContext>(sessions, (context) => context.request, setCookies),
  );
}

function setCookies({ set }: ElysiaContext, cookies: readonly Cookie[]): void {
  if (cookies.length === 0) return;
  Object.assign(set.headers, { 'cache-control': 'no-store' });
  // Where Elysia keeps the cookies that a handler sets, so that neither replaces the other's.
  set.cookie ??= {};
  for (const { name, value, options } of cookies) Object.assign(set.cookie, { [name]: { value, ...options } });
}
