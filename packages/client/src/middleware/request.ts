import { cookiePairs, looksLike } from '../protocol/index.ts';

/**
 * A request of any framework: a web `Request`, an `IncomingMessage`, or what a framework makes of them. Its body is
 * never touched, so it may have been read already.
 */
export type AnyRequest = {
  readonly method?: string | undefined;
  /** Only of a web `Request`, where it contains the host. */
  readonly url?: string | undefined;
  readonly headers: WebHeaders | { readonly [name: string]: string | readonly string[] | undefined };
};

type WebHeaders = { get(name: string): string | null };

/** A header of a request; `undefined` if it was not sent. `name` in lower case. */
export function headerOf({ headers }: AnyRequest, name: string): string | undefined {
  if (isWeb(headers)) return headers.get(name) ?? undefined;
  const value = headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}

// A header can be named `get`, but its value is never a function.
const isWeb = (headers: AnyRequest['headers']): headers is WebHeaders => typeof headers['get'] === 'function';

/** How many cookies of one name are tried: each may cost a question to the server. */
const mostOfAName = 8;

/**
 * Every distinct value that a browser sends for a name, in its order, without empty ones. There can be several: a
 * cookie of the same name on a parent domain or another path is sent too, and either can come first.
 */
export function cookiesNamed(request: AnyRequest, name: string): string[] {
  const values = cookiePairs(headerOf(request, 'cookie') ?? '')
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1).replace(/^"(.*)"$/, '$1'));
  return [...new Set(values)].filter((value) => value !== '').slice(0, mostOfAName);
}

export type CookieNames = { readonly session: readonly string[]; readonly refresh: string };

export type Credentials = {
  /** Session tokens, in the order in which they are to be tried. */
  tokens: readonly string[];
  refreshTokens: readonly string[];
  /** Whether a browser may have sent them without the page's doing. */
  byCookie: boolean;
};

/**
 * The tokens of a request. `hasOthers`: whether it carries other cookies that open a session. A bearer token takes precedence, because a program sends it on purpose. Other schemes, and
 * bearer tokens of another form, are ignored if there is a cookie: a proxy in front may have put its own there.
 */
export function credentialsOf(request: AnyRequest, names: CookieNames, hasOthers = false): Credentials {
  const bearer = /^Bearer +(\S+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1];
  const cookies = names.session.flatMap((name) => cookiesNamed(request, name));
  const refreshTokens = cookiesNamed(request, names.refresh).filter((token) => looksLike('refresh', token));
  const hasCookie = cookies.length > 0 || refreshTokens.length > 0 || hasOthers;
  if (bearer !== undefined && (looksLike('session', bearer) || !hasCookie)) {
    // A proxy may have copied the cookie into the header; then it is still the browser that sends it by itself.
    return { tokens: [bearer], refreshTokens: [], byCookie: cookies.includes(bearer) };
  }
  return { tokens: cookies, refreshTokens, byCookie: hasCookie };
}

/** A `Cookie` header in which these cookies have taken the place of those of their names. */
export function withCookies(header: string, cookies: readonly { name: string; value: string }[]): string {
  const others = cookiePairs(header).filter(
    (pair) => pair !== '' && !cookies.some(({ name }) => pair.startsWith(`${name}=`)),
  );
  return [...others, ...cookies.map(({ name, value }) => `${name}=${value}`)].join('; ');
}
