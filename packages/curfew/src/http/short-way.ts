import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ValidateFunction } from 'ajv';
import type { FastifyInstance } from 'fastify';
import type { Caller } from '../authority/caller.ts';
import { limits } from '../domain/limits.ts';
import { permission } from './checks/permission.ts';
import type { Operation, Services } from './operation.ts';

/*
 * The framework costs more than a verification. So operations that are asked at every request of an application have
 * a short way: what is well-formed, comes with an API key and succeeds is answered without the framework, by the same
 * declaration and the same checks. Anything else goes the long way, if need be with the bytes that were read already:
 * no error and no rule is written twice, and a test holds the answers of both ways against each other.
 */

export type ShortWay = (request: IncomingMessage, response: ServerResponse) => boolean;

type Settings = {
  operations: readonly Operation[];
  services: Services;
  /** The framework, ready: the long way. */
  app: FastifyInstance;
  compile(schema: object): ValidateFunction;
  /** Whether the peer may speak for somebody else: the short way believes nobody. */
  trustProxy: boolean | string;
  /** For a kind of answer: what tells the log and the metrics of each. */
  watch(method: string, path: string, status: number): Answered;
};

/** `began` is of `performance.now()`. */
export type Answered = (began: number, ip: string, by: Caller) => void;

type Route = { operation: Operation; validate: ValidateFunction; answered: Answered };

const bearerKey = 'Bearer cfk_';

/** Answers whether it took the request. */
export function createShortWay(settings: Settings): ShortWay {
  const routes = new Map<string, Route>();
  for (const operation of settings.operations) {
    if (!operation.short) continue;
    const { path, body, answer: promised } = operation;
    const answered = settings.watch('POST', path, promised.status);
    routes.set(path, { operation, validate: settings.compile(body!), answered });
  }
  return (request, response) => {
    const route = request.method === 'POST' ? routes.get(request.url!) : undefined;
    if (!route || settings.services.closing.aborted || !isPlain(request, settings)) return false;
    const began = performance.now();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      answer(settings, route, request, response, bytes, began).catch(() =>
        takeLongWay(settings.app, request, response, bytes),
      );
    });
    return true;
  };
}

/** Whether a request has nothing that only the framework knows how to deal with. */
function isPlain({ headers }: IncomingMessage, { trustProxy }: Settings): boolean {
  return (
    headers.authorization?.startsWith(bearerKey) === true &&
    headers['content-type'] === 'application/json' &&
    Number(headers['content-length']) <= limits.bodyBytes &&
    headers['content-encoding'] === undefined &&
    headers.expect === undefined &&
    trustProxy === false
  );
}

async function answer(
  { services }: Settings,
  { operation, validate, answered }: Route,
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  began: number,
): Promise<void> {
  const { status } = operation.answer;
  const by = await services.authority.authenticateKey(request.headers.authorization!.slice('Bearer '.length));
  const body: unknown = JSON.parse(bytes.toString());
  if (!validate(body)) throw new Error('not as declared');
  permission(by, permissionOf(operation));
  const text = JSON.stringify(await operation.handle({ ...services, caller: by, body } as never));
  response.writeHead(status, {
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
  answered(began, request.socket.remoteAddress ?? '', by);
}

function permissionOf({ access }: Operation) {
  if (typeof access === 'string' || 'owner' in access || access.person) throw new Error('not for the short way');
  return access.permission;
}

/** The framework's answer to a request whose body has been read. */
async function takeLongWay(
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
  response.writeHead(statusCode, headers);
  response.end(rawPayload);
}
