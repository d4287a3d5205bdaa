import { type Decoded, isObject, Unreadable } from '../source.ts';

/** What Passport keeps of a user: an id, or an object with one. */
export const userOfPassport = ['passport.user.id', 'passport.user'] as const;

/**
 * A session of express-session, as its stores keep it. `expiresAt` is when the store drops it: that moves with every
 * visit, while the cookie's `expires` in the JSON is the one of the last change.
 * @throws `not_a_session`
 */
export function readExpressSession(json: unknown, expiresAt: number | undefined, now: number): Decoded {
  if (!isObject(json) || !isObject(json['cookie'])) {
    throw new Unreadable('not_a_session', 'It has no cookie, which every session of express-session has.');
  }
  const { cookie, ...data } = json;
  const { originalMaxAge } = cookie as { originalMaxAge?: unknown };
  // A visit sets the end to `originalMaxAge` from then.
  const seen = expiresAt !== undefined && typeof originalMaxAge === 'number' ? expiresAt - originalMaxAge : undefined;
  return { json, data, expiresAt, lastSeenAt: seen === undefined ? undefined : Math.min(seen, now) };
}
