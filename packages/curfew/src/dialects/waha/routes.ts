import type { FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { Caller } from '../../authority/caller.ts';
import type { NamedView } from '../../authority/named-sessions.ts';
import { limits } from '../../domain/limits.ts';
import { CurfewError, isCurfewError } from '../../errors.ts';
import { permission } from '../../http/checks/permission.ts';
import { asCurfewError } from '../../http/problem.ts';
import type { Dialect } from '../dialect.ts';
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
import { encodeSession, type Me } from './encode.ts';
import { encodeError } from './errors.ts';
import { type Act, permissionsOf } from './table.ts';

const base = '/api/sessions';
const startPath = `${base}/start`;

type ByName = { Params: { name: string } };

/**
 * WAHA's sessions: each is a named session. The order of checks is its own: the key → what the key may do → shapes →
 * the call. Calls on one name are done one after the other, by the authority.
 */
export const waha: Dialect = (app, services) => {
  const { authority } = services;
  takeEmptyBodies(app);
  app.setErrorHandler((thrown, request, reply) => {
    const error = asCurfewError(thrown);
    services.fault(error, request);
    const { status, body } = encodeError(
      error,
      namedBy(request),
      request.routeOptions.url?.endsWith(startPath) ?? false,
    );
    if (error.facts.retryAfter !== undefined) reply.header('retry-after', error.facts.retryAfter);
    return reply.status(status).header('cache-control', 'no-store').send(body);
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });

  /** Reads the key, and sees that it may do this. */
  const may = (act: Act) => async (request: FastifyRequest) => {
    const key = decodeKey(request);
    if (key === undefined) throw new CurfewError('authentication_required');
    request.caller = await authority.authenticateKey(key);
    permission(request.caller, permissionsOf[act]);
  };

  app.get<{ Querystring: Static<typeof listQuery> }>(
    base,
    { schema: { querystring: listQuery, hide: true }, onRequest: may('read') },
    async (request) => {
      const named = await allNamed();
      const shown = decodeAll(request.query) ? named : named.filter(({ status }) => status !== 'stopped');
      return Promise.all(shown.map(present));
    },
  );

  app.get<ByName>(`${base}/:name`, { schema: { hide: true }, onRequest: may('read') }, async ({ params }) =>
    present(await authority.getNamed(params.name)),
  );

  app.get<ByName>(`${base}/:name/me`, { schema: { hide: true }, onRequest: may('read') }, async ({ params }, reply) => {
    const me = await meOf(await authority.getNamed(params.name));
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(me));
  });

  app.post<{ Body: Static<typeof createBody> }>(
    base,
    { schema: { body: createBody, hide: true }, onRequest: may('create') },
    async (request, reply) => {
      reply.status(201);
      return present(await authority.createNamed(callerOf(request), decodeCreate(request.body)));
    },
  );

  app.put<ByName & { Body: Static<typeof updateBody> }>(
    `${base}/:name`,
    { schema: { body: updateBody, hide: true }, onRequest: may('update') },
    async (request) => {
      const { params, body } = request;
      return present(await authority.updateNamed(callerOf(request), params.name, { config: body.config ?? undefined }));
    },
  );

  app.delete<ByName>(`${base}/:name`, { schema: { hide: true }, onRequest: may('delete') }, async (request, reply) => {
    await remove(callerOf(request), request.params.name);
    return reply.status(200).send();
  });

  const acts = {
    start: authority.startNamed,
    stop: authority.stopNamed,
    restart: authority.restartNamed,
    logout: authority.logoutNamed,
  };
  for (const [act, run] of Object.entries(acts) as [keyof typeof acts, typeof authority.startNamed][]) {
    app.post<ByName>(
      `${base}/:name/${act}`,
      { schema: { hide: true }, onRequest: may(act) },
      async (request, reply) => {
        const { named } = await run(callerOf(request), request.params.name);
        reply.status(201);
        return present(named);
      },
    );
  }

  // The deprecated calls, with the name in the body. A logout there removes the session with its configuration.
  app.post<{ Body: Static<typeof startBody> }>(
    startPath,
    { schema: { body: startBody, hide: true }, onRequest: may('start') },
    async (request, reply) => {
      reply.status(201);
      return present(await authority.openNamed(callerOf(request), decodeStart(request.body)));
    },
  );

  app.post<{ Body: Static<typeof stopBody> }>(
    `${base}/stop`,
    { schema: { body: stopBody, hide: true }, onRequest: may('stop') },
    async (request, reply) => {
      const name = requireName(request.body);
      if (request.body.logout) await remove(callerOf(request), name);
      else await unlessAbsent(authority.stopNamed(callerOf(request), name));
      return reply.status(201).send();
    },
  );

  app.post<{ Body: Static<typeof logoutBody> }>(
    `${base}/logout`,
    { schema: { body: logoutBody, hide: true }, onRequest: may('logout') },
    async (request, reply) => {
      await remove(callerOf(request), requireName(request.body));
      return reply.status(201).send();
    },
  );

  app.all(`${base}/*`, { schema: { hide: true } }, async () => {
    throw new CurfewError('route_not_found');
  });

  /** Removing what is not there is no error there. */
  function remove(caller: Caller, name: string): Promise<void> {
    return unlessAbsent(authority.removeNamed(caller, name));
  }

  /** Its list has no pages. */
  async function allNamed(): Promise<NamedView[]> {
    const all: NamedView[] = [];
    let cursor: string | undefined;
    do {
      const page = await authority.listNamed({ limit: limits.pageMax, cursor });
      all.push(...page.namedSessions);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return all;
  }

  async function present(named: NamedView): Promise<object> {
    return encodeSession(named, await meOf(named));
  }

  async function meOf({ session }: NamedView): Promise<Me | null> {
    if (!session) return null;
    const account = await authority.getAccount(session.userId).catch((error: unknown) => {
      if (isCurfewError(error, 'account_not_found')) return undefined;
      throw error;
    });
    return { id: session.userId, pushName: account?.name ?? account?.username ?? session.userId };
  }
};

async function unlessAbsent(change: Promise<unknown>): Promise<void> {
  await change.catch((error: unknown) => {
    if (!isCurfewError(error, 'named_session_not_found')) throw error;
  });
}

function callerOf(request: FastifyRequest): Caller {
  return request.caller as Caller;
}
