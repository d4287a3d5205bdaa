import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { SignInRequest } from '../authority/sign-in.ts';
import { acceptJson } from '../http/json.ts';

/** The header in which a sign-in through any system gives the name of its named session. */
export const sessionNameHeader = 'x-session-name';

/** A header's text. For a repeated header, this is Node.js's value: the first, or all separated by commas. */
export function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The parts of a request that a sign-in through any system uses, besides its own fields. */
export function decodeOrigin(request: FastifyRequest): Pick<SignInRequest, 'userAgent' | 'ip' | 'name'> {
  return {
    userAgent: header(request, 'user-agent'),
    ip: request.ip,
    name: header(request, sessionNameHeader),
  };
}

/**
 * Accepts an empty body as an empty object, whatever its content type: some clients always declare JSON, even without a
 * body, and servers that read bodies as Express does accept that.
 */
export function takeEmptyBodies(app: FastifyInstance): void {
  acceptJson(app, {});
  app.addHook('preValidation', async (request) => {
    if (request.body === undefined) request.body = {};
  });
}
