import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ValidateFunction } from 'ajv';
import type { FastifyInstance } from 'fastify';
import type { Caller } from '../authority/caller.ts';
import { limits } from '../domain/limits.ts';
import { CurfewError } from '../errors.ts';
import { permission } from './checks/permission.ts';
import { everyAnswer, hostsIn } from './headers.ts';
import type { Operation, Services } from './operation.ts';
import { problemOf, problemType } from './problem.ts';

/*
 * The framework costs more than a verification. So operations that an application calls at each of its requests have a
 * fast path: a well-formed request with an API key that succeeds is answered without the framework, by the same
 * declaration and the same checks. Any other request takes the full path, if need be with the bytes that were already
 * read: no error and no rule is written twice, and a test compares the answers of both paths.
 */

export type FastPath = (request: IncomingMessage, response: ServerResponse) => boolean;

type Settings = {
  operations: readonly Operation[];
  services: Services;
  /** The framework, ready for requests: the full path. */
  app: FastifyInstance;
  compile(schema: object): ValidateFunction;
  /** Makes the id of a request that does not go through the framework. */
  nextId(): string;
  /** Returns the address of a request's client, by the same rule as on the full path. */
  clientOf(request: IncomingMessage): string;
  /** Returns, for one kind of answer, the function that logs and counts each. */
  watch(method: string, path: string, status: number): Answered;
};

/** `began`: a value of `performance.now()`. */
export type Answered = (began: number, ip: string, by: Caller) => void;

type Route = { operation: Operation; validate: ValidateFunction; answered: Answered };

/** An answer that has not been sent yet. */
type Made = {
  response: ServerResponse;
  route: Route;
  text: string;
  by: Caller;
  began: number;
  ip: string;
};

const bearerKey = 'Bearer cfk_';

/** The fast path; it returns whether it took the request. */
export function createFastPath(settings: Settings): FastPath {
  const routes = new Map<string, Route>();
  for (const operation of settings.operations) {
    if (!operation.fastPath) continue;
    const { path, body, answer: promised } = operation;
    const answered = settings.watch('POST', path, promised.status);
    routes.set(path, { operation, validate: settings.compile(body!), answered });
  }
  const send = createSender(settings.services.closing);
  return (request, response) => {
    const route = request.method === 'POST' ? routes.get(request.url!) : undefined;
    if (!route || settings.services.closing.aborted || !isPlain(request)) return false;
    const began = performance.now();
    // At once: the address of a connection that its client has closed is not known.
    const ip = settings.clientOf(request);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      answer(settings.services, route, request, bytes).then(
        ({ text, by }) => send({ response, route, text, by, began, ip }),
        () => takeFullPath(settings.app, request, response, bytes).catch(() => refuse(response, settings.nextId())),
      );
    });
    return true;
  };
}

/** Whether a request contains nothing that only the framework can handle. */
function isPlain(request: IncomingMessage): boolean {
  const { headers } = request;
  return (
    hostsIn(request) === 1 &&
    headers.authorization?.startsWith(bearerKey) === true &&
    headers['content-type'] === 'application/json' &&
    Number(headers['content-length']) <= limits.bodyBytes &&
    headers['content-encoding'] === undefined &&
    headers.expect === undefined
  );
}

async function answer(
  services: Services,
  { operation, validate }: Route,
  { headers }: IncomingMessage,
  bytes: Buffer,
): Promise<{ text: string; by: Caller }> {
  const by = await services.authority.authenticateKey(headers.authorization!.slice('Bearer '.length));
  const body: unknown = JSON.parse(bytes.toString());
  if (!validate(body)) throw new Error('not as declared');
  permission(by, permissionOf(operation));
  const text = JSON.stringify(await operation.handle({ ...services, caller: by, body } as never));
  return { text, by };
}

/**
 * Waking the process that waits for an answer costs more than making the answer. So all answers that are made in one
 * turn of the event loop are sent together at its end: the first one wakes the peer, and the others find it awake. They
 * are logged and counted once all have been sent.
 */
function createSender(closing: AbortSignal): (made: Made) => void {
  let made: Made[] = [];
  const sendAll = () => {
    const all = made;
    made = [];
    for (const { response, route, text } of all) {
      response.writeHead(route.operation.answer.status, {
        'cache-control': 'no-store',
        'content-type': 'application/json; charset=utf-8',
        ...everyAnswer,
        'content-length': Buffer.byteLength(text),
        ...(closing.aborted && { connection: 'close' }),
      });
      response.end(text);
    }
    for (const { route, by, began, ip } of all) route.answered(began, ip, by);
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
async function takeFullPath(
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
