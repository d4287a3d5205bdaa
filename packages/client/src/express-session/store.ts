import { hash } from 'node:crypto';
import { isIP } from 'node:net';
import type { Operations } from '../api.gen.ts';
import type { Client } from '../client.ts';
import { CurfewApiError } from '../errors.ts';
import type { Verification } from '../fence/verifier.ts';
import {
  type AliasCredential,
  anonymousKind,
  anonymousUser,
  type Credential,
  isAliasKind,
  longestAliasKind,
  mostDataBytes,
  type VerifiedSession,
} from '../protocol/index.ts';
import { type Content, expiryOf, idleOf, isSameCookie, textWithoutCookie, userOfPassport } from './content.ts';

/** The part of a verifier that a store uses. */
export type StoreVerifier = {
  check(credential: Credential): { readonly session: VerifiedSession } | undefined;
  verify(credential: Credential): Promise<Verification>;
};

export type StoreClient = Pick<Client, 'keepSessionData' | 'listSessionData' | 'logoutSession' | 'endSession'>;

export type StoreOptions<SessionData = Content> = {
  /** Answers from memory; one is enough for a process. */
  verifier: StoreVerifier;
  /**
   * With a key that has the scopes `sessions.create` and `sessions.end`. The methods `all`, `length` and `clear` require
   * `sessions.read` too.
   */
  client: StoreClient;
  /**
   * The id of the user who is signed in with a session; `undefined` if nobody is. By default what Passport keeps:
   * `session.passport.user`, or its `id`.
   */
  userId?: ((session: SessionData) => string | undefined) | undefined;
  /** Separates this application's sessions from those of others: `express-session` by default. */
  kind?: string | undefined;
  /** Hears of a save that was refused, because its session has ended, when it was too late to answer with an error. */
  onRefused?: ((error: CurfewApiError) => void) | undefined;
};

type Callback = (error?: unknown) => void;

/** What a store does, in the form that `express-session` calls. */
export type StoreMethods<SessionData = Content> = {
  /** The session's data; nothing if it has ended, or was never saved. A known one is answered from memory. */
  get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void;
  /** Keeps the data. Calls back once no process can get the earlier one. An ended session is refused: `session_ended`. */
  set(sid: string, session: SessionData, callback?: Callback): void;
  /** Notes that the session was used. An ended session is refused: `session_ended`. */
  touch(sid: string, session: SessionData, callback?: Callback): void;
  /** Ends the session. Calls back once it is over in every process. */
  destroy(sid: string, callback?: Callback): void;
  /** The data of every session that has not ended, without their ids: Curfew knows only their hashes. */
  all(callback: (error: unknown, sessions?: SessionData[]) => void): void;
  length(callback: (error: unknown, length?: number) => void): void;
  /** Ends every session. */
  clear(callback?: Callback): void;
};

/** What is remembered with an answer of the verifier, which stays the same object until something changes. */
type Remembered = { content: Content; expires: number | undefined; text: string | undefined };

/** A session as the server lists it. */
type Listed = Operations['listSessionData']['output']['sessions'][number];
type Ended = Operations['endSession']['output'];

/** Marks sessions that were loaded: saving them never makes new ones. JSON has no symbols. */
const loaded = Symbol('loaded');
type Loaded = { [loaded]?: boolean };

/** What a request in flight has to do with a session. */
type InFlight = { req?: Requested | undefined };
type Requested = {
  headers?: { [name: string]: string | string[] | undefined };
  ip?: string | undefined;
  socket?: { remoteAddress?: string | undefined; _httpMessage?: Answering | undefined };
  res?: Answering | undefined;
};
type Answering = { headersSent?: boolean };

const longestUserAgent = 1024;
/** How many sessions are ended at the same time. */
const atOnce = 20;

/** What a store does, apart from the framework whose store it is. */
export class SessionStore {
  readonly #verifier: StoreVerifier;
  readonly #client: StoreClient;
  readonly #userId: (session: Content) => string | undefined;
  readonly #kind: string;
  /** As long as nobody is signed in with it, a session is another one, of nobody: its user never changes. */
  readonly #anonymousKind: string;
  readonly #onRefused: StoreOptions['onRefused'];
  readonly #remembered: WeakMap<VerifiedSession, Remembered> = new WeakMap();

  constructor({ verifier, client, userId = userOfPassport, kind = 'express-session', onRefused }: StoreOptions) {
    this.#verifier = verifier;
    this.#client = client;
    this.#userId = userId;
    this.#kind = kind;
    this.#anonymousKind = anonymousKind(kind);
    if (!isAliasKind(this.#anonymousKind)) {
      const most = longestAliasKind - anonymousKind('').length;
      throw new RangeError(
        `kind must be 1 to ${most} lower-case letters, digits and hyphens, the first of them a letter; it is ${JSON.stringify(kind)}`,
      );
    }
    this.#onRefused = onRefused;
  }

  /** Notes that a session object was made from what the store had. */
  loaded(session: object): void {
    (session as Loaded)[loaded] = true;
  }

  /** What is known of a session now; `undefined` if the server has to be asked. */
  known(sid: string): VerifiedSession | undefined {
    const signedIn = this.#verifier.check(credential(this.#kind, sid));
    return (signedIn ?? this.#verifier.check(credential(this.#anonymousKind, sid)))?.session;
  }

  /** The session, or why it is none: `unknown` if it was never saved. */
  async find(sid: string): Promise<{ session: VerifiedSession } | { reason: string }> {
    for (let isSecond = false; ; isSecond = true) {
      const signedIn = await this.#verifier.verify(credential(this.#kind, sid));
      if (signedIn.active) return { session: withData(signedIn.session) };
      if (signedIn.reason !== 'unknown') return { reason: signedIn.reason };
      const nobody = await this.#verifier.verify(credential(this.#anonymousKind, sid));
      if (nobody.active) return { session: withData(nobody.session) };
      // Somebody has signed in between the two questions; or long ago, and the alias was exchanged for tokens since.
      if (nobody.reason !== 'replaced' || isSecond) return { reason: nobody.reason };
    }
  }

  /** The data of a session; `undefined` if it has none, or if it has expired as far as its cookie says. */
  read(session: VerifiedSession, now: number = Date.now()): Content | undefined {
    const known = this.#of(session);
    if (!known) return undefined;
    return unexpired(JSON.parse(session.data!) as Content, known.expires, session.idle, now);
  }

  /** Whether a session is known to have this content already, but for when it expires; then that is noted here. */
  isKnown(session: VerifiedSession, content: Content, now: number = Date.now()): boolean {
    const known = this.#of(session);
    if (!known || session.userId !== (this.#userId(content) ?? anonymousUser)) return false;
    known.text ??= textWithoutCookie(known.content);
    const same = isSameCookie(known.content.cookie, content.cookie) && known.text === textWithoutCookie(content);
    return same && this.#moves(session, known, content, now);
  }

  /** The same for its cookie alone. */
  isTouched(session: VerifiedSession, { cookie }: Content, now: number = Date.now()): boolean {
    const known = this.#of(session);
    if (!known) return true;
    return isSameCookie(known.content.cookie, cookie) && this.#moves(session, known, { cookie } as Content, now);
  }

  /**
   * Keeps the content that a session has, with another cookie. If another request has saved the session meanwhile, what that
   * has saved stays.
   * @throws `CurfewApiError`
   */
  async keepCookie(sid: string, { data }: VerifiedSession, { cookie }: Content): Promise<void> {
    const content = { ...(JSON.parse(data!) as Content), cookie } as Content;
    await this.keep(sid, content, hash('sha256', data!, 'base64url'));
  }

  /** `seen`: the hash of the data that is replaced, if no other may be. @throws `CurfewApiError` */
  async keep(sid: string, content: Content, seen?: string): Promise<void> {
    const { req } = content as InFlight;
    const userAgent = req?.headers?.['user-agent'];
    // Behind a proxy, it is what a header says.
    const ip = req?.ip ?? req?.socket?.remoteAddress ?? '';
    // The server refuses control characters, and JSON leaves this one of them as it is.
    const data = JSON.stringify(content).replaceAll('\x7f', '\\u007f');
    const bytes = Buffer.byteLength(data);
    if (bytes > mostDataBytes) throw tooLarge(bytes);
    await this.#client.keepSessionData({
      alias: { kind: this.#kind, hash: hash('sha256', sid, 'base64url') },
      userId: this.#userId(content),
      data,
      idle: idleOf(content.cookie),
      ...(typeof userAgent === 'string' && { userAgent: userAgent.slice(0, longestUserAgent) }),
      ...(isIP(ip) !== 0 && { ip }),
      existing: seen !== undefined || (content as Loaded)[loaded] === true,
      seen,
    });
  }

  /**
   * Ends a session, whether or not it was ever saved. First the one of nobody: somebody who is just signing in replaces that
   * one only after his own is there to be ended, and otherwise finds that it has ended.
   * @throws `CurfewApiError`
   */
  async end(sid: string): Promise<void> {
    for (const kind of [this.#anonymousKind, this.#kind]) await this.#end(credential(kind, sid));
  }

  /** The content of every session that {@link read} would return. @throws `CurfewApiError` */
  async *list(): AsyncGenerator<Content> {
    for await (const { data, idle } of this.#listed()) {
      const content = JSON.parse(data) as Content;
      const current = unexpired(content, expiryOf(content.cookie), idle * 1000, Date.now());
      if (current) yield current;
    }
  }

  /**
   * Ends every session, also those that have expired only as far as their cookies say. The wait for the newest end is one for
   * all: changes become known in their order. Which one that is, only the receipts say: somebody else may have ended some of
   * the sessions meanwhile.
   */
  async clear(): Promise<void> {
    const ids: string[] = [];
    for await (const { id } of this.#listed()) ids.push(id);
    let newest: Ended | undefined;
    for (let from = 0; from < ids.length; from += atOnce) {
      const ends = ids.slice(from, from + atOnce).map((id) => this.#endListed(id, 'stored'));
      for (const ended of await Promise.all(ends)) {
        if (ended && !(newest && newest.receipt.sequence > ended.receipt.sequence)) newest = ended;
      }
    }
    // Ending it once more waits for its first end.
    if (newest) await this.#endListed(newest.session.id, 'everywhere');
  }

  /**
   * Passes on a refusal about which something can still be done. `express-session` saves when the answer has begun; it
   * passes an error to Express, which then destroys the connection, with what of the answer is still on its way.
   */
  refuse(content: object, error: unknown, callback: Callback): void {
    const { req } = content as InFlight;
    const response = req?.res ?? req?.socket?._httpMessage;
    const isLate = isRefusal(error) && response?.headersSent === true;
    if (isLate) callback();
    else callback(error);
    if (isLate) this.#onRefused?.(error);
  }

  async *#listed(): AsyncGenerator<Listed> {
    let cursor: string | undefined;
    do {
      const page = await this.#client.listSessionData({ kind: this.#kind, limit: 100, cursor });
      yield* page.sessions;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  async #end(alias: AliasCredential): Promise<void> {
    await this.#client.logoutSession(alias).catch(nothingToEnd);
  }

  /** Ends a session that was listed; by now it may have ended and been forgotten. */
  #endListed(id: string, wait: 'everywhere' | 'stored'): Promise<Ended | undefined> {
    return this.#client.endSession({ id, wait }).catch(nothingToEnd);
  }

  #of(session: VerifiedSession): Remembered | undefined {
    const known = this.#remembered.get(session);
    if (known || session.data === undefined) return known;
    const content = JSON.parse(session.data) as Content;
    const fresh = { content, expires: expiryOf(content.cookie), text: undefined };
    this.#remembered.set(session, fresh);
    return fresh;
  }

  /**
   * Notes until when a session lasts now; `false` if the store has to be told, because only its data says when it expires.
   * That happens after a tenth of its time at the earliest.
   */
  #moves(session: VerifiedSession, known: Remembered, content: Content, now: number): boolean {
    const expires = expiryOf(content.cookie);
    const stored = expiryOf(known.content.cookie);
    if (expires !== undefined && stored !== undefined && !endsBy(session.idle, content)) {
      if (Math.abs(expires - stored) > Math.abs(expires - now) / 10) return false;
    }
    known.expires = expires;
    return true;
  }
}

/** @throws `TypeError` if the verifier does not say what a session is kept with: then every session would seem empty */
function withData(session: VerifiedSession): VerifiedSession {
  if (session.idle !== undefined) return session;
  throw new TypeError(
    'The store needs a verifier of createVerifier: a remoteVerifier does not get the data of sessions.',
  );
}

function credential(kind: string, sid: string): AliasCredential {
  return { alias: { kind, secret: sid } };
}

function tooLarge(bytes: number): CurfewApiError {
  return new CurfewApiError('session_data_too_large', `The data of the session is too large. It has ${bytes} bytes.`, {
    status: 400,
    remedy: `Keep at most ${mostDataBytes} bytes with a session, and the rest in a database.`,
  });
}

/** Codes of errors which say that there is nothing to end. */
const absent: ReadonlySet<string> = new Set(['session_not_found', 'alias_unknown']);

/** Passes every error on, except those codes. */
function nothingToEnd(error: unknown): undefined {
  if (!(error instanceof CurfewApiError && absent.has(error.code))) throw error;
}

/**
 * Whether Curfew itself ends the session when it is not used for as long as its cookie lasts. `idle`: milliseconds without
 * activity after which Curfew ends it.
 */
function endsBy(idle: number | undefined, { cookie }: Content): boolean {
  const seconds = idleOf(cookie);
  return seconds !== undefined && seconds * 1000 === idle;
}

/**
 * The content of a session that Curfew has not ended; `undefined` if it has expired as far as its cookie says. `expires`:
 * when that is, as far as it is known here.
 */
function unexpired(
  content: Content,
  expires: number | undefined,
  idle: number | undefined,
  now: number,
): Content | undefined {
  const { cookie } = content;
  if (!cookie || expires === undefined) return content;
  // Curfew ends it when it is not used for as long as its cookie lasts. It has not, so another process has seen a use.
  if (expires <= now && !endsBy(idle, content)) return undefined;
  cookie.expires = new Date(expires <= now ? now + cookie.originalMaxAge! : expires);
  return content;
}

const refusals: ReadonlySet<string> = new Set([
  'session_ended',
  'session_suspended',
  'session_not_found',
  'alias_unknown',
]);

function isRefusal(error: unknown): error is CurfewApiError {
  return error instanceof CurfewApiError && refusals.has(error.code);
}

/** That a session is over, for a save that the server need not be asked about. */
export function refusalOf(reason: string): CurfewApiError {
  const [code, what] =
    reason === 'suspended'
      ? (['session_suspended', 'is suspended'] as const)
      : (['session_ended', 'has ended'] as const);
  return new CurfewApiError(code, `The session ${what}${code === 'session_ended' ? `: ${reason}` : ''}.`, {
    status: 401,
    remedy: 'Sign in again. A request that began earlier cannot save its session any more.',
  });
}
