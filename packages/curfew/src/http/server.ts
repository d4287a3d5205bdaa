import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import cookie from '@fastify/cookie';
import swagger from '@fastify/swagger';
import swaggerUi, { type FastifySwaggerUiOptions } from '@fastify/swagger-ui';
import { fencePath } from 'curfew-client/protocol';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { actorOf, type Caller } from '../authority/caller.ts';
import type { Authority } from '../authority/index.ts';
import type { Verification } from '../authority/verification.ts';
import type { Widget } from '../authority/widget.ts';
import { newId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Random } from '../domain/ports.ts';
import { CurfewError, isCurfewError } from '../errors.ts';
import { version } from '../version.ts';
import { type Admission, admit, admitAgain } from './checks/admission.ts';
import { authenticate, authenticationErrors, sentByCookie } from './checks/authenticate.ts';
import { checkAccess } from './checks/index.ts';
import { sameSite } from './checks/same-site.ts';
import { addPreflight, admitWidget } from './checks/widget.ts';
import { createSerializers, createValidators, whenNeeded } from './compilers.ts';
import { addConsole } from './console.ts';
import { createFastPath, type FastPath } from './fast-path.ts';
import { acceptVerifiers, type VerifierHost } from './fence.ts';
import { acceptEveryMethod, addForProxies, withoutVisitorsPath } from './for-proxies.ts';
import { everyAnswer, hostsIn } from './headers.ts';
import { acceptJson } from './json.ts';
import { loggedPath } from './logged-path.ts';
import { createMetrics, type Gauges, type Metrics } from './metrics.ts';
import { openApiOptions, schemaOf } from './openapi.ts';
import type { Operation, Services } from './operation.ts';
import { asCurfewError, problemOf, problemType } from './problem.ts';
import { clientAddress, type Proxies, trustOf, watchForProxy } from './proxies.ts';
import type { Readiness } from './readiness.ts';
import { operations } from './routes/index.ts';
import { components } from './schemas.ts';
import { OpenStreams } from './streams.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller; set for every operation that is not open. */
    caller: Caller | undefined;
    /** Set for the operations of the widget, which have no caller. */
    widget: Widget | undefined;
    admission: Admission | undefined;
  }
}

export type ServerSettings = {
  authority: Authority;
  random: Random;
  logger: Logger;
  gauges: Gauges;
  /** Logs one line for each request. Its fields are fixed and contain no secrets, so it does not redact. */
  requestLogger: Logger;
  readiness: Readiness;
  state: Services['state'];
  /** The node to which verifiers attach. */
  fence: VerifierHost;
  /** Which proxies are trusted to name the client. */
  trustProxy: Proxies;
  /** Whether the web console is served. */
  console: boolean;
  /** Wire formats of other systems: each registers its own routes. */
  dialects: readonly DialectPlugin[];
};

export type DialectPlugin = (app: FastifyInstance, services: Services) => void | Promise<void>;

export type HttpServer = {
  app: FastifyInstance;
  /** Releases the verifiers, accepts no more connections, and answers the requests on the existing ones. */
  close(): Promise<void>;
};

/**
 * Milliseconds for which existing connections stay open once no new ones are accepted. Otherwise a client that is about
 * to send a request would find its connection closed and could not know whether the request was received.
 */
const linger = 500;

/** Milliseconds without a byte in either direction after which a connection with a request is closed. */
const stalled = 120_000;

/** Milliseconds that a client has to read the answer to bytes that were not a request. */
const farewell = 1000;

/** The HTTP server: the native API, its documentation, the probes, and the dialects. */
export async function createServer(settings: ServerSettings): Promise<HttpServer> {
  const { logger, requestLogger, trustProxy, random, readiness } = settings;
  const trusted = trustOf(trustProxy);
  const noteProxy = watchForProxy(trusted, (text) => logger.warn(text));
  const clientOf = (request: IncomingMessage): string => {
    noteProxy(request);
    return clientAddress(request, trusted);
  };
  const closing = new AbortController();
  let refusing = false;
  const metrics = createMetrics(settings.gauges, settings.fence);
  const services: Services = {
    authority: {
      ...settings.authority,
      signIn: counted(settings.authority.signIn, metrics),
      verifySession: countedVerification(settings.authority, metrics),
    },
    closing: closing.signal,
    readiness,
    streams: new OpenStreams(),
    state: settings.state,
    fault: faultLogger(logger, metrics),
  };
  const validators = createValidators();
  const nextId = requestIds(random);
  let fastPath: FastPath = (_request, _response, fullPath) => fullPath();
  const connections = new Connections();
  const app: FastifyInstance = Fastify({
    serverFactory: (longWay) => {
      const handle: RequestListener = (request, response) => {
        connections.note(request.socket, response);
        fastPath(request, response, () => {
          for (const [name, value] of Object.entries(everyAnswer)) response.setHeader(name, value);
          longWay(request, response);
        });
      };
      return connections.watch(
        listener((request, response) => {
          const { untilStarted } = readiness;
          // Anything else would be told that its credential is wrong.
          if (untilStarted && !isProbe(request)) void untilStarted.then(() => handle(request, response));
          else handle(request, response);
        }),
      );
    },
    // Fastify's own lines are not needed: we log one for each request, below.
    logger: false,
    trustProxy: trustProxy === false ? false : trusted,
    rewriteUrl: withoutVisitorsPath(operations),
    bodyLimit: limits.bodyBytes,
    genReqId: requestIds(random),
    // Requests in progress are finished; idle connections are closed.
    forceCloseConnections: 'idle',
    // Requests that arrive while the server closes get our own error.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 2048 },
    schemaController: { compilersFactory: { buildSerializer: createSerializers } },
    clientErrorHandler: (error, socket) => refuseBytes(error, socket, nextId()),
    frameworkErrors: (error, request, reply) => sendProblem(services, request, reply as FastifyReply, error),
  });
  app.decorateRequest('caller', undefined);
  app.decorateRequest('widget', undefined);
  app.decorateRequest('admission', undefined);
  app.setValidatorCompiler(({ schema, httpPart }) =>
    whenNeeded(() => (httpPart === 'body' ? validators.strict : validators.coercing).compile(schema)),
  );
  app.setErrorHandler((error, request, reply) => sendProblem(services, request, reply, error));
  app.setNotFoundHandler((request) => {
    const path = pathOf(request);
    const why =
      path === fencePath ? ' without the header `Upgrade: websocket`, which a proxy may not have forwarded' : '';
    throw new CurfewError('route_not_found', { detail: `${request.method} ${path}${why}` });
  });
  app.addHook('onRequest', (request, _reply, done) => {
    // The framework's own value is not in canonical form, and is computed again at each access.
    Object.defineProperty(request, 'ip', { value: clientOf(request.raw) });
    if (refusing) done(new CurfewError('shutting_down'));
    else if (hostsIn(request.raw) > 1)
      done(new CurfewError('invalid_value', { detail: 'The request has more than one Host.' }));
    else done();
  });
  app.addHook('preValidation', (request) => admitAgain(request));
  app.addHook('onSend', (_request, reply, payload, done) => {
    // Accepted requests are finished, but their connections are not kept open.
    if (closing.signal.aborted) reply.header('connection', 'close');
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, ip, id, caller } = request;
    const [status, ms] = [reply.statusCode, reply.elapsedTime];
    metrics.counter(request.routeOptions.url ?? 'none', method, status)(ms / 1000);
    logRequest(requestLogger, {
      id,
      method,
      path: request.routeOptions.url ?? loggedPath(request.url),
      status,
      ms,
      ip,
      by: caller,
    });
    done();
  });
  const verifiers = acceptVerifiers(app.server, settings.fence, clientOf, () => readiness.untilStarted !== undefined);
  await app.register(cookie);
  for (const component of components) app.addSchema(component);
  await app.register(swagger, openApiOptions);
  await app.register(swaggerUi, documentation());
  await app.register(async (api) => {
    acceptJson(api, undefined);
    api.addHook('onSend', (_request, reply, payload, done) => {
      // Answers contain tokens, or what only a token gives access to: no cache may store them.
      if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
      done(null, payload);
    });
    for (const operation of operations) if (!operation.forProxies) addOperation(api, services, operation);
    addPreflight(api, operations);
  });
  acceptEveryMethod(app);
  await app.register(async (proxies) => {
    for (const operation of operations) if (operation.forProxies) addForProxies(proxies, services, operation);
  });
  addProbes(app, metrics, settings.console ? 'console/' : 'docs/');
  if (settings.console) addConsole(app);
  for (const dialect of settings.dialects) await app.register(async (scope) => dialect(scope, services));
  await app.ready();
  fastPath = createFastPath({
    operations,
    services,
    app,
    clientOf,
    nextId,
    compileBody: (schema) => validators.strict.compile(schema),
    compileQuery: (schema) => validators.coercing.compile(schema),
    watch(method, path, status) {
      const count = metrics.counter(path, method, status);
      const log = requestLogger.child({ method, path, status });
      return (began, ip, by) => {
        const ms = performance.now() - began;
        count(ms / 1000);
        log.info({ id: nextId(), ms: rounded(ms), ip, by: by && actorOf(by) }, 'request');
      };
    },
  });
  return {
    app,
    async close() {
      // This comes first, while verifiers can still be told and everything else is served, so that nobody has to wait
      // for leases to end.
      await verifiers.close();
      // Ends streams; from here on every answer closes its connection.
      closing.abort();
      await stopListening(app.server);
      refusing = true;
      connections.cutIdle();
      await app.close();
    },
  };
}

const isProbe = ({ url }: IncomingMessage) => /^\/(healthz|readyz|metrics)(\?|$)/.test(url ?? '');

/**
 * The connections of a server, each with the answer to its latest request. When the server closes, every request is
 * answered; connections without a request, or with only half a header, are closed. Node.js would count those as busy.
 */
class Connections {
  readonly #latest: Map<Socket, ServerResponse | undefined> = new Map();

  watch(server: Server): Server {
    return server.on('connection', (socket) => {
      this.#latest.set(socket, undefined);
      socket.once('close', () => this.#latest.delete(socket));
    });
  }

  /** `response` may have no socket yet: it gets the request's when the one before it has been answered. */
  note(socket: Socket, response: ServerResponse): void {
    this.#latest.set(socket, response);
  }

  cutIdle(): void {
    for (const [socket, response] of this.#latest) if (!response || response.writableFinished) socket.destroy();
  }
}

/** Accepts no more connections; resolves once the existing ones have closed, or after {@link linger}. */
async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return;
  const gone = once(server, 'close');
  // An HTTP server's own `close` would close idle connections at once.
  NetServer.prototype.close.call(server);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, linger);
  });
  await Promise.race([gone, late]);
  clearTimeout(timer);
}

function listener(handle: RequestListener): Server {
  // A client that sends a request now and then may keep its connection open. Headers and bodies that arrive slowly are
  // given up after the request timeout, which is checked every second.
  const patience = { requestTimeout: 30_000, connectionsCheckingInterval: 1000 };
  // A client that offers another protocol, as some do with their first request, is answered by HTTP; and so is a proxy
  // that asks about a visitor's WebSocket with the visitor's headers.
  const shouldUpgradeCallback = ({ url, headers }: IncomingMessage) =>
    /^websocket$/i.test(headers.upgrade ?? '') && url?.split('?', 1)[0] === fencePath;
  const server = createHttpServer({ keepAliveTimeout: 72_000, shouldUpgradeCallback, ...patience }, handle);
  // Otherwise a client that does not read its answer would keep the connection open, and the answer in memory.
  server.timeout = stalled;
  return server;
}

/** Ids of requests, for logs and problem documents: an id of this server's start, and a counter. */
function requestIds(random: Random): () => string {
  const start = newId('requests', Date.now(), random);
  let count = 0;
  return () => `${start}-${(count++).toString(36)}`;
}

function addOperation(app: FastifyInstance, services: Services, operation: Operation): void {
  const { method, path, access, answer } = operation;
  app.route({
    method,
    url: path,
    ...(operation.bodyBytes !== undefined && { bodyLimit: operation.bodyBytes }),
    schema: schemaOf(operation),
    onRequest: async (request, reply) => {
      sameSite(request);
      if (access === 'open') return;
      if (access === 'widget') {
        await admit(request, async () => {
          request.widget = await admitWidget(services.authority, request, reply);
        });
        return;
      }
      await admit(request, async () => {
        request.caller = await callerOf(operation, services, request);
      });
    },
    handler: async (request, reply) => {
      const { params, query, body } = request;
      const { caller, widget } = request;
      const context = { ...services, caller: caller as Caller, widget, params, query, body, request, reply };
      await checkAccess(access as never, context);
      reply.status(answer.status);
      return operation.handle(context as never);
    },
  });
}

/**
 * The page that shows the API. All its links are relative and its path ends with a slash, so that it also works if a
 * proxy serves it under a path of its own.
 */
function documentation(): FastifySwaggerUiOptions {
  let document: Buffer | undefined;
  return {
    routePrefix: '/docs',
    // Without the bar at the top, which shows the name and the logo of the program that renders the page.
    uiConfig: { deepLinking: true, layout: 'BaseLayout' },
    theme: { title: `Curfew ${version}` },
    staticCSP: true,
    uiHooks: {
      onRequest(request, reply, done) {
        if (pathOf(request) === '/docs') reply.redirect('docs/');
        // Writing it takes tens of milliseconds, in which the server does nothing else, and nothing links to it. The
        // route tells, because the path may be percent-encoded.
        else if (request.routeOptions.url === '/docs/yaml') reply.callNotFound();
        else done();
      },
    },
    transformSpecification(given, _request, reply) {
      reply.type(jsonType);
      document ??= bytesOf({
        ...given,
        info: { ...(given['info'] as object), version },
        // The page reads the document from one level deeper than the document's own path.
        servers: [{ url: '..', description: 'This server.' }],
      });
      return document;
    },
    transformSpecificationClone: false,
  };
}

const jsonType = 'application/json; charset=utf-8';

/** A document as JSON, which is kept: writing it takes a millisecond, and anybody may ask for it. */
function bytesOf(document: object): Buffer {
  return Buffer.from(JSON.stringify(document));
}

async function callerOf(
  { deadCookie }: Operation,
  { authority }: Services,
  request: FastifyRequest,
): Promise<Caller | undefined> {
  try {
    return await authenticate(authority, request);
  } catch (error) {
    if (deadCookie && sentByCookie(request) && isCurfewError(error, ...authenticationErrors)) return undefined;
    throw error;
  }
}

function addProbes(app: FastifyInstance, metrics: Metrics, start: string): void {
  const hidden = { schema: { hide: true } };
  app.get('/healthz', hidden, async () => ({ status: 'ok' }));
  app.get('/metrics', hidden, async (_request, reply) => {
    reply.header('content-type', metrics.contentType);
    return metrics.render();
  });
  let document: Buffer | undefined;
  app.get('/openapi.json', hidden, async (_request, reply) => {
    reply.type(jsonType);
    document ??= bytesOf(app.swagger());
    return document;
  });
  app.get('/', hidden, async (_request, reply) => reply.redirect(start));
}

/** Answers with any error as a problem document. */
function sendProblem({ fault }: Services, request: FastifyRequest, reply: FastifyReply, thrown: unknown): void {
  const error = asCurfewError(thrown);
  fault(error, request);
  if (error.facts.retryAfter !== undefined) reply.header('retry-after', error.facts.retryAfter);
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  void reply
    .status(error.status)
    .header('cache-control', 'no-store')
    .type(problemType)
    .serializer(JSON.stringify)
    .send(problemOf(error, request.id));
}

/** Answers bytes that are not an HTTP request, or take too long to become one: no route could answer them. */
function refuseBytes({ code }: NodeJS.ErrnoException, socket: Socket, requestId: string): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, text, detail } = notHttp[code ?? ''] ?? notHttp['']!;
  const problem = problemOf(new CurfewError('invalid_value', { detail }), requestId);
  const body = JSON.stringify({ ...problem, status });
  const headers = {
    'content-type': problemType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    connection: 'close',
    ...everyAnswer,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${text}\r\n${lines.join('')}\r\n${body}`);
  // Otherwise a client that keeps sending would keep its connection open.
  setTimeout(() => socket.destroy(), farewell).unref();
}

const notHttp: Record<string, { status: number; text: string; detail: string }> = {
  '': { status: 400, text: 'Bad Request', detail: 'This is not an HTTP/1.1 request.' },
  HPE_HEADER_OVERFLOW: { status: 431, text: 'Request Header Fields Too Large', detail: 'The headers are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, text: 'Request Timeout', detail: 'The request took too long to arrive.' },
};

/** Counts sign-ins by their result, whichever API they come through. */
function counted(signIn: Authority['signIn'], metrics: Metrics): Authority['signIn'] {
  return async (...given) => {
    try {
      const signedIn = await signIn(...given);
      metrics.countSignIn('success');
      return signedIn;
    } catch (error) {
      metrics.countSignIn(isCurfewError(error) ? error.code : 'internal');
      throw error;
    }
  };
}

/** Counts verifications by their result, and by whether this server knew the session. */
function countedVerification(
  { checkSession, verifySession }: Authority,
  { countVerification }: Metrics,
): Authority['verifySession'] {
  return async (token) => {
    const known = checkSession(token);
    const verdict = known ?? (await verifySession(token));
    const { result, fromMemory } = summaryOf(verdict);
    countVerification(result, known || fromMemory ? 'memory' : 'store');
    return verdict;
  };
}

/** A malformed token is refused without a look-up. */
function summaryOf(verdict: Verification): { result: string; fromMemory: boolean } {
  if (verdict.active) return { result: 'active', fromMemory: false };
  const { reason } = verdict;
  const result = reason === 'malformed' || reason === 'unknown' || reason === 'suspended' ? reason : 'ended';
  return { result, fromMemory: reason === 'malformed' };
}

/** Counts every error. Unexpected errors and failures of the store are logged with their cause. */
function faultLogger(logger: Logger, metrics: Metrics): Services['fault'] {
  return (error, { id }) => {
    metrics.countError(error.code);
    if (error.status >= 500) logger.error({ id, code: error.code, err: error, cause: error.cause }, 'failed');
  };
}

type RequestLine = {
  id: string;
  method: string;
  /** The route's path, or the request's without its query, which may contain secrets. */
  path: string;
  status: number;
  ms: number;
  ip: string;
  by: Caller | undefined;
};

/** Logs one line for each request. */
function logRequest(logger: Logger, { id, method, path, status, ms, ip, by }: RequestLine): void {
  logger.info({ method, path, status, id, ms: rounded(ms), ip, by: by && actorOf(by) }, 'request');
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0]!.slice(0, 200);
}
