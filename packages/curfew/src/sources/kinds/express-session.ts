import { type Decoded, isObject, latestTime, Unreadable } from '../source.ts';

/** What Passport keeps of a user: an id, or an object with one. */
export const userOfPassport = ['passport.user.id', 'passport.user'] as const;

/**
 * A session of express-session, as its stores keep it. `expiresAt` is when the store drops it: that moves with every
 * visit, while the cookie's `expires` in the JSON is the one of the last change.
 * `content` is the same JSON with that end, as the store of `curfew-client/express-session` reads it.
 * @throws `not_a_session`
 */
export function readExpressSession(json: unknown, expiresAt: number | undefined, now: number): Decoded {
  const cookie = isObject(json) ? json['cookie'] : undefined;
  if (!isObject(json) || !isObject(cookie)) {
    throw new Unreadable('not_a_session', 'It has no cookie, which every session of express-session has.');
  }
  const { originalMaxAge: maxAge, expires } = cookie;
  // A key may have any time left, also one that leads to no date.
  const end = expiresAt === undefined ? undefined : new Date(Math.min(expiresAt, latestTime)).toISOString();
  const kept = { ...json, cookie: { ...cookie, ...(expires && end ? { expires: end } : {}) } };
  // The server refuses control characters, and JSON leaves this one of them as it is.
  const content = JSON.stringify(kept).replaceAll('\x7f', '\\u007f');
  return { json, data: {}, content, expiresAt, ...lastUse(expiresAt, maxAge, now) };
}

/** A visit sets the end to the cookie's `maxAge` from then, unless the store has a time of its own. */
function lastUse(expiresAt: number | undefined, maxAge: unknown, now: number): Pick<Decoded, 'lastSeenAt' | 'idle'> {
  if (expiresAt === undefined || typeof maxAge !== 'number') return {};
  const seen = Math.round(expiresAt - maxAge);
  // Ends are kept in whole seconds, rounded up.
  if (seen > now + second || seen < 0) return {};
  return { lastSeenAt: Math.min(seen, now), idle: Math.max(1, Math.ceil(maxAge / second)) * second };
}

const second = 1000;
