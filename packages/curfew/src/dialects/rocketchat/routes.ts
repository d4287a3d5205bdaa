import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { Authority } from '../../authority/index.ts';
import { networkOf } from '../../domain/address-bytes.ts';
import { areaOf } from '../../domain/factor-shown.ts';
import { CurfewError } from '../../errors.ts';
import { admit } from '../../http/checks/admission.ts';
import { permission } from '../../http/checks/permission.ts';
import type { Services } from '../../http/operation.ts';
import { answerAs, refuseRoute } from '../answering.ts';
import type { Dialect, DialectSettings } from '../dialect.ts';
import { header } from '../request.ts';
import { answers, refusal } from './answers.ts';
import { acceptBodies } from './bodies.ts';
import {
  decodeCredentials,
  decodeLogin,
  decodePage,
  decodeSort,
  loginBody,
  pageParams,
  sessionParams,
  userParams,
} from './decode.ts';
import {
  encodeLogin,
  encodeOthersEnded,
  encodePage,
  encodePopulated,
  encodeSession,
  encodeStranger,
  encodeUser,
  encodeUserEnded,
  loggedOut,
  type Person,
} from './encode.ts';
import { permissionsOf } from './error-map.ts';
import { encodeError, type Place } from './errors.ts';

/** The base of Rocket.Chat's own paths. */
const base = '/api/v1';

type WithPage = { Querystring: Static<typeof pageParams> };
type InQuery = { Querystring: Static<typeof sessionParams> };
type InBody = { Body: Static<typeof sessionParams> };

/**
 * Rocket.Chat's REST API, as far as it concerns signing in and sessions. The order of checks is Rocket.Chat's:
 * authentication → rate limit → parameters → permission → second factor → the call.
 */
export const rocketchat: Dialect = (app, services, settings) => {
  const { authority } = services;
  const places = new WeakMap<FastifyRequest, Place>();
  answerAs(app, services, (error, request) => encodeError(error, places.get(request) ?? 'elsewhere'));
  acceptBodies(app);

  app.post<{ Body: Static<typeof loginBody> }>(
    `${base}/login`,
    {
      schema: shapes(answers.login, { body: loginBody }),
      onRequest: async (request, reply) => {
        places.set(request, 'login');
        await limitCalls(services, settings, request, reply);
      },
    },
    async (request) => {
      const asked = decodeLogin(request.body, request);
      if ('resume' in asked) {
        const caller = await authority.authenticateSession(asked.resume);
        return encodeLogin(caller.session, asked.resume, await userOf(caller));
      }
      const { session, token, account } = await authority.signIn(asked);
      return encodeLogin(session, token, encodeUser(account));
    },
  );

  // Rocket.Chat accepts both methods, and some of its clients use GET; a HEAD must not log anybody out.
  app.route({
    method: ['GET', 'POST'],
    url: `${base}/logout`,
    exposeHeadRoute: false,
    schema: shapes(answers.logout),
    onRequest: signedIn,
    handler: async (request) => {
      const caller = personOf(request);
      await authority.endSession(caller, { id: caller.session.id });
      return loggedOut;
    },
  });

  app.get(`${base}/me`, { schema: shapes(answers.me), onRequest: signedIn }, async (request) => {
    return { ...(await userOf(personOf(request))), success: true };
  });

  app.get<WithPage>(
    `${base}/sessions/list`,
    { schema: shapes(answers.page, { querystring: pageParams }), onRequest: signedIn },
    async (request) => {
      const caller = personOf(request);
      const { page, listed } = await browse(request, caller.session.userId);
      const shown = listed.sessions.map(({ session }) => encodeSession(session, caller, request.host));
      return encodePage(shown, listed, page);
    },
  );

  app.get<InQuery>(
    `${base}/sessions/info`,
    { schema: shapes(answers.session, { querystring: sessionParams }), onRequest: signedIn },
    async (request) => {
      const caller = personOf(request);
      const session = await authority.findUserSession(caller.session.userId, request.query.sessionId);
      return { ...encodeSession(session, caller, request.host), success: true };
    },
  );

  app.post<InBody>(
    `${base}/sessions/logout.me`,
    { schema: shapes(answers.ended, { body: sessionParams }), onRequest: signedIn },
    async (request) => {
      const caller = personOf(request);
      const { session } = await authority.endUserSession(caller, caller.session.userId, request.body.sessionId);
      return { sessionId: session.id, success: true };
    },
  );

  app.get<WithPage>(
    `${base}/sessions/list.all`,
    { schema: shapes(answers.populatedPage, { querystring: pageParams }), onRequest: signedIn },
    async (request) => {
      const caller = await manager(request, 'view-device-management');
      const { page, listed } = await browse(request, undefined);
      const shown = listed.sessions.map(({ session, named }) => encodePopulated(session, named, caller, request.host));
      return encodePage(shown, listed, page);
    },
  );

  app.get<InQuery>(
    `${base}/sessions/info.admin`,
    { schema: shapes(answers.populated, { querystring: sessionParams }), onRequest: signedIn },
    async (request) => {
      const caller = await manager(request, 'view-device-management');
      const session = await authority.getLiveSession(request.query.sessionId);
      const named = await authority.namesOfUser(session.userId);
      return { ...encodePopulated(session, named, caller, request.host), success: true };
    },
  );

  app.post<InBody>(
    `${base}/sessions/logout`,
    { schema: shapes(answers.ended, { body: sessionParams }), onRequest: signedIn },
    async (request) => {
      const caller = await manager(request, 'logout-device-management');
      const { session } = await authority.endSession(caller, { id: request.body.sessionId });
      return { sessionId: session.id, success: true };
    },
  );

  app.post<{ Body: Static<typeof userParams> }>(
    `${base}/users.logout`,
    { schema: shapes(answers.userEnded, { body: userParams }), onRequest: signedIn },
    async (request) => {
      const own = personOf(request).session.userId;
      const userId = request.body.userId || own;
      const caller = userId === own ? personOf(request) : await manager(request, 'logout-other-user');
      places.set(request, 'user');
      const { ended } = await authority.endUserSessions(caller, userId);
      if (ended === 0) throw new CurfewError('session_not_found');
      return encodeUserEnded(userId);
    },
  );

  app.post(
    `${base}/users.logoutOtherClients`,
    { schema: shapes(answers.othersEnded), onRequest: signedIn },
    async (request) => {
      const caller = personOf(request);
      const { id, userId } = caller.session;
      await authority.endUserSessions(caller, userId, { except: id });
      return encodeOthersEnded(decodeCredentials(request)!.token, caller);
    },
  );

  app.all(`${base}/*`, { schema: { hide: true } }, refuseRoute);

  async function signedIn(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await admit(request, async () => {
      request.caller = await authenticate(authority, request);
    });
    await limitCalls(services, settings, request, reply);
  }

  async function userOf({ account, session, roles }: Person): Promise<object> {
    if (!account) return encodeStranger(session.userId);
    return encodeUser({ ...(await authority.getAccount(account.id)), roles });
  }

  /** A person who may see or end others' devices: checks the permission, then the second factor. */
  async function manager(request: FastifyRequest, wanted: keyof typeof permissionsOf): Promise<Person> {
    const caller = personOf(request);
    permission(caller, permissionsOf[wanted]);
    places.set(request, 'second-factor');
    const use = { area: areaOf(permissionsOf[wanted]), ip: request.ip };
    await authority.confirmSecondFactor(caller.session, caller.account, header(request, 'x-2fa-code'), use);
    places.delete(request);
    return caller;
  }

  async function browse(request: FastifyRequest<WithPage>, user: string | undefined) {
    const order = decodeSort(request.query.sort);
    if (typeof order === 'string') {
      places.set(request, order);
      throw new CurfewError('invalid_value', { detail: 'sort is not understood.' });
    }
    const page = decodePage(request.query);
    const { filter } = request.query;
    return { page, listed: await authority.browseSessions({ user, filter, order, ...page }) };
  }
};

function shapes<const Parts extends object>(answer: object, parts?: Parts) {
  return { hide: true, ...parts, response: { 200: answer, '4xx': refusal, '5xx': refusal } };
}

async function authenticate(authority: Authority, request: FastifyRequest): Promise<Person> {
  const credentials = decodeCredentials(request);
  if (!credentials) throw new CurfewError('authentication_required');
  const caller = await authority.authenticateSession(credentials.token);
  // The two must belong together, or neither is accepted.
  if (caller.kind === 'person' && caller.session.userId === credentials.userId) return caller;
  throw new CurfewError('authentication_required');
}

/** Counts the calls of a route from an address, and reports how many are left. */
async function limitCalls(
  { authority }: Services,
  { rocketchatCalls: rule }: DialectSettings,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (!rule) return;
  const route = request.routeOptions.url?.slice(request.routeOptions.url.indexOf(base)) ?? '';
  const outcome = await authority.countCall(`rocketchat ${route} ${networkOf(request.ip)}`, rule);
  reply.header('x-ratelimit-limit', rule.max);
  reply.header('x-ratelimit-remaining', outcome.remaining);
  reply.header('x-ratelimit-reset', outcome.resetAt);
  if (!outcome.allowed) throw new CurfewError('too_many_attempts', { retryAfter: outcome.retryAfter });
}

function personOf(request: FastifyRequest): Person {
  return request.caller as Person;
}
