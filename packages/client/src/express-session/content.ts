/*
 * What `express-session` gives a store to keep: JSON whose `cookie` says until when the session lasts. That moves with every
 * request, and is all that changes with most of them.
 */

/** The cookie as it stands in the JSON of a session. */
export type KeptCookie = { originalMaxAge?: number | null; expires?: string | Date | null };

export type Content = { [key: string]: unknown; cookie?: KeptCookie };

/** When a cookie expires, in epoch milliseconds; `undefined` for one that lasts as long as the browser runs. */
export function expiryOf(cookie: KeptCookie | undefined): number | undefined {
  const { expires } = cookie ?? {};
  return expires == null ? undefined : new Date(expires).getTime();
}

/** Ten years: more than any policy allows. */
const longest = 10 * 365 * 86_400;

/** Seconds without a request after which the session ends, from its `maxAge`; `undefined` if it has none. */
export function idleOf(cookie: KeptCookie | undefined): number | undefined {
  const seconds = Math.ceil((cookie?.originalMaxAge ?? Number.NaN) / 1000);
  // An application may set a date that is none; `express-session` passes on what follows from it.
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(1, seconds), longest);
}

/**
 * What moves with every request. `@fastify/session` notes in `originalExpires` when the cookie that it has loaded expires,
 * and replaces that each time it loads one.
 */
const moving: ReadonlySet<string> = new Set(['expires', 'originalExpires']);

/** Whether two cookies differ at most in when they expire. Either may be one of `express-session`, or its JSON. */
export function isSameCookie(one: KeptCookie | undefined, other: KeptCookie | undefined): boolean {
  if (!one || !other) return one === other;
  const [a, b] = [plain(one), plain(other)];
  for (const key in a) if (!moving.has(key) && jsonOf(a[key]) !== jsonOf(b[key])) return false;
  for (const key in b) if (!moving.has(key) && !(key in a) && jsonOf(b[key]) !== undefined) return false;
  return true;
}

/** The rest of a session as text. */
export function textWithoutCookie({ cookie: _, ...rest }: Content): string {
  return JSON.stringify(rest);
}

function plain(cookie: KeptCookie & { toJSON?: () => object }): { [key: string]: unknown } {
  return (typeof cookie.toJSON === 'function' ? cookie.toJSON() : cookie) as { [key: string]: unknown };
}

/** A value as it is in JSON. */
function jsonOf(value: unknown): unknown {
  return value instanceof Date ? value.toJSON() : (value ?? undefined);
}

/**
 * The user of a session: what Passport keeps, a text, a whole number, or an object with an `id`.
 * @throws `TypeError` if it is something else
 */
export function userOfPassport(session: Content): string | undefined {
  const user = (session as { passport?: { user?: unknown } }).passport?.user;
  const id = typeof user === 'object' && user !== null ? (user as { id?: unknown }).id : user;
  if (id === undefined || id === null) {
    if (user === undefined || user === null) return undefined;
  } else if (typeof id === 'string' || Number.isSafeInteger(id)) return String(id);
  else if (typeof id === 'number') {
    // From 2^53 on, the number may already be that of another user.
    throw new TypeError('session.passport.user is a number that is not whole, or not exact: keep it as text.');
  }
  throw new TypeError('session.passport.user is neither an id nor an object with an `id`: give the option `userId`.');
}
