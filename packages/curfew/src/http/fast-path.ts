import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { parse as parseQuery } from 'node:querystring';
import type { ValidateFunction } from 'ajv';
import type { FastifyInstance } from 'fastify';
import type { Caller } from '../authority/caller.ts';
import { limits } from '../domain/limits.ts';
import { CurfewError } from '../errors.ts';
import { permission } from './checks/permission.ts';
import { pathBelow, restOf } from './for-proxies.ts';
import { announcesBody, everyAnswer, hostsIn } from './headers.ts';
import type { Operation, Passed, Services } from './operation.ts';
import { problemOf, problemType } from './problem.ts';

/*
 * The framework costs more than a verification. So operations that an application or a proxy calls at each of its
 * requests have a fast path: a well-formed request that succeeds is answered without the framework, by the same
 * declaration and the same checks. Any other request takes the full path, if need be with the bytes that were already
 * read: no error and no rule is written twice, and a test compares the answers of both paths.
 */

/** Answers a request, or calls `fullPath`. */
export type FastPath = (request: IncomingMessage, response: ServerResponse, fullPath: () => void) => void;

type Settings = {
  operations: readonly Operation[];
  services: Services;
  /** The framework, ready for requests. */
  app: FastifyInstance;
  compileBody(schema: object): ValidateFunction;
  compileQuery(schema: object): ValidateFunction;
  /** Makes the id of a request that does not go through the framework. */
  nextId(): string;
  /** Returns the address of a request's client, by the same rule as on the full path. */
  clientOf(request: IncomingMessage): string;
  /** Returns, for one kind of answer, the function that logs and counts each. */
  watch(method: string, path: string, status: number): Answered;
};

/** `began`: a value of `performance.now()`. */
export type Answered = (began: number, ip: string, by: Caller | undefined) => void;

/** An answer that has not been sent yet. */
type Made = {
  response: ServerResponse;
  status: number;
  headers: OutgoingHttpHeaders;
  text: string;
  answered: Answered;
  by?: Caller;
  began: number;
  ip: string;
};

type Send = (made: Made) => void;
/** Answers a request that has arrived; returns whether it did. */
type Route = (request: IncomingMessage, response: ServerResponse, fullPath: () => void) => boolean;

const bearerKey = 'Bearer cfk_';

/** Answers requests by the fast path if it can. */
export function createFastPath(settings: Settings): FastPath {
  const { closing } = settings.services;
  const send = createSender(closing);
  const withKey = new Map<string, Route>();
  let ofProxies: Route | undefined;
  for (const operation of settings.operations) {
    if (operation.fastPath) withKey.set(operation.path, routeWithKey(operation, settings, send));
    if (operation.forProxies) ofProxies = routeForProxies(operation, settings, send);
  }
  return (request, response, fullPath) => {
    const route = (request.method === 'POST' ? withKey.get(request.url!) : undefined) ?? ofProxies;
    if (closing.aborted || !route?.(request, response, fullPath)) fullPath();
  };
}

/** An operation with a body, for callers with an API key. */
function routeWithKey(operation: Operation, settings: Settings, send: Send): Route {
  const { app, services, nextId } = settings;
  const { path, body, answer } = operation;
  const { status } = answer;
  const wanted = permissionOf(operation);
  const validate = settings.compileBody(body!);
  const answered = settings.watch('POST', path, status);
  const made = async ({ headers }: IncomingMessage, bytes: Buffer) => {
    const by = await services.authority.authenticateKey(headers.authorization!.slice('Bearer '.length));
    const given: unknown = JSON.parse(bytes.toString());
    if (!validate(given)) throw new Error('not as declared');
    permission(by, wanted);
    const text = JSON.stringify(await operation.handle({ ...services, caller: by, body: given } as never));
    return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, text, answered, by };
  };
  return (request, response) => {
    if (!isPlain(request) || !hasPlainBody(request)) return false;
    const began = performance.now();
    // At once: the address of a connection that its client has closed is not known.
    const ip = settings.clientOf(request);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      made(request, bytes).then(
        (answer) => send({ response, ...answer, began, ip }),
        () => injectInto(app, request, response, bytes).catch(() => refuse(response, nextId())),
      );
    });
    return true;
  };
}

/** An operation that proxies call, with any method and without a body. */
function routeForProxies(operation: Operation, settings: Settings, send: Send): Route {
  const { path, query } = operation;
  const validate = settings.compileQuery(query!);
  const kinds = new Map<string, Answered>();
  const answeredAs = (method: string, route: string, status: number): Answered => {
    const kind = `${method} ${status} ${route}`;
    const known = kinds.get(kind) ?? settings.watch(method, route, status);
    kinds.set(kind, known);
    return known;
  };
  const made = async (request: IncomingMessage, rest: string) => {
    // Below the path, the query is that of a visitor.
    const asked = rest.startsWith('?') ? parseQuery(rest.slice(1)) : {};
    if (!validate(asked)) throw new Error('not as declared');
    const passed = await operation.handle({ ...settings.services, query: asked, request } as never);
    const route = rest.startsWith('/') ? pathBelow(operation) : path;
    const { status, headers } = passed as Passed;
    return { status, headers, text: '', answered: answeredAs(request.method!, route, status) };
  };
  return (request, response, fullPath) => {
    const rest = restOf(operation, request.url!);
    if (rest === undefined || !isPlain(request) || announcesBody(request) || !hasToken(request)) return false;
    const began = performance.now();
    const ip = settings.clientOf(request);
    made(request, rest).then((answer) => send({ response, ...answer, began, ip }), fullPath);
    return true;
  };
}

/** Whether the headers of a request contain nothing that only the framework can handle. */
function isPlain(request: IncomingMessage): boolean {
  return hostsIn(request) === 1 && request.headers.expect === undefined;
}

function hasPlainBody({ headers }: IncomingMessage): boolean {
  return (
    headers.authorization?.startsWith(bearerKey) === true &&
    headers['content-type'] === 'application/json' &&
    Number(headers['content-length']) <= limits.bodyBytes &&
    headers['content-encoding'] === undefined
  );
}

function hasToken({ headers }: IncomingMessage): boolean {
  return headers.authorization !== undefined || headers.cookie !== undefined;
}

/**
 * Waking the process that waits for an answer costs more than making the answer. So all answers that are made in one
 * turn of the event loop are sent together at its end: the first one wakes the peer, and the others find it awake. They
 * are logged and counted once all have been sent.
 */
function createSender(closing: AbortSignal): Send {
  let made: Made[] = [];
  const sendAll = () => {
    const all = made;
    made = [];
    for (const { response, status, headers, text } of all) {
      response.writeHead(status, {
        'cache-control': 'no-store',
        ...headers,
        ...everyAnswer,
        'content-length': Buffer.byteLength(text),
        ...(closing.aborted && { connection: 'close' }),
      });
      response.end(text);
    }
    for (const { answered, by, began, ip } of all) answered(began, ip, by);
  };
  return (one) => {
    if (made.push(one) === 1) setImmediate(sendAll);
  };
}

function permissionOf({ access }: Operation) {
  if (typeof access === 'string' || 'owner' in access || access.person) throw new Error('not for the fast path');
  return access.permission;
}

/** Lets the framework answer a request whose body has already been read. */
async function injectInto(
  app: FastifyInstance,
  request: IncomingMessage,
  response: ServerResponse,
  payload: Buffer,
): Promise<void> {
  const { statusCode, headers, rawPayload } = await app.inject({
    method: 'POST',
    url: request.url!,
    headers: request.headers,
    payload,
    remoteAddress: request.socket.remoteAddress ?? '',
  });
  // The framework never saw the client's connection, so its header is passed on only to close it, during a shutdown.
  if (headers.connection !== 'close') delete headers.connection;
  response.writeHead(statusCode, { ...headers, ...everyAnswer });
  response.end(rawPayload);
}

/**
 * The answer if the framework has closed: it accepts no more requests. A request that failed here has changed nothing.
 */
function refuse(response: ServerResponse, requestId: string): void {
  const error = new CurfewError('shutting_down');
  response.writeHead(error.status, {
    'content-type': problemType,
    'cache-control': 'no-store',
    connection: 'close',
    ...everyAnswer,
  });
  response.end(JSON.stringify(problemOf(error, requestId)));
}
