import type { Cookie } from './cookies.ts';
import { type Helpers, helpersOf } from './helpers.ts';
import { type AppSession, type Requirement, type SessionOptions, Sessions, type VerifierSource } from './sessions.ts';
import { notStored, refusalResponse } from './web.ts';

/** What an event of SvelteKit has, as far as it is needed here. */
export type SvelteKitEvent = {
  request: Request;
  url: URL;
  /** The route that answers, such as `/orders/[id]`; `null` if there is none for the path. */
  route: { id: string | null };
  locals: object;
  cookies: { set(name: string, value: string, options: Cookie['options']): void };
};

/** In `src/app.d.ts`: `interface Locals extends SessionLocals {}`. */
export type SessionLocals = {
  /** The session; absent if nobody is signed in, which only routes without a requirement allow. */
  curfewSession?: AppSession;
};

/**
 * What a route requires; `undefined` if everybody may see it. Decide by `event.route.id`: SvelteKit decodes the path before
 * it looks for the route, so `/%73taff` in `event.url.pathname` is the route `/staff`.
 */
export type Rule<Event> = (event: Event) => Requirement | undefined;

export type SvelteKitHandle = <Event extends SvelteKitEvent>(input: {
  event: Event;
  resolve(event: Event): Response | Promise<Response>;
}) => Promise<Response>;

/** Makes the hook `handle`; and the helpers, each of which takes the event. */
export type SvelteKitSessions = Helpers<SvelteKitEvent> & ((rule: Rule<SvelteKitEvent>) => SvelteKitHandle);

/**
 * Sessions for SvelteKit, in `src/hooks.server.ts`. The hook puts the session into `event.locals.curfewSession`.
 *
 *     export const sessions = svelteKitSessions(verifier, { client });
 *     export const handle = sessions(({ route }) => (route.id?.startsWith('/admin') ? { groups: ['staff'] } : undefined));
 *
 * The caller of a remote function chooses the route that the event names, so the function itself must check
 * `locals.curfewSession`.
 */
export function svelteKitSessions(verifier: VerifierSource, options: SessionOptions = {}): SvelteKitSessions {
  const sessions = new Sessions(verifier, options);
  /** The requests whose answers set cookies. */
  const changed = new WeakSet<Request>();
  const setCookies = ({ request, cookies }: SvelteKitEvent, set: readonly Cookie[]) => {
    if (set.length > 0) changed.add(request);
    for (const { name, value, options: how } of set) cookies.set(name, value, how);
  };
  const handleBy =
    (rule: Rule<SvelteKitEvent>): SvelteKitHandle =>
    async ({ event, resolve }) => {
      const requirement = rule(event);
      const found = await sessions.verifyRequest(event.request, requirement);
      if ('refusal' in found && requirement) return refusalResponse(found);
      setCookies(event, found.cookies);
      if ('session' in found) Object.assign(event.locals, { curfewSession: found.session });
      const response = await resolve(event);
      return changed.has(event.request) ? notStored(response) : response;
    };
  return Object.assign(
    handleBy,
    helpersOf<SvelteKitEvent>(sessions, (event) => event.request, setCookies),
  );
}
