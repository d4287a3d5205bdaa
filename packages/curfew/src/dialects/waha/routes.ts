import { setImmediate } from 'node:timers/promises';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  RouteGenericInterface,
  RouteHandlerMethod,
} from 'fastify';
import type { Static } from 'typebox';
import type { Caller } from '../../authority/caller.ts';
import type { Authority } from '../../authority/index.ts';
import type { NamedView } from '../../authority/named-sessions.ts';
import { seesAll } from '../../authority/sight.ts';
import { limits } from '../../domain/limits.ts';
import { CurfewError, isCurfewError } from '../../errors.ts';
import { admit } from '../../http/checks/admission.ts';
import { permission } from '../../http/checks/permission.ts';
import type { Services } from '../../http/operation.ts';
import { answerAs, refuseRoute } from '../answering.ts';
import type { Dialect } from '../dialect.ts';
import { eitherWay } from '../paths.ts';
import { takeEmptyBodies } from '../request.ts';
import {
  createBody,
  decodeAll,
  decodeCreate,
  decodeKey,
  decodeStart,
  listQuery,
  logoutBody,
  namedBy,
  requireName,
  startBody,
  stopBody,
  updateBody,
} from './decode.ts';
import { encodeSession, encodeStatus, type Me } from './encode.ts';
import { type Act, permissionsOf } from './error-map.ts';
import { encodeError } from './errors.ts';

const base = '/api/sessions';
const startPath = `${base}/start`;

type ByName = { Params: { name: string } };

/**
 * WAHA's sessions: each is a named session. The order of checks is WAHA's: the key → its permission → shapes → the
 * call. The authority handles calls on one name one after the other.
 */
export const waha: Dialect = (app, services) => {
  takeEmptyBodies(app);
  answerAs(app, services, (error, request) =>
    encodeError(error, namedBy(request), /\/sessions\/start\/?$/.test(request.routeOptions.url ?? '')),
  );
  const add = adder(app, services.authority);
  addReads(add, services);
  addChanges(add, services);
  addActs(add, services);
  addDeprecated(add, services);
  app.all(`${base}/*`, { schema: { hide: true } }, refuseRoute);
};

type Handle<Route extends RouteGenericInterface> = (
  request: FastifyRequest<Route>,
  reply: FastifyReply,
) => Promise<unknown>;

type Add = <Route extends RouteGenericInterface>(
  act: Act,
  call: `${'GET' | 'POST' | 'PUT' | 'DELETE'} ${string}`,
  schema: FastifySchema,
  handle: Handle<Route>,
) => void;

/**
 * Adds calls, each with the act whose permission the key needs, and in both forms of its path: WAHA's documentation has
 * a slash at the end of some.
 */
function adder(app: FastifyInstance, authority: Authority): Add {
  return (act, call, schema, handle) => {
    const [method = '', path = ''] = call.split(' ');
    const handler = handle as RouteHandlerMethod;
    for (const url of eitherWay(path)) {
      app.route({ method, url, schema: { ...schema, hide: true }, onRequest: may(authority, act), handler });
    }
  };
}

function addReads(add: Add, { authority }: Services): void {
  add<{ Querystring: Static<typeof listQuery> }>('read', `GET ${base}`, { querystring: listQuery }, async ({ query }) =>
    listed(authority, decodeAll(query)),
  );

  add<ByName>('read', `GET ${base}/:name`, {}, async ({ params }) =>
    present(authority, await authority.getNamedSession(params.name)),
  );

  add<ByName>('read', `GET ${base}/:name/me`, {}, async ({ params }, reply) => {
    const named = await authority.getNamedSession(params.name);
    // Nobody is signed in to a stopped session, although it is kept.
    if (named.status === 'stopped') throw new CurfewError('named_session_stopped');
    const me = await meOf(authority, named);
    // The answer is sent as text, because `null` would be sent as an empty body.
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(me));
  });
}

function addChanges(add: Add, { authority }: Services): void {
  add<{ Body: Static<typeof createBody> }>('create', `POST ${base}`, { body: createBody }, async (request, reply) => {
    reply.status(201);
    return present(authority, await authority.createNamedSession(callerOf(request), decodeCreate(request.body)));
  });

  add<ByName & { Body: Static<typeof updateBody> }>(
    'update',
    `PUT ${base}/:name`,
    { body: updateBody },
    async (request) => {
      const config = request.body.config ?? undefined;
      const caller = callerOf(request);
      return changed(authority, caller, await authority.updateNamedSession(caller, request.params.name, { config }));
    },
  );

  add<ByName>('delete', `DELETE ${base}/:name`, {}, async (request, reply) => {
    await remove(authority, callerOf(request), request.params.name);
    return reply.status(200).send();
  });
}

function addActs(add: Add, { authority }: Services): void {
  const acts = {
    start: authority.startNamedSession,
    stop: authority.stopNamedSession,
    restart: authority.restartNamedSession,
    // In WAHA, a client that ends a session logs it out.
    logout: (caller: Caller, name: string) => authority.logoutNamedSession(caller, name, 'everywhere', 'logout'),
  };
  for (const act of Object.keys(acts) as (keyof typeof acts)[]) {
    add<ByName>(act, `POST ${base}/:name/${act}`, {}, async (request, reply) => {
      const caller = callerOf(request);
      const acting = acts[act](caller, request.params.name);
      // In WAHA, stopping a session that does not exist is not an error; the answer is empty.
      const done = act === 'stop' ? await unlessAbsent(acting) : await acting;
      reply.status(201);
      return done ? changed(authority, caller, done.named) : reply.send();
    });
  }
}

/** The deprecated calls, with the name in the body. Their logout removes the session with its configuration. */
function addDeprecated(add: Add, { authority }: Services): void {
  add<{ Body: Static<typeof startBody> }>('start', `POST ${startPath}`, { body: startBody }, async (request, reply) => {
    const caller = callerOf(request);
    reply.status(201);
    return changed(authority, caller, await authority.openNamedSession(caller, decodeStart(request.body)));
  });

  add<{ Body: Static<typeof stopBody> }>('stop', `POST ${base}/stop`, { body: stopBody }, async (request, reply) => {
    const name = requireName(request.body);
    if (request.body.logout) await remove(authority, callerOf(request), name);
    else await unlessAbsent(authority.stopNamedSession(callerOf(request), name));
    return reply.status(201).send();
  });

  add<{ Body: Static<typeof logoutBody> }>(
    'logout',
    `POST ${base}/logout`,
    { body: logoutBody },
    async (request, reply) => {
      await remove(authority, callerOf(request), requireName(request.body));
      return reply.status(201).send();
    },
  );
}

/** Reads the key, and checks its permission. */
function may(authority: Authority, act: Act): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const key = decodeKey(request);
    if (key === undefined) throw new CurfewError('authentication_required');
    await admit(request, async () => {
      request.caller = await authority.authenticateKey(key);
      permission(request.caller, permissionsOf[act]);
    });
  };
}

/** WAHA's list has no pages: it has the first sessions by name (`limits.listed`). */
async function listed(authority: Authority, stoppedToo: boolean): Promise<object[]> {
  const shown: object[] = [];
  let cursor: string | undefined;
  do {
    const page = await authority.listNamedSessions({ limit: limits.pageMax, cursor });
    const wanted = page.namedSessions.filter(({ status }) => stoppedToo || status !== 'stopped');
    shown.push(...(await Promise.all(wanted.map((one) => present(authority, one)))));
    cursor = page.nextCursor;
    // Configurations are long, and an embedded store waits for nothing: other callers would wait for all pages.
    await setImmediate();
  } while (cursor !== undefined && shown.length < limits.listed);
  return shown.slice(0, limits.listed);
}

async function present(authority: Authority, named: NamedView): Promise<object> {
  return encodeSession(named, await meOf(authority, named));
}

/** The answer to a change: a key that may not read sessions does not see whose session it is, nor what was configured. */
async function changed(authority: Authority, caller: Caller, named: NamedView): Promise<object> {
  return seesAll(caller) ? present(authority, named) : encodeStatus(named);
}

async function meOf(authority: Authority, { session }: NamedView): Promise<Me | null> {
  if (!session) return null;
  return { id: session.userId, pushName: (await authority.namesOfUser(session.userId)).displayName };
}

/** In WAHA, removing a session that does not exist is not an error. */
async function remove(authority: Authority, caller: Caller, name: string): Promise<void> {
  await unlessAbsent(authority.removeNamedSession(caller, name, 'everywhere', 'logout'));
}

async function unlessAbsent<Result>(change: Promise<Result>): Promise<Result | undefined> {
  return change.catch((error: unknown) => {
    if (isCurfewError(error, 'named_session_not_found')) return undefined;
    throw error;
  });
}

function callerOf(request: FastifyRequest): Caller {
  return request.caller as Caller;
}
