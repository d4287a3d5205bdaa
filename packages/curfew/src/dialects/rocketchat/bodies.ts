import type { FastifyInstance } from 'fastify';
import { jsonParser } from '../../http/json.ts';

/**
 * Bodies as Rocket.Chat takes them: no body and an empty one are `{}` (its client posts a logout with the content type
 * of JSON and nothing in it), and a form is as good as JSON (`curl -d 'user=…&password=…'` in its documentation).
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
