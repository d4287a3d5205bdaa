import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authority } from '../../authority/index.ts';
import type { Widget } from '../../authority/widget.ts';
import { CurfewError, type ErrorCode } from '../../errors.ts';
import { browserHasTls } from '../cookies.ts';
import type { Operation } from '../operation.ts';
import { siteOf } from '../site.ts';
import { bearerOf } from './authenticate.ts';

export const widgetErrors: readonly ErrorCode[] = [
  'authentication_required',
  'token_malformed',
  'widget_token_expired',
  'widget_origin_refused',
  'key_revoked',
  'session_ended',
  'permission_missing',
];

/**
 * A page must show a widget token, and be of its origin, which browsers say and no script can change. Only that origin
 * may read the answer, an error too.
 */
export async function admitWidget(authority: Authority, request: FastifyRequest, reply: FastifyReply): Promise<Widget> {
  const token = bearerOf(request);
  if (token === undefined)
    throw new CurfewError('authentication_required', { detail: 'This requires a widget token.' });
  const claims = authority.readWidgetToken(token);
  const origin = originOf(request);
  reply.header('vary', 'origin');
  if (origin !== claims.origin) {
    const detail = `It is for ${claims.origin}, and the request comes from ${origin ?? 'no page'}.`;
    throw new CurfewError('widget_origin_refused', { detail });
  }
  reply.header('access-control-allow-origin', origin);
  return authority.checkWidget(claims);
}

/** A browser leaves the origin out if it reads from the same one. */
function originOf(request: FastifyRequest): string | undefined {
  const { origin } = request.headers;
  if (origin !== undefined || siteOf(request) !== 'ours') return origin;
  const own = `${browserHasTls(request) ? 'https' : 'http'}://${request.host}`;
  return URL.canParse(own) ? new URL(own).origin : undefined;
}

/** Seconds for which a browser may remember that it may ask. */
const remembered = 600;

/**
 * Browsers ask before they send a token to another origin, and do not show it yet. So any page may ask, for exactly the
 * calls of the widget; whether it gets an answer depends on its token.
 */
export function addPreflight(app: FastifyInstance, operations: readonly Operation[]): void {
  const ofWidget = operations.filter(({ access }) => access === 'widget');
  for (const [path, some] of Map.groupBy(ofWidget, (operation) => operation.path)) {
    const methods = some.map(({ method }) => method).join(', ');
    app.options(path, { schema: { hide: true } }, async ({ headers: { origin } }, reply) => {
      reply.status(204).header('vary', 'origin');
      if (origin === undefined || origin === 'null') return;
      reply.headers({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': methods,
        'access-control-allow-headers': 'authorization',
        'access-control-max-age': remembered,
      });
    });
  }
}
