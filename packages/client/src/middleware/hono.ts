import { type Cookie, cookieHeaders } from './cookies.ts';
import { type Helpers, helpersOf } from './helpers.ts';
import { type AppSession, type Requirement, type SessionOptions, Sessions, type VerifierSource } from './sessions.ts';
import { refusalResponse } from './web.ts';

/** What Hono's `Context` has, as far as it is needed here. */
export type HonoContext = {
  req: { raw: Request };
  res: Response;
  header(name: string, value?: string, options?: { append?: boolean }): void;
};

/** The variables that the middleware sets: `new Hono<{ Variables: SessionVariables }>()`. */
export type SessionVariables = { curfewSession: AppSession };

export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>;

/** Makes middleware; and the helpers, each of which takes the context. */
export type HonoSessions = Helpers<HonoContext> & ((requirement?: Requirement) => HonoMiddleware);

/**
 * Sessions for Hono.
 *
 *     const requireSession = honoSessions(verifier);
 *     app.get('/admin', requireSession({ groups: ['staff'] }), (c) => c.json(c.var.curfewSession));
 */
export function honoSessions(verifier: VerifierSource, options: SessionOptions = {}): HonoSessions {
  const sessions = new Sessions(verifier, options);
  const requireSession =
    (requirement: Requirement = {}): HonoMiddleware =>
    async (context, next) => {
      const found = await sessions.verifyRequest(context.req.raw, requirement);
      if ('refusal' in found) return refusalResponse(found);
      const { set } = context as unknown as { set(name: string, value: unknown): void };
      set('curfewSession', found.session);
      await next();
      // Afterwards, because a handler may answer with a response of its own; but what it sets takes precedence.
      if (found.cookies.length > 0) {
        const own = context.res.headers.getSetCookie();
        context.header('set-cookie');
        setCookies(context, found.cookies);
        for (const cookie of own) context.header('set-cookie', cookie, { append: true });
      }
      return undefined;
    };
  return Object.assign(
    requireSession,
    helpersOf<HonoContext>(sessions, (context) => context.req.raw, setCookies),
  );
}

function setCookies(context: HonoContext, cookies: readonly Cookie[]): void {
  for (const [name, value] of cookieHeaders(cookies)) context.header(name, value, { append: name === 'set-cookie' });
}
