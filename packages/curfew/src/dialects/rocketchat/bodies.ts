import type { FastifyInstance } from 'fastify';
import { jsonParser } from '../../http/json.ts';

/**
 * Accepts bodies as Rocket.Chat does: a missing or empty body counts as `{}` (its client posts a logout with the
 * content type of JSON and no body), and a form is accepted like JSON (`curl -d 'user=…&password=…'` in its
 * documentation).
 */
export function acceptBodies(app: FastifyInstance): void {
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, jsonParser(app, {}));
  app.addContentTypeParser<string>('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body))),
  );
  app.addHook('preValidation', async (request) => {
    if (request.method === 'POST') request.body ??= {};
  });
}
