import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CurfewError } from '../errors.ts';
import type { Services } from '../http/operation.ts';
import { asCurfewError } from '../http/problem.ts';

/** An error as a dialect answers it: its own status and its own body. */
export type EncodedError = { status: number; body: object };

/**
 * What the answers of every dialect have in common: errors are logged and counted, then told in the dialect's own words,
 * with `retry-after` where it is known; and no cache may keep an answer, which holds a token or what a token opened.
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
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
}
