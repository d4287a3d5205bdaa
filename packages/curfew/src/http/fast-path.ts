import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ValidateFunction } from 'ajv';
import type { FastifyInstance } from 'fastify';
import type { Caller } from '../authority/caller.ts';
import { normalAddress } from '../domain/address.ts';
import { limits } from '../domain/limits.ts';
import { CurfewError } from '../errors.ts';
import { permission } from './checks/permission.ts';
import { everyAnswer, hostsIn } from './headers.ts';
import type { Operation, Services } from './operation.ts';
import { problemOf, problemType } from './problem.ts';
import type { Proxies } from './proxies.ts';

/*
 * The framework costs more than a verification. So operations that are asked at every request of an application have
 * a fast path: what is well-formed, comes with an API key and succeeds is answered without the framework, by the same
 * declaration and the same checks. Anything else goes the full path, if need be with the bytes that were read already:
 * no error and no rule is written twice, and a test holds the answers of both paths against each other.
 */

export type FastPath = (request: IncomingMessage, response: ServerResponse) => boolean;

type Settings = {
  operations: readonly Operation[];
  services: Services;
  /** The framework, ready: the full path. */
  app: FastifyInstance;
  compile(schema: object): ValidateFunction;
  /** For a request that the framework does not take any more. */
  nextId(): string;
  /** Whether the peer may speak for somebody else: the fast path believes nobody. */
  trustProxy: Proxies;
  /** For a kind of answer: what tells the log and the metrics of each. */
  watch(method: string, path: string, status: number): Answered;
};

/** `began` is of `performance.now()`. */
export type Answered = (began: number, ip: string, by: Caller) => void;

type Route = { operation: Operation; validate: ValidateFunction; answered: Answered };

/** An answer that is made, and not yet sent. */
type Made = {
  request: IncomingMessage;
  response: ServerResponse;
  route: Route;
  text: string;
  by: Caller;
  began: number;
};

const bearerKey = 'Bearer cfk_';

/** Answers whether it took the request. */
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
    if (!route || settings.services.closing.aborted || !isPlain(request, settings)) return false;
    const began = performance.now();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      answer(settings.services, route, request, bytes).then(
        ({ text, by }) => send({ request, response, route, text, by, began }),
        () => takeFullPath(settings.app, request, response, bytes).catch(() => refuse(response, settings.nextId())),
      );
    });
    return true;
  };
}

/** Whether a request has nothing that only the framework knows how to deal with. */
function isPlain(request: IncomingMessage, { trustProxy }: Settings): boolean {
  const { headers } = request;
  return (
    hostsIn(request) === 1 &&
    headers.authorization?.startsWith(bearerKey) === true &&
    headers['content-type'] === 'application/json' &&
    Number(headers['content-length']) <= limits.bodyBytes &&
    headers['content-encoding'] === undefined &&
    headers.expect === undefined &&
    trustProxy === false
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
 * To wake the process that waits for an answer costs more than to make the answer. So what is made in one turn of the
 * event loop is sent in one go, at the turn's end: the first answer wakes the peer, the others find it awake. They
 * are logged and counted when all are on their way.
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
    for (const { request, route, by, began } of all) route.answered(began, addressOf(request), by);
  };
  return (one) => {
    if (made.push(one) === 1) setImmediate(sendAll);
  };
}

function addressOf({ socket: { remoteAddress = '' } }: IncomingMessage): string {
  return normalAddress(remoteAddress) ?? remoteAddress;
}

function permissionOf({ access }: Operation) {
  if (typeof access === 'string' || 'owner' in access || access.person) throw new Error('not for the fast path');
  return access.permission;
}

/** The framework's answer to a request whose body has been read. */
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
  response.writeHead(statusCode, { ...headers, ...everyAnswer });
  response.end(rawPayload);
}

/** The framework takes nothing more once it closes; what came before, and failed, has changed nothing. */
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
