import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { Caller } from '../../authority/caller.ts';
import { accountView } from '../../domain/account.ts';
import { limits } from '../../domain/limits.ts';
import type { Session } from '../../domain/session.ts';
import { CurfewError } from '../../errors.ts';
import { admit } from '../../http/checks/admission.ts';
import { answerAs, refuseRoute } from '../answering.ts';
import type { Dialect } from '../dialect.ts';
import { takeEmptyBodies } from '../request.ts';
import { decodeKey, decodeSession, decodeSignIn, signInBody, signOutBody } from './decode.ts';
import { encodeSession, encodeUser } from './encode.ts';
import { encodeError, type Place } from './errors.ts';

type Person = Extract<Caller, { kind: 'person' }>;

const root = '/_api';
const base = `${root}/rest/v1/auth`;
const hidden = { hide: true } as const;

/**
 * Altogic's authentication API, as far as it concerns sessions. The order of checks is: the application's key → the
 * user's session → shapes → the call. A key needs no scope: the session determines what is allowed, which is to act on
 * the sessions of its own user.
 */
export const altogic: Dialect = (app, services) => {
  const { authority } = services;
  const places = new WeakMap<FastifyRequest, Place>();
  takeEmptyBodies(app);
  answerAs(app, services, (error, request) => encodeError(error, places.get(request) ?? 'session'));

  app.post<{ Body: Static<typeof signInBody> }>(
    `${base}/signin-email`,
    { schema: { body: signInBody, ...hidden }, onRequest: withKey },
    async (request) => {
      const { session, account, token } = await authority.signIn(decodeSignIn(request.body, request));
      return { user: encodeUser(session, account), session: encodeSession(session, token) };
    },
  );

  app.get(`${base}/user`, { schema: hidden, onRequest: signedIn }, async (request) => {
    const { session, account } = personOf(request);
    return encodeUser(session, account && accountView(account));
  });

  app.get(`${base}/sessions`, { schema: hidden, onRequest: signedIn }, async (request) => {
    const sessions = await newestOf(personOf(request));
    return sessions.map((session) => encodeSession(session));
  });

  app.post<{ Body: Static<typeof signOutBody> }>(
    `${base}/signout`,
    { schema: { body: signOutBody, ...hidden }, onRequest: signedIn },
    async (request, reply) => {
      const caller = personOf(request);
      const { id, userId } = caller.session;
      await authority.endUserSession(caller, userId, request.body.token || id);
      return empty(reply);
    },
  );

  app.post(`${base}/signout-all`, { schema: hidden, onRequest: signedIn }, async (request, reply) => {
    const caller = personOf(request);
    await authority.endUserSessions(caller, caller.session.userId);
    return empty(reply);
  });

  app.post(`${base}/signout-all-except`, { schema: hidden, onRequest: signedIn }, async (request, reply) => {
    const caller = personOf(request);
    await authority.endUserSessions(caller, caller.session.userId, { except: caller.session.id });
    return empty(reply);
  });

  app.all(`${root}/*`, { schema: hidden }, refuseRoute);

  function withKey(request: FastifyRequest): Promise<void> {
    return admit(request, () => knowKey(request));
  }

  function signedIn(request: FastifyRequest): Promise<void> {
    return admit(request, async () => {
      await knowKey(request);
      const token = decodeSession(request);
      if (token === undefined) throw new CurfewError('authentication_required');
      request.caller = await authority.authenticateSession(token);
    });
  }

  async function knowKey(request: FastifyRequest): Promise<void> {
    places.set(request, 'key');
    const key = decodeKey(request);
    if (key === undefined) throw new CurfewError('authentication_required');
    await authority.authenticateKey(key);
    places.set(request, 'session');
  }

  /** The list has no pages: it has the newest sessions (`limits.listed`), and always includes the caller's own. */
  async function newestOf({ session: own }: Person): Promise<Session[]> {
    const newest: Session[] = [];
    let cursor: string | undefined;
    do {
      const page = await authority.listSessions({ user: own.userId, status: 'active', limit: limits.pageMax, cursor });
      newest.push(...page.sessions);
      cursor = page.nextCursor;
    } while (cursor !== undefined && newest.length < limits.listed);
    if (cursor !== undefined && newest.every(({ id }) => id !== own.id)) {
      newest.splice(-1, 1, await authority.getSession(own.id));
    }
    return newest;
  }
};

function personOf(request: FastifyRequest): Person {
  return request.caller as Person;
}

function empty(reply: FastifyReply): FastifyReply {
  return reply.status(200).send();
}
