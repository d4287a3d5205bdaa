import type { Operations, Receipt, Session } from '../api.gen.ts';
import type { Client } from '../client.ts';
import { CurfewApiError } from '../errors.ts';
import type { Verification } from '../fence/verifier.ts';
import { type Credential, idOf, looksLike, textOf, type VerifiedSession } from '../protocol/index.ts';
import type { Cookie } from './cookies.ts';
import { type OldCookie, OldCookies, type OldCredential } from './old-cookies.ts';
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
  check(credential: Credential): { readonly active: true; readonly session: VerifiedSession } | undefined;
  verify(credential: Credential): Promise<Verification>;
};

/**
 * A verifier, or a function that makes one when the first request needs it: frameworks that build an application also
 * evaluate its modules then, without the server's address and key.
 */
export type VerifierSource = SessionVerifier | (() => SessionVerifier);

/** The operations that signing in, refreshing and logging out need: a {@link Client} with an API key. */
export type SessionClient = Pick<Client, 'createSession' | 'refreshSession' | 'exchangeAlias' | 'logoutSession'>;

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
  /**
   * Cookies of another program that are accepted besides, so that nobody has to sign in again: sessions were imported
   * from it, or created with `aliases`. They are tried if no cookie of Curfew leads to a session.
   */
  oldCookie?: OldCookie | readonly OldCookie[] | undefined;
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
/** Codes of an exchange which mean the same of an alias, or that its session is over. */
const notItsAlias: readonly string[] = ['alias_unknown', 'session_ended', 'session_suspended'];
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
  readonly #old: OldCookies;
  /** The refreshes that are under way, by refresh token, and the exchanges, by alias: requests that arrive together share one. */
  readonly #refreshing: Map<string, Promise<Tokens>> = new Map();

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
    this.#old = new OldCookies(options.oldCookie);
    if (this.#old.replacesAny && !options.client) throw new RangeError('replace of an old cookie requires client');
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
    await this.#end(this.#held(request), await this.#old.of(request));
    const userAgent = headerOf(request, 'user-agent')?.slice(0, longestUserAgent);
    const opened = await answered(client.createSession({ ...(userAgent && { userAgent }), ...input }));
    return { session: opened.session, cookies: [...this.#cookiesOf(opened), ...this.#removalsIn(request)] };
  }

  /**
   * Replaces the tokens of a browser at once, for instance after something that required a second factor.
   * @throws `CurfewApiError`: `authentication_required`, `cross_site_refused`, or the server's error
   */
  async refresh(request: AnyRequest): Promise<{ session: Session; cookies: readonly Cookie[] }> {
    const client = this.#client();
    const { refreshTokens } = credentialsOf(request, this.#names);
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
    const { tokens, byCookie } = credentialsOf(request, this.#names, this.#old.isIn(request));
    // Also of a GET: ending a session is a write.
    if (byCookie && siteOf(request, this.#origins) !== 'ours') throw crossSite(request);
    const receipt = await this.#end([...tokens, ...this.#held(request)], await this.#old.of(request));
    const names = [...this.#names.session, this.#names.refresh, ...this.#old.names];
    return { receipt, cookies: names.map((name) => this.#cookie(name, '', 0)) };
  }

  #verify(request: AnyRequest, requirement: Requirement, write: boolean, mayRefresh: boolean): Found | Promise<Found> {
    const hasOld = this.#old.isIn(request);
    const { tokens, refreshTokens, byCookie } = credentialsOf(request, this.#names, hasOld);
    const [token] = tokens;
    const useful = mayRefresh && this.#options.client ? refreshTokens : [];
    // A bearer token was sent on purpose, so nothing else counts then.
    const old = hasOld && (token === undefined || byCookie);
    const nothing: Refused = { refusal: signInFirst(), cookies: none };
    const hasTokens = token !== undefined || useful.length > 0;
    if (!hasTokens && !old) return nothing;
    if (byCookie && write && siteOf(request, this.#origins) !== 'ours') {
      return { refusal: crossSiteRefusal(request), cookies: none };
    }
    const known = token === undefined ? undefined : this.#known(token);
    if (known) return admit(known, requirement, none);
    const found = hasTokens ? this.#ask(tokens, useful, requirement) : nothing;
    return old ? this.#orByOldCookie(found, request, requirement, mayRefresh) : found;
  }

  /** What the verifier knows; what is wrong with it, it says again when it is asked. */
  #known(token: string): ReturnType<SessionVerifier['check']> {
    try {
      return this.#verifier.check(token);
    } catch {
      return undefined;
    }
  }

  /** Asks the verifier about each token until one is active; if none is, a refresh token may lead to one. */
  async #ask(tokens: readonly string[], refreshTokens: readonly string[], requirement: Requirement): Promise<Found> {
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
      const renewed = await orRefusal(this.#replace(this.#client(), refreshTokens));
      if ('refusal' in renewed) return renewed;
      cookies = this.#cookiesOf(renewed);
      return admit(await this.#verifier.verify(renewed.token), requirement, cookies);
    } catch (error) {
      // Whatever its code is: the key of a verifier may be mistyped, too.
      return { refusal: inDoubt(error), cookies };
    }
  }

  /**
   * If the cookies of Curfew belong to no session, or there are none, one of another program may. A session that has ended
   * is no reason to look further: its user has signed out since.
   */
  async #orByOldCookie(
    found: Found | Promise<Found>,
    request: AnyRequest,
    requirement: Requirement,
    maySet: boolean,
  ): Promise<Found> {
    const first = await found;
    if (!('refusal' in first) || !isNotTheirs(first.refusal)) return first;
    let cookies = none;
    try {
      let refused: Verification = { active: false, reason: 'malformed' };
      for (const credential of await this.#old.of(request)) {
        const verification = this.#verifier.check(credential) ?? (await this.#verifier.verify(credential));
        if (!verification.active) {
          if (notItsToken.includes(refused.reason)) refused = verification;
          continue;
        }
        const mayReplace = maySet && credential.setting.replace;
        const tokens = mayReplace ? await orRefusal(this.#exchange(credential)) : undefined;
        if (!tokens) return admit(verification, requirement, none);
        if ('refusal' in tokens) return tokens;
        cookies = [...this.#cookiesOf(tokens), ...this.#removalsIn(request)];
        return admit(await this.#verifier.verify(tokens.token), requirement, cookies);
      }
      return admit(refused, requirement, none);
    } catch (error) {
      return { refusal: inDoubt(error), cookies };
    }
  }

  /** Tokens for an old cookie; `undefined` if there are none now: its session is active, so the next request tries again. */
  async #exchange({ alias }: OldCredential): Promise<Tokens | undefined> {
    const text = textOf({ alias });
    try {
      return await this.#share(text, () => this.#client().exchangeAlias({ alias }));
    } catch (error) {
      if (isApiError(error, notItsAlias)) throw error;
      return undefined;
    }
  }

  /** New tokens for the first refresh token that a session has. @throws `CurfewApiError`, the first one's error */
  async #replace(client: SessionClient, refreshTokens: readonly string[]): Promise<Tokens> {
    let first: unknown;
    for (const refreshToken of refreshTokens) {
      try {
        return await this.#share(refreshToken, () => client.refreshSession({ refreshToken }));
      } catch (error) {
        if (!isApiError(error, notItsRefreshToken)) throw error;
        first ??= error;
      }
    }
    throw first;
  }

  /** Requests of several tabs refresh at the same moment; the server gives those of other processes the same tokens. */
  #share(secret: string, call: () => Promise<Tokens>): Promise<Tokens> {
    const open = this.#refreshing.get(secret);
    if (open) return open;
    const answer = call().finally(() => this.#refreshing.delete(secret));
    this.#refreshing.set(secret, answer);
    return answer;
  }

  /**
   * Every token that a browser holds: its session token may be missing while its refresh token is still valid. A refresh
   * token that has been used, such as a moment ago for this very request, still names its session.
   */
  #held(request: AnyRequest): string[] {
    return [...this.#names.session, this.#names.refresh].flatMap((name) => cookiesNamed(request, name));
  }

  /** Ends the session of each token, once for each session, and of each old cookie. */
  async #end(tokens: readonly string[], old: readonly OldCredential[]): Promise<Receipt | undefined> {
    const ended = new Map<string, Receipt>();
    for (const token of new Set(tokens)) {
      const target = looksLike('refresh', token) ? { refreshToken: token } : { token };
      // Nothing that is not Curfew's is sent to it, such as a bearer token of a proxy.
      if (ended.has(idOf(token)) || !(target.refreshToken || looksLike('session', token))) continue;
      try {
        const { receipt } = await this.#client().logoutSession(target);
        ended.set(idOf(token), receipt);
      } catch (error) {
        if (!hasNothingToEnd(error)) throw asAnswer(error);
      }
    }
    for (const { alias } of old) {
      try {
        const { session, receipt } = await this.#client().logoutSession({ alias });
        if (!ended.has(session.id)) ended.set(session.id, receipt);
      } catch (error) {
        if (!hasNothingToEnd(error)) throw asAnswer(error);
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

  /** Removes the old cookies that a browser sent. */
  #removalsIn(request: AnyRequest): Cookie[] {
    const sent = this.#old.names.filter((name) => cookiesNamed(request, name).length > 0);
    return sent.map((name) => this.#cookie(name, '', 0));
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

/** Whether a request was refused because none of its tokens is that of a session. */
function isNotTheirs({ body: { code, reason = '' } }: Refusal): boolean {
  return code === 'authentication_required' || (code === 'session_ended' && notItsToken.includes(reason));
}

/** New tokens, or the refusal because there are none. */
async function orRefusal<Result>(renewal: Promise<Result>): Promise<Result | Refused> {
  try {
    return await renewal;
  } catch (error) {
    return { refusal: refusalOf(error), cookies: none };
  }
}

/**
 * The refusal after a refresh or an exchange failed, neither of which says with such a code that the application's key is
 * wrong: a refresh requires no key, and an exchange has codes of its own.
 */
function refusalOf(error: unknown): Refusal {
  if (!(error instanceof CurfewApiError)) return inDoubt(error);
  if (error.code === 'session_ended') return notActive(error.problem?.reason ?? 'ended');
  if (error.code === 'session_suspended') return notActive('suspended');
  return [...notItsRefreshToken, 'alias_unknown'].includes(error.code) ? notActive('unknown') : inDoubt(error);
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
 * the fault of the client that sent the request.
 */
function asAnswer(error: unknown): unknown {
  if (!(error instanceof CurfewApiError) || ![0, 401, 403].includes(error.status)) return error;
  const { code, message, remedy, problem, retryAfter } = error;
  return new CurfewApiError(code, message, { status: 503, remedy, problem, retryAfter, cause: error });
}

/** Whether there is nothing to end: no session has the token, or the token is none. */
function hasNothingToEnd(error: unknown): boolean {
  if (isApiError(error, ['session_not_found'])) return true;
  // Without a field that is at fault, it is about the key of the application, and nothing was ended.
  return isApiError(error, ['token_malformed']) && ((error as CurfewApiError).problem?.errors ?? []).length > 0;
}

function isApiError(error: unknown, codes: readonly string[]): boolean {
  return error instanceof CurfewApiError && codes.includes(error.code);
}
