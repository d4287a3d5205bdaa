import type { Content } from './content.ts';
import { refusalOf, SessionStore, type StoreMethods, type StoreOptions } from './store.ts';

export type { Content, KeptCookie } from './content.ts';
export type { StoreClient, StoreMethods, StoreOptions, StoreVerifier } from './store.ts';

/** `express-session` itself, or anything else with the class that its stores inherit. */
export type SessionModule<Base> = { Store: abstract new () => Base };

type Made = { createSession?(request: unknown, session: object): object };

/**
 * A store for `express-session` that keeps the application's sessions in Curfew: each is listed, can be ended by anybody
 * who may, and is then over in every process at once. A request that is still running cannot bring it back.
 *
 *     import session from 'express-session';
 *     app.use(session({ store: curfewStore(session, { verifier, client }), secret, resave: false, saveUninitialized: false }));
 *
 * It takes `express-session` as an argument, so that it inherits the class `Store` of the very copy that the application uses.
 */
export function curfewStore<Base extends object, SessionData = Content>(
  session: SessionModule<Base>,
  options: StoreOptions<SessionData>,
): Base & StoreMethods<SessionData>;
/** The same for `@fastify/session`, which describes its class in another way. */
export function curfewStore<SessionData = Content>(
  session: { Store: object },
  options: StoreOptions<SessionData>,
): StoreMethods<SessionData>;
export function curfewStore({ Store }: { Store: object }, options: StoreOptions<never>): StoreMethods {
  const store = new SessionStore(options as unknown as StoreOptions);
  const Inherited = Store as new () => Made;
  class CurfewStore extends Inherited implements StoreMethods {
    get(sid: string, callback: (error: unknown, session?: Content | null) => void): void {
      // Waking who waits for an answer costs more than making it: requests that have arrived together are answered
      // together, so that the first one wakes the peer, and the others find it awake. The session is looked up then, not
      // before: an end that became known meanwhile counts.
      setImmediate(() => {
        const known = tried(() => {
          const session = store.known(sid);
          return session && { content: store.read(session) };
        });
        if ('error' in known) callback(known.error);
        else if (known.value) callback(null, known.value.content);
        else {
          settle<Content | undefined>(callback, async () => {
            const found = await store.find(sid);
            return 'session' in found ? store.read(found.session) : undefined;
          });
        }
      });
    }

    set(sid: string, session: Content, callback: (error?: unknown) => void = nothing): void {
      const known = tried(() => {
        const there = store.known(sid);
        return there !== undefined && store.isKnown(there, session);
      });
      if (!('error' in known) && known.value) callback();
      else settle(refusing(session, callback), () => store.keep(sid, session));
    }

    touch(sid: string, session: Content, callback: (error?: unknown) => void = nothing): void {
      const known = tried(() => {
        const there = store.known(sid);
        return there !== undefined && store.isTouched(there, session);
      });
      if (!('error' in known) && known.value) callback();
      else {
        settle(refusing(session, callback), async () => {
          const found = await store.find(sid);
          if ('session' in found) {
            if (!store.isTouched(found.session, session)) await store.keepCookie(sid, found.session, session);
          } else if (found.reason !== 'unknown') throw refusalOf(found.reason);
        });
      }
    }

    destroy(sid: string, callback: (error?: unknown) => void = nothing): void {
      settle(callback, () => store.end(sid));
    }

    all(callback: (error: unknown, sessions?: Content[]) => void): void {
      settle(callback, async () => {
        const sessions: Content[] = [];
        for await (const content of store.list()) sessions.push(content);
        return sessions;
      });
    }

    length(callback: (error: unknown, length?: number) => void): void {
      settle(callback, async () => {
        let length = 0;
        for await (const _ of store.list()) length += 1;
        return length;
      });
    }

    clear(callback: (error?: unknown) => void = nothing): void {
      settle(callback, () => store.clear());
    }

    /** `express-session` makes the session of a request from what {@link get} found. */
    override createSession(request: unknown, content: object): object {
      const session = super.createSession!(request, content);
      store.loaded(session);
      return session;
    }
  }
  function refusing(session: object, callback: (error?: unknown) => void): (error?: unknown) => void {
    return (error) => (error ? store.refuse(session, error, callback) : callback());
  }
  return new CurfewStore();
}

function nothing(): void {}

function tried<T>(run: () => T): { value: T } | { error: unknown } {
  try {
    return { value: run() };
  } catch (error) {
    return { error };
  }
}

/** Calls back with the result of some work. What the callback throws is not an error of the work. */
function settle<T>(callback: (error: unknown, value?: T) => void, work: () => Promise<T>): void {
  work().then(
    (value) => queueMicrotask(() => callback(null, value)),
    (error: unknown) => queueMicrotask(() => callback(error)),
  );
}
