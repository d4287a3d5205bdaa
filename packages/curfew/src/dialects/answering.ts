import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CurfewError } from '../errors.ts';
import type { Services } from '../http/operation.ts';
import { asCurfewError } from '../http/problem.ts';

/** An error as a dialect answers it, with the dialect's status and body. */
export type EncodedError = { status: number; body: object };

/**
 * The common part of every dialect's answers: errors are logged and counted, then sent in the dialect's own format,
 * with `retry-after` if it is known. No cache may keep an answer, because it contains a token or what a token gives
 * access to. Under its own path prefix, the dialect also answers for unknown routes.
 */
export function answerAs(
  app: FastifyInstance,
  services: Pick<Services, 'fault'>,
  encode: (error: CurfewError, request: FastifyRequest) => EncodedError,
): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = asCurfewError(thrown);
    services.fault(error, request);
    const { status, body } = encode(error, request);
    if (error.facts.retryAfter !== undefined) reply.header('retry-after', error.facts.retryAfter);
    return reply.status(status).send(body);
  });
  if (app.prefix !== '') app.setNotFoundHandler(refuseRoute);
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
}

/** Answers for an unknown route in the dialect's format. */
export async function refuseRoute(): Promise<never> {
  throw new CurfewError('route_not_found');
}
