import type { Operations, Receipt, Session } from '../api.gen.ts';
import type { Client } from '../client.ts';
import { CurfewApiError } from '../errors.ts';
import type { Verification } from '../fence/verifier.ts';
import { idOf, looksLike, type VerifiedSession } from '../protocol/index.ts';
import type { Cookie } from './cookies.ts';
import { inDoubt, notActive, type Refusal, refuse, signInFirst } from './refusal.ts';
import { type AnyRequest, cookiesNamed, credentialsOf, headerOf } from './request.ts';
import { isWrite, siteOf } from './site.ts';

declare global {
  namespace Curfew {
    /**
     * The application's own type of its sessions' `metadata`:
     *
     *     declare global { namespace Curfew { interface Metadata { plan: 'free' | 'paid' } } }
     */
    interface Metadata {}
  }
}

/** An active session, with the application's type of its metadata. */
export type AppSession = Omit<VerifiedSession, 'metadata'> & {
  readonly metadata: VerifiedSession['metadata'] & Curfew.Metadata;
};

/** What middleware needs from a verifier, which is attached to a server or is a `Curfew` of the same process. */
export type SessionVerifier = {
  check(token: string): { readonly active: true; readonly session: VerifiedSession } | undefined;
  verify(token: string): Promise<Verification>;
};

/**
 * A verifier, or a function that makes one when the first request needs it: frameworks that build an application also
 * evaluate its modules then, without the server's address and key.
 */
export type VerifierSource = SessionVerifier | (() => SessionVerifier);

/** The operations that signing in, refreshing and logging out need: a {@link Client} with an API key. */
export type SessionClient = Pick<Client, 'createSession' | 'refreshSession' | 'logoutSession'>;

export type SessionOptions = {
  /**
   * The cookie that holds the session token; `__Host-curfew` by default. Of several names, each is accepted, and the
   * first is set. The refresh token is in a cookie with that name and `-refresh`.
   */
  cookie?: string | readonly string[] | undefined;
  /** A client whose API key has the scopes `sessions.create` and `sessions.end`: to sign in, refresh and log out. */
  client?: SessionClient | undefined;
  /**
   * Seconds after which a browser's tokens are replaced by new ones. By default, they stay the same until
   * `refresh` is called. It requires `client`.
   */
  refreshAfter?: number | undefined;
  /** Other origins whose pages may send write requests with the cookie, such as `https://app.example.com`. */
  origins?: readonly string[] | undefined;
  /** `SameSite` of the cookies; `lax` by default. With `strict`, somebody who follows a link arrives signed out. */
  sameSite?: 'lax' | 'strict' | undefined;
  /** Whether browsers send the cookies only over TLS; true by default, and required for names with `__Host-`. */
  secure?: boolean | undefined;
};

export type Requirement = {
  /** Access groups, all of which the session must have. */
  groups?: readonly string[] | undefined;
  /** Seconds within which the user must have signed in. */
  signedInWithin?: number | undefined;
};

/** `cookies` are to be set in the answer, also if the request is refused: the ones before them are no longer valid. */
export type Found = { session: AppSession; cookies: readonly Cookie[] } | Refused;
export type Refused = { refusal: Refusal; cookies: readonly Cookie[] };

type Input = Operations['createSession']['input'];
/** What to open a session with. If {@link Curfew.Metadata} has required properties, `metadata` is required. */
export type SignIn = Omit<Input, 'metadata'> &
  (Record<never, never> extends Curfew.Metadata
    ? { metadata?: (NonNullable<Input['metadata']> & Curfew.Metadata) | undefined }
    : { metadata: NonNullable<Input['metadata']> & Curfew.Metadata });

type Tokens = { session: Session; token: string; refreshToken: string };

const defaultCookie = '__Host-curfew';
/** Reasons which mean that the token is not the session's, so a newer one may be. */
const notItsToken: readonly string[] = ['malformed', 'unknown'];
/** Codes of a refresh which mean the same of the refresh token. */
const notItsRefreshToken: readonly string[] = ['token_malformed', 'token_unknown'];
/** Codes which mean that there is nothing left to end. */
const nothingToEnd: readonly string[] = ['token_malformed', 'session_not_found'];
/** Codes of a refresh that are about the browser's session, not about the server. */
const ofItsSession: readonly string[] = [...notItsRefreshToken, 'session_ended', 'session_suspended'];
/** The server keeps no more of a user agent, in characters. */
const longestUserAgent = 1024;
const none: readonly Cookie[] = [];

/**
 * The sessions of an application's requests, for any framework: everything that is decided about a request is decided
 * here, and an adapter only translates.
 */
export class Sessions {
  readonly #source: VerifierSource;
  #made: SessionVerifier | undefined;
  readonly #options: SessionOptions;
  readonly #names: { readonly session: readonly [string, ...string[]]; readonly refresh: string };
  /** The refreshes that are under way, by refresh token: requests that arrive together share one. */
  readonly #refreshing: Map<string, Promise<Tokens>> = new Map();
  /** The tokens that took the place of a request's own while it was verified: a handler may log out or refresh. */
  readonly #renewed: WeakMap<AnyRequest, Tokens> = new WeakMap();

  /** @throws `RangeError` if the options contradict each other */
  constructor(verifier: VerifierSource, options: SessionOptions = {}) {
    const [first, ...others] = [options.cookie ?? defaultCookie].flat();
    if (first === undefined) throw new RangeError('cookie must name at least one cookie');
    if (options.secure === false && first.startsWith('__Host-')) {
      throw new RangeError(`a browser accepts the cookie ${first} only with secure; set another name`);
    }
    if (options.refreshAfter !== undefined && !(options.refreshAfter > 0)) {
      throw new RangeError('refreshAfter must be a positive number of seconds');
    }
    if (options.refreshAfter !== undefined && !options.client) throw new RangeError('refreshAfter requires client');
    this.#source = verifier;
    this.#options = options;
    this.#names = { session: [first, ...others], refresh: `${first}-refresh` };
  }

  /**
   * The session of a request, or the refusal; synchronously if the session is known. It reads neither the body nor the
   * clock of the browser, and never throws.
   */
  verifyRequest(request: AnyRequest, requirement: Requirement = {}): Found | Promise<Found> {
    return this.#verify(request, requirement, isWrite(request), true);
  }

  /**
   * Like {@link verifyRequest}, where no cookies can be set: tokens are not replaced. Without a method, the request
   * counts as one that reads.
   */
  readRequest(request: AnyRequest, requirement: Requirement = {}): Found | Promise<Found> {
    return this.#verify(request, requirement, request.method !== undefined && isWrite(request), false);
  }

  /**
   * Opens a session for a user who has just proven who they are, and ends the one that their browser had. The user
   * agent is taken from the request.
   * @throws `CurfewApiError`: `cross_site_refused` if another site's page sent the request, or the server's error
   */
  async signIn(request: AnyRequest, input: SignIn): Promise<{ session: Session; cookies: readonly Cookie[] }> {
    const client = this.#client();
    // Programs without cookies also sign in, and the way back from an identity provider is a read.
    if (isWrite(request) && siteOf(request, this.#origins) === 'another') throw crossSite(request);
    await this.#end(this.#held(request));
    const userAgent = headerOf(request, 'user-agent')?.slice(0, longestUserAgent);
    const opened = await answered(client.createSession({ ...(userAgent && { userAgent }), ...input }));
    return { session: opened.session, cookies: this.#cookiesOf(opened) };
  }

  /**
   * Replaces the tokens of a browser at once, for instance after something that required a second factor.
   * @throws `CurfewApiError`: `authentication_required`, `cross_site_refused`, or the server's error
   */
  async refresh(request: AnyRequest): Promise<{ session: Session; cookies: readonly Cookie[] }> {
    const client = this.#client();
    const refreshTokens = this.#refreshTokens(request);
    if (refreshTokens.length === 0) {
      throw new CurfewApiError('authentication_required', 'The request carries no refresh token in a cookie.', {
        status: 401,
        remedy: 'Sign in first.',
      });
    }
    if (siteOf(request, this.#origins) !== 'ours') throw crossSite(request);
    const tokens = await answered(this.#replace(client, refreshTokens), ofItsSession);
    return { session: tokens.session, cookies: this.#cookiesOf(tokens) };
  }

  /**
   * Ends the session of a request. Once it has returned, no verifier treats it as active. If the session had ended
   * already, or there was none, the cookies are removed all the same. If it fails, they remain, and so does the session.
   * @throws `CurfewApiError`: `cross_site_refused`, or the server's error
   */
  async logOut(request: AnyRequest): Promise<{ receipt: Receipt | undefined; cookies: readonly Cookie[] }> {
    this.#client();
    const { tokens, byCookie } = credentialsOf(request, this.#names);
    // Also of a GET: ending a session is a write.
    if (byCookie && siteOf(request, this.#origins) !== 'ours') throw crossSite(request);
    const receipt = await this.#end([...tokens, ...this.#held(request)]);
    return { receipt, cookies: [...this.#names.session, this.#names.refresh].map((name) => this.#cookie(name, '', 0)) };
  }

  #verify(request: AnyRequest, requirement: Requirement, write: boolean, mayRefresh: boolean): Found | Promise<Found> {
    const { tokens, refreshTokens, byCookie } = credentialsOf(request, this.#names);
    const [token] = tokens;
    const useful = mayRefresh && this.#options.client ? refreshTokens : [];
    if (token === undefined && useful.length === 0) return { refusal: signInFirst(), cookies: none };
    if (byCookie && write && siteOf(request, this.#origins) !== 'ours') {
      return { refusal: crossSiteRefusal(request), cookies: none };
    }
    const known = token === undefined ? undefined : this.#verifier.check(token);
    return known ? admit(known, requirement, none) : this.#ask(request, tokens, useful, requirement);
  }

  /** Asks the verifier about each token until one is active; if none is, a refresh token may lead to one. */
  async #ask(
    request: AnyRequest,
    tokens: readonly string[],
    refreshTokens: readonly string[],
    requirement: Requirement,
  ): Promise<Found> {
    let cookies = none;
    try {
      let refused: Verification | undefined;
      for (const token of tokens) {
        const verification = this.#verifier.check(token) ?? (await this.#verifier.verify(token));
        if (verification.active) return admit(verification, requirement, none);
        // The one that was somebody's session explains more than the others.
        if (!refused || (!refused.active && notItsToken.includes(refused.reason))) refused = verification;
      }
      const mayBeNewer = !refused || (!refused.active && notItsToken.includes(refused.reason));
      if (!mayBeNewer || refreshTokens.length === 0) return admit(refused!, requirement, none);
      const renewed = await this.#replace(this.#client(), refreshTokens);
      this.#renewed.set(request, renewed);
      cookies = this.#cookiesOf(renewed);
      return admit(await this.#verifier.verify(renewed.token), requirement, cookies);
    } catch (error) {
      return { refusal: refusalOf(error), cookies };
    }
  }

  /** New tokens for the first refresh token that a session has. @throws `CurfewApiError`, the first one's error */
  async #replace(client: SessionClient, refreshTokens: readonly string[]): Promise<Tokens> {
    let first: unknown;
    for (const refreshToken of refreshTokens) {
      try {
        return await this.#share(client, refreshToken);
      } catch (error) {
        if (!isApiError(error, notItsRefreshToken)) throw error;
        first ??= error;
      }
    }
    throw first;
  }

  /** Requests of several tabs refresh at the same moment; the server gives those of other processes the same tokens. */
  #share(client: SessionClient, refreshToken: string): Promise<Tokens> {
    const open = this.#refreshing.get(refreshToken);
    if (open) return open;
    const answer = client.refreshSession({ refreshToken }).finally(() => this.#refreshing.delete(refreshToken));
    this.#refreshing.set(refreshToken, answer);
    return answer;
  }

  /** Every token that a browser holds: its session token may be missing while its refresh token is still valid. */
  #held(request: AnyRequest): string[] {
    const tokens = this.#names.session.flatMap((name) => cookiesNamed(request, name));
    return [...tokens, ...this.#refreshTokens(request)];
  }

  #refreshTokens(request: AnyRequest): string[] {
    const renewed = this.#renewed.get(request)?.refreshToken;
    return renewed
      ? [renewed]
      : cookiesNamed(request, this.#names.refresh).filter((token) => looksLike('refresh', token));
  }

  /** Ends the session of each token, once for each session. */
  async #end(tokens: readonly string[]): Promise<Receipt | undefined> {
    const ended = new Map<string, Receipt>();
    for (const token of new Set(tokens)) {
      const target = looksLike('refresh', token) ? { refreshToken: token } : { token };
      // Nothing that is not Curfew's is sent to it, such as a bearer token of a proxy.
      if (ended.has(idOf(token)) || !(target.refreshToken || looksLike('session', token))) continue;
      try {
        const { receipt } = await this.#client().logoutSession(target);
        ended.set(idOf(token), receipt);
      } catch (error) {
        if (!isApiError(error, nothingToEnd)) throw asAnswer(error);
      }
    }
    return [...ended.values()][0];
  }

  /** The cookies never outlive the session; the session token's ends earlier if it is to be refreshed then. */
  #cookiesOf({ session, token, refreshToken }: Tokens): Cookie[] {
    const left = Math.max(0, Math.ceil((Date.parse(session.expiresAt) - Date.now()) / 1000));
    const { refreshAfter = left } = this.#options;
    return [
      this.#cookie(this.#names.session[0], token, Math.min(refreshAfter, left)),
      this.#cookie(this.#names.refresh, refreshToken, left),
    ];
  }

  #cookie(name: string, value: string, maxAge: number): Cookie {
    const { sameSite = 'lax', secure = true } = this.#options;
    return { name, value, options: { maxAge, path: '/', httpOnly: true, secure, sameSite } };
  }

  get #verifier(): SessionVerifier {
    this.#made ??= typeof this.#source === 'function' ? this.#source() : this.#source;
    return this.#made;
  }

  #client(): SessionClient {
    const { client } = this.#options;
    if (client) return client;
    throw new TypeError(
      'signing in, refreshing and logging out require the option client: createClient({ url, token })',
    );
  }

  get #origins(): readonly string[] {
    return this.#options.origins ?? [];
  }
}

function admit(verification: Verification, requirement: Requirement, cookies: readonly Cookie[]): Found {
  if (!verification.active) return { refusal: notActive(verification.reason), cookies };
  const { groups = [], signedInWithin } = requirement;
  const session = verification.session as AppSession;
  const missing = groups.filter((group) => !session.accessGroups.includes(group));
  if (missing.length > 0) {
    const detail = `It lacks: ${missing.join(', ')}.`;
    return { refusal: refuse(403, 'access_group_missing', 'The session may not do this', detail), cookies };
  }
  if (signedInWithin !== undefined && Date.now() - session.authenticatedAt > signedInWithin * 1000) {
    const detail = `The user signed in more than ${signedInWithin} seconds ago.`;
    return { refusal: refuse(403, 'fresh_sign_in_required', 'This requires a fresh sign-in', detail), cookies };
  }
  return { session, cookies };
}

/** The refusal after a verification or a refresh failed. */
function refusalOf(error: unknown): Refusal {
  if (!(error instanceof CurfewApiError)) return inDoubt(error);
  if (error.code === 'session_ended') return notActive(error.problem?.reason ?? 'ended');
  if (error.code === 'session_suspended') return notActive('suspended');
  return notItsRefreshToken.includes(error.code) ? notActive('unknown') : inDoubt(error);
}

const crossSiteTitle = 'Cross-site requests may not use the session cookie here';

const sent = (request: AnyRequest) =>
  `Sec-Fetch-Site is ${headerOf(request, 'sec-fetch-site') ?? 'absent'}, and Origin is ${headerOf(request, 'origin') ?? 'absent'}.`;

function crossSiteRefusal(request: AnyRequest): Refusal {
  return refuse(403, 'cross_site_refused', crossSiteTitle, sent(request));
}

function crossSite(request: AnyRequest): CurfewApiError {
  return new CurfewApiError('cross_site_refused', `${crossSiteTitle}. ${sent(request)}`, {
    status: 403,
    remedy: 'Send the request from a page of the application itself, or name the page’s origin in `origins`.',
  });
}

/** What the server answers; an error has a status with which the application can answer its own client. */
async function answered<Answer>(call: Promise<Answer>, kept: readonly string[] = []): Promise<Answer> {
  try {
    return await call;
  } catch (error) {
    throw isApiError(error, kept) ? error : asAnswer(error);
  }
}

/**
 * Frameworks answer with an error's status. That the server cannot be reached, or refuses the application's key, is not
 * the fault of whoever sent the request.
 */
function asAnswer(error: unknown): unknown {
  if (!(error instanceof CurfewApiError) || ![0, 401, 403].includes(error.status)) return error;
  const { code, message, remedy, problem, retryAfter } = error;
  return new CurfewApiError(code, message, { status: 503, remedy, problem, retryAfter, cause: error });
}

function isApiError(error: unknown, codes: readonly string[]): boolean {
  return error instanceof CurfewApiError && codes.includes(error.code);
}
