import { METHODS } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { announcesBody } from './headers.ts';
import { schemaOf } from './openapi.ts';
import type { Operation, Passed, Services } from './operation.ts';

/* Operations that a proxy calls with the method of any request, and with any path below their own. */

/** CONNECT never reaches a route. */
const everyMethod = METHODS.filter((method) => method !== 'CONNECT');

/** What follows the operation's path in a URL: nothing, a query, or a visitor's path; `undefined` for other URLs. */
export function restOf({ path }: Operation, url: string): string | undefined {
  if (!url.startsWith(path)) return undefined;
  const rest = url.slice(path.length);
  return rest === '' || rest.startsWith('?') || rest.startsWith('/') ? rest : undefined;
}

/** The path of all URLs below the operation's. */
export function pathBelow({ path }: Operation): string {
  return `${path}/`;
}

/** Replaces a visitor's path below one of the operations, which no router needs to understand. */
export function withoutVisitorsPath(
  operations: readonly Operation[],
): (request: { url?: string | undefined }) => string {
  const forProxies = operations.filter((operation) => operation.forProxies);
  return ({ url = '' }) => {
    const below = forProxies.find((operation) => restOf(operation, url)?.startsWith('/'));
    return below ? pathBelow(below) : url;
  };
}

export function addForProxies(app: FastifyInstance, services: Services, operation: Operation): void {
  const { method, path } = operation;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.addHook('onRequest', (request, reply, done) => {
    // nginx announces the visitor's body without sending it, unless it is configured not to. The next request on this
    // connection would then be taken for that body.
    if (announcesBody(request.raw)) reply.header('connection', 'close');
    // The framework would refuse some methods and bodies by their type, which is the application's business.
    request.raw.headers['content-type'] = 'application/octet-stream';
    done();
  });
  const answer = async (request: FastifyRequest, reply: FastifyReply, query: unknown) => {
    const passed = await operation.handle({ ...services, request, reply, query } as never);
    const { status, headers } = passed as Passed;
    return reply.status(status).headers(headers).header('cache-control', 'no-store').send();
  };
  const own = (request: FastifyRequest, reply: FastifyReply) => answer(request, reply, request.query);
  const below = (request: FastifyRequest, reply: FastifyReply) => answer(request, reply, {});
  const schema = schemaOf(operation);
  const hidden = { hide: true, querystring: schema.querystring };
  const others = everyMethod.filter((one) => one !== method);
  app.route({ method, url: path, schema, handler: own, exposeHeadRoute: false });
  app.route({ method: others, url: path, schema: hidden, handler: own, exposeHeadRoute: false });
  app.route({
    method: everyMethod,
    url: pathBelow(operation),
    schema: { hide: true },
    handler: below,
    exposeHeadRoute: false,
  });
}

/** Makes the framework accept every method that a proxy may pass on. */
export function acceptEveryMethod(app: FastifyInstance): void {
  for (const method of everyMethod) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true });
  }
}
