import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { SignInRequest } from '../authority/sign-in.ts';
import { acceptJson } from '../http/json.ts';

/** The header by which a sign-in through any system names the named session that it is for. */
export const sessionNameHeader = 'x-session-name';

/** A header's text; of one that came twice, what Node.js makes of it: the first, or all with commas between. */
export function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** What a sign-in takes from its request besides its own fields, whichever system's it is. */
export function decodeOrigin(request: FastifyRequest): Pick<SignInRequest, 'userAgent' | 'ip' | 'name'> {
  return {
    userAgent: header(request, 'user-agent'),
    ip: request.ip,
    name: header(request, sessionNameHeader),
  };
}

/**
 * Takes an empty body for an empty object, whatever content type is claimed for it: clients that always say JSON send
 * nothing after it, and servers that read bodies as Express does don't mind.
 */
export function takeEmptyBodies(app: FastifyInstance): void {
  acceptJson(app, {});
  app.addHook('preValidation', async (request) => {
    if (request.body === undefined) request.body = {};
  });
}
