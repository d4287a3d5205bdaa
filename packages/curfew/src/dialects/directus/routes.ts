import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { Person } from '../../authority/caller.ts';
import { kindOfToken } from '../../domain/tokens.ts';
import { CurfewError, type ErrorCode, isCurfewError } from '../../errors.ts';
import { admit, admitAgain } from '../../http/checks/admission.ts';
import { firstThatHolds } from '../../http/checks/authenticate.ts';
import { crossSite } from '../../http/checks/same-site.ts';
import { siteOf } from '../../http/site.ts';
import { answerAs } from '../answering.ts';
import type { Dialect } from '../dialect.ts';
import { eitherWay } from '../paths.ts';
import { decodeOrigin } from '../request.ts';
import {
  decodeBearer,
  decodeCookies,
  decodeFields,
  decodeRefresh,
  loginBody,
  otpBody,
  passwordBody,
  refreshBody,
  secretBody,
  sessionCookie,
  takeBodies,
} from './decode.ts';
import { clearCookie, clearCookies, encodeEnrolment, encodeTokens, encodeUser } from './encode.ts';
import type { Place } from './error-map.ts';
import { encodeError } from './errors.ts';
import { createTokens, kindOfJwt } from './tokens.ts';

/** The errors that only mean that a credential is not valid. */
const notSignedIn: readonly ErrorCode[] = [
  'token_malformed',
  'token_unknown',
  'token_expired',
  'session_ended',
  'session_suspended',
];

/**
 * Directus's REST API, as far as it concerns signing in and sessions. The order of checks is Directus's: an invalid
 * bearer fails on every route, then comes the body, then the call.
 */
export const directus: Dialect = (app, services, settings) => {
  const { authority } = services;
  const tokens = createTokens(settings);
  const places = new WeakMap<FastifyRequest, Place>();
  takeBodies(app);
  answerAs(app, services, (error, request) => encodeError(error, places.get(request), request));
  app.addHook('onRequest', async (request) => {
    refuseOtherSites(request);
    const bearer = decodeBearer(request);
    if (bearer === undefined) return;
    await admit(request, async () => {
      request.caller = await readToken(request, bearer);
    });
  });

  post('/auth/login', loginBody, async (request: Sent<typeof loginBody>, reply) => {
    places.set(request, 'login');
    const { email, password, otp: code, mode = 'json' } = request.body;
    const signedIn = await authority.signIn({
      login: { email },
      password,
      code,
      ...decodeOrigin(request),
      // The cookie cannot be used later than its age after its last use, so the session's idle limit is the same.
      idle: mode === 'session' ? Math.min(settings.directusSession, settings.idle, settings.absolute) : undefined,
      previousSessions: await sessionsBefore(request),
    });
    return encodeTokens(mode, { ...signedIn, roles: signedIn.account.roles }, tokens, settings, reply);
  });

  post('/auth/refresh', refreshBody, async (request: Sent<typeof refreshBody>, reply) => {
    const { mode, credentials: shown } = decodeRefresh(request.body, request);
    const refresh = async (token: string) => {
      const opened = await authority.refreshSession(token);
      const { roles } = await authority.authenticateSession(opened.token);
      return encodeTokens(mode, { ...opened, roles }, tokens, settings, reply);
    };
    if (mode !== 'session') return refresh(await alive(shown));
    return fromSessionCookie(reply, async () => refresh(await alive(shown, (text) => openSession(request, text))));
  });

  post('/auth/logout', refreshBody, async (request: Sent<typeof refreshBody>, reply) => {
    const { mode, credentials: shown } = decodeRefresh(request.body, request);
    // All of them are logged out, so that no other valid cookie keeps the browser signed in.
    for (const credential of shown) {
      await unlessOver(async () => {
        const token = mode === 'session' ? await tokens.openSession(credential) : credential;
        // A client that only has a session token, from another API, logs out with it.
        await authority.logOut(kindOfToken(token) === 'session' ? { token } : { refreshToken: token });
      });
    }
    clearCookies(request, reply);
    return reply.status(204).send();
  });

  // With this call a client checks that it is talking to Directus, before anybody signs in.
  for (const path of eitherWay('/server/ping')) app.get(path, { schema: { hide: true } }, async () => 'pong');

  for (const path of eitherWay('/users/me')) {
    app.get(path, { schema: { hide: true }, onRequest: signedIn }, async (request) => {
      return encodeUser(request.caller as Person, decodeFields(request));
    });
  }

  // Directus requires the password to begin, and a code to continue: each requires more than a session.
  post('/users/me/tfa/generate', passwordBody, async (request: Sent<typeof passwordBody>) => {
    const before = accountOf(request);
    await authority.confirmPassword(before.caller, before.account, request.body.password);
    await admitAgain(request);
    const { caller, account } = accountOf(request);
    places.set(request, 'factor');
    return encodeEnrolment(await authority.startTotp(caller, account.id, 'confirmed'));
  });

  post('/users/me/tfa/enable', secretBody, async (request: Sent<typeof secretBody>, reply) => {
    const { caller, account } = accountOf(request);
    places.set(request, 'factor');
    const { otp: code, secret } = request.body;
    await authority.confirmTotp(caller, account.id, { code, secret, backupCodes: false });
    return reply.status(204).send();
  });

  post('/users/me/tfa/disable', otpBody, async (request: Sent<typeof otpBody>, reply) => {
    const { caller, account } = accountOf(request);
    places.set(request, 'factor');
    const use = { area: 'accounts', ip: request.ip } as const;
    await authority.showSecondFactor(caller, account, request.body.otp, use);
    await authority.removeTotp(caller, account.id);
    return reply.status(204).send();
  });

  function post<Body extends Shape>(url: string, body: Body, handle: Handler<Body>): void {
    const onRequest = url.startsWith('/users/') ? signedIn : async () => {};
    for (const path of eitherWay(url)) {
      app.post<{ Body: Static<Body> }>(path, { schema: { body, hide: true }, onRequest }, handle);
    }
  }

  /** A request without a token in the header or the query may use the session cookie. */
  async function signedIn(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (request.caller) return;
    const { session } = decodeCookies(request);
    if (session.length === 0) throw new CurfewError('authentication_required');
    await admit(request, async () => {
      request.caller = await fromSessionCookie(reply, () =>
        firstThatHolds(session, (text) => readToken(request, text), notSignedIn),
      );
    });
  }

  /** The person to whom a token belongs: one of the two kinds that this dialect issues, or a session token. */
  async function readToken(request: FastifyRequest, text: string): Promise<Person> {
    switch (kindOfJwt(text)) {
      case 'access':
        return authority.authenticateVouched(await atToken(request, () => tokens.readAccess(text)));
      case 'session':
        return authority.authenticateRefreshToken(await openSession(request, text));
      default:
        return authority.authenticateSession(text);
    }
  }

  function openSession(request: FastifyRequest, text: string): Promise<string> {
    return atToken(request, () => tokens.openSession(text));
  }

  async function atToken<T>(request: FastifyRequest, read: () => Promise<T>): Promise<T> {
    places.set(request, 'access-token');
    const result = await read();
    places.delete(request);
    return result;
  }

  /**
   * The refresh token to use: of several cookies, the first whose session is alive. The check does not use up a token,
   * so an old cookie is not mistaken for a stolen copy of a new one.
   */
  async function alive(
    shown: readonly string[],
    open: (text: string) => Promise<string> = async (text) => text,
  ): Promise<string> {
    if (shown.length === 1) return open(shown[0]!);
    const look = async (text: string) => {
      const token = await open(text);
      await authority.authenticateRefreshToken(token);
      return token;
    };
    return firstThatHolds(shown, look, notSignedIn);
  }

  /** The sessions that a browser or a program has before it signs in again. */
  async function sessionsBefore(request: FastifyRequest): Promise<Person['session'][]> {
    const { refresh, session } = decodeCookies(request);
    const found = [
      request.caller as Person | undefined,
      ...(await Promise.all(refresh.map((token) => unlessOver(() => authority.authenticateRefreshToken(token))))),
      ...(await Promise.all(
        session.map((text) =>
          unlessOver(async () => authority.authenticateRefreshToken(await tokens.openSession(text))),
        ),
      )),
    ];
    return found.flatMap((person) => (person ? [person.session] : []));
  }
};

type Shape = typeof loginBody | typeof refreshBody | typeof passwordBody | typeof secretBody | typeof otpBody;
type Sent<Body extends Shape> = FastifyRequest<{ Body: Static<Body> }>;
type Handler<Body extends Shape> = (request: Sent<Body>, reply: FastifyReply) => Promise<unknown>;

/**
 * Refuses requests that a page of another site makes with our cookies, according to the browser. Whatever else such a
 * request contains, such as a password for a proxy or a token in the query, a sign-in, a refresh or a log-out would use
 * the cookies.
 */
function refuseOtherSites(request: FastifyRequest): void {
  const { refresh, session } = decodeCookies(request);
  if (request.method !== 'POST' || refresh.length + session.length === 0) return;
  if (siteOf(request) === 'another') throw crossSite(request);
}

/** Empties an invalid session cookie, so that the browser does not send it for ever. */
async function fromSessionCookie<T>(reply: FastifyReply, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    // An expired one is kept, as in Directus.
    if (isCurfewError(error, ...notSignedIn) && error.code !== 'token_expired') clearCookie(reply, sessionCookie);
    throw error;
  }
}

/** The result for a credential; `undefined` if the credential is no longer valid. Other errors are thrown. */
async function unlessOver<T>(use: () => Promise<T>): Promise<T | undefined> {
  try {
    return await use();
  } catch (error) {
    if (isCurfewError(error, ...notSignedIn, 'session_not_found')) return undefined;
    throw error;
  }
}

function accountOf(request: FastifyRequest): { caller: Person; account: NonNullable<Person['account']> } {
  const caller = request.caller as Person;
  if (caller.account) return { caller, account: caller.account };
  throw new CurfewError('account_not_found');
}
