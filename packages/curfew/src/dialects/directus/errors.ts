import type { FastifyRequest } from 'fastify';
import { type CurfewError, errors } from '../../errors.ts';
import type { EncodedError } from '../answering.ts';
import { type Place, refusalAt, refusalOf } from './error-map.ts';

/** A Curfew error in Directus's format. */
export function encodeError(error: CurfewError, place: Place | undefined, request: FastifyRequest): EncodedError {
  const refusal = (place && refusalAt[place][error.callCode]) ?? refusalOf[error.callCode];
  switch (refusal.kind) {
    case 'plain':
      return answer(refusal.status, refusal.message, { code: refusal.code });
    case 'invalid-payload': {
      // Directus's reasons have no full stop.
      const reason = (refusal.reason ?? error.facts.detail ?? errors[error.code].title).replace(/\.$/, '');
      return answer(400, `Invalid payload. ${reason}.`, { reason, code: 'INVALID_PAYLOAD' });
    }
    case 'too-many-requests':
      return answer(429, `Too many requests, retry after ${error.facts.retryAfter ?? 1}s.`, {
        code: 'REQUESTS_EXCEEDED',
      });
    case 'route-not-found': {
      const path = request.url.split('?', 1)[0]!.slice(0, 200);
      return answer(404, `Route ${path} doesn't exist.`, { path, code: 'ROUTE_NOT_FOUND' });
    }
    case 'unavailable': {
      const { reason } = refusal;
      return answer(503, `Service "curfew" is unavailable. ${reason}.`, {
        service: 'curfew',
        reason,
        code: 'SERVICE_UNAVAILABLE',
      });
    }
  }
}

function answer(status: number, message: string, extensions: object): EncodedError {
  return { status, body: { errors: [{ message, extensions }] } };
}
