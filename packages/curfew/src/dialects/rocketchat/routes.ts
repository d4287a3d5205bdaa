import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { Caller } from '../../authority/caller.ts';
import { CurfewError } from '../../errors.ts';
import { permission } from '../../http/checks/permission.ts';
import type { Services } from '../../http/operation.ts';
import { asCurfewError } from '../../http/problem.ts';
import type { Dialect, DialectSettings } from '../dialect.ts';
import { header } from '../request.ts';
import { decodeCredentials, decodeLogin, loginBody, sessionBody } from './decode.ts';
import { encodeLogin, loggedOut } from './encode.ts';
import { encodeError, type Place } from './errors.ts';
import { permissionsOf } from './table.ts';

type Person = Extract<Caller, { kind: 'person' }>;

/** Rocket.Chat's own paths, from which a client's base URL leads to `/api/v1`. */
const base = '/api/v1';

/**
 * Rocket.Chat's REST API, as far as it concerns signing in and sessions. The order of checks is its own:
 * authentication → rate limit → parameters → permission → second factor → the call.
 */
export const rocketchat: Dialect = (app, services, settings) => {
  const { authority } = services;
  const places = new WeakMap<FastifyRequest, Place>();
  app.setErrorHandler((thrown, request, reply) => {
    const error = asCurfewError(thrown);
    services.fault(error, request);
    const { status, body } = encodeError(error, places.get(request) ?? 'elsewhere');
    if (error.facts.retryAfter !== undefined) reply.header('retry-after', error.facts.retryAfter);
    return reply.status(status).header('cache-control', 'no-store').send(body);
  });

  app.post<{ Body: Static<typeof loginBody> }>(
    `${base}/login`,
    {
      schema: { body: loginBody, hide: true },
      onRequest: async (request, reply) => {
        places.set(request, 'login');
        await limitCalls(services, settings, request, reply);
      },
    },
    async (request) => encodeLogin(await authority.signIn(decodeLogin(request.body, request))),
  );

  app.post(`${base}/logout`, { schema: { hide: true }, onRequest: signedIn }, async (request) => {
    const caller = personOf(request);
    await authority.endSession(caller, { id: caller.session.id });
    return loggedOut;
  });

  app.post<{ Body: Static<typeof sessionBody> }>(
    `${base}/sessions/logout`,
    { schema: { body: sessionBody, hide: true }, onRequest: signedIn },
    async (request) => {
      const caller = personOf(request);
      permission(caller, permissionsOf['logout-device-management']);
      await confirmFactor(request, caller);
      const { session } = await authority.endSession(caller, { id: request.body.sessionId });
      return { sessionId: session.id, success: true };
    },
  );

  async function signedIn(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const credentials = decodeCredentials(request);
    if (!credentials) throw new CurfewError('authentication_required');
    const caller = await authority.authenticateSession(credentials.token);
    // The two belong together, or neither is believed.
    if (caller.kind !== 'person' || caller.session.userId !== credentials.userId) {
      throw new CurfewError('authentication_required');
    }
    request.caller = caller;
    await limitCalls(services, settings, request, reply);
  }

  async function confirmFactor(request: FastifyRequest, caller: Person): Promise<void> {
    places.set(request, 'second-factor');
    await authority.confirmSecondFactor(caller.session, caller.account, header(request, 'x-2fa-code'));
    places.delete(request);
  }
};

/** Counts the calls of a route from an address, and says how many are left. */
async function limitCalls(
  { authority }: Services,
  { rocketchatCalls: rule }: DialectSettings,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (!rule) return;
  const route = request.routeOptions.url?.slice(request.routeOptions.url.indexOf(base)) ?? '';
  const outcome = await authority.countCall(`rocketchat ${route} ${request.ip}`, rule);
  reply.header('x-ratelimit-limit', rule.max);
  reply.header('x-ratelimit-remaining', outcome.remaining);
  reply.header('x-ratelimit-reset', outcome.resetAt);
  if (!outcome.allowed) throw new CurfewError('too_many_attempts', { retryAfter: outcome.retryAfter });
}

function personOf(request: FastifyRequest): Person {
  return request.caller as Person;
}
