import { inactive } from '../../authority/authenticate.ts';
import { limits } from '../../domain/limits.ts';
import type { Session } from '../../domain/session.ts';
import { CurfewError, isCurfewError } from '../../errors.ts';
import {
  authenticationErrors,
  firstThatHolds,
  sessionCookie,
  tokensOf,
  unauthenticated,
} from '../checks/authenticate.ts';
import { headerText } from '../headers.ts';
import { operation, type Passed } from '../operation.ts';
import { maybe, Type, text } from '../schemas.ts';

/** A path on the same host: a browser takes two slashes, or one and a backslash, for the beginning of a host. */
const localPath = '^/(?![/\\\\])[!-"$-~]*$';
const isLocal = new RegExp(localPath);
/** Longer ones are not passed to the page where people sign in. */
const longestReturn = 2048;

const header = (description: string) => Type.String({ description });

export const forwardAuth = operation({
  id: 'forwardAuth',
  method: 'GET',
  path: '/v1/forward-auth',
  tag: 'Proxies',
  summary: 'Tell a proxy whether to let a request through',
  description:
    'For `auth_request` of nginx, ForwardAuth of Traefik, `forward_auth` of Caddy and `ext_authz` of Envoy: see ' +
    '[forward-auth](forward-auth.md). The session token is that of the request: in `Authorization: Bearer` or, without ' +
    `that, in the cookie \`${sessionCookie}\`; of several such cookies, the first valid one counts. It answers every method, at this ` +
    "path and at any path below it; there, the query is the visitor's and is ignored. Bodies are not read. In the " +
    'headers of the answer, anything but visible ASCII, and `%` and `,`, is written as in a URL (`%2C`), so ' +
    '`decodeURIComponent` gives the value.',
  access: 'open',
  forProxies: true,
  query: Type.Object(
    {
      group: maybe(text(limits.groupBytes, 'An access group that the session must have.', { minLength: 1 })),
      login: maybe(
        Type.String({
          maxLength: 1024,
          pattern: localPath,
          description:
            'The path, on the host of the visitor, of the page where people sign in. A browser without a valid session is ' +
            'redirected there (302), with the path that it asked for as `return_to`, instead of getting a 401.',
          examples: ['/login'],
        }),
      ),
    },
    { additionalProperties: false, examples: [{ group: 'staff' }] },
  ),
  answer: {
    status: 200,
    description: 'The session is active: the request may pass.',
    headers: {
      'x-curfew-user': header("The user's id."),
      'x-curfew-session': header("The session's id."),
      'x-curfew-groups': header('Its access groups, separated by commas; empty if it has none.'),
    },
    otherwise: {
      status: 302,
      description: 'There is no valid session, `login` was given, and the client accepts `text/html`.',
    },
  },
  errors: [...authenticationErrors.filter((code) => code !== 'key_revoked'), 'group_missing', 'clock_stepped_back'],
  async handle({ authority, request, query: { group, login } }): Promise<Passed> {
    const { headers } = request;
    const verified = async (token: string): Promise<Session> => {
      const verdict = await authority.verifySession(token);
      if (verdict.active) return verdict.session;
      throw inactive(verdict.reason);
    };
    try {
      const tokens = tokensOf(request);
      if (tokens.length === 0) throw unauthenticated(request);
      const session = await firstThatHolds(tokens, verified);
      if (group === undefined || session.accessGroups.includes(group as never)) return passed(session);
    } catch (error) {
      const isBrowser = headers.accept?.includes('text/html') === true;
      if (login === undefined || !isBrowser || !isCurfewError(error, ...authenticationErrors)) throw error;
      return { status: 302, headers: { location: loginFor(login, headers['x-forwarded-uri']) } };
    }
    throw new CurfewError('group_missing', { detail: `It is ${JSON.stringify(group)}.` });
  },
});

/** Every header is set, even if it is empty: otherwise one that the client sent would reach the application. */
function passed({ id, userId, accessGroups }: Session): Passed {
  return {
    status: 200,
    headers: {
      'x-curfew-user': headerText(userId),
      'x-curfew-session': id,
      'x-curfew-groups': accessGroups.map(headerText).join(','),
    },
  };
}

/** Where to sign in, with the path to return to, if the proxy gave one that cannot lead to another host. */
function loginFor(login: string, wanted: string | string[] | undefined): string {
  const path = String(wanted ?? '');
  if (!isLocal.test(path) || path.length > longestReturn) return login;
  return `${login}${login.includes('?') ? '&' : '?'}return_to=${encodeURIComponent(path)}`;
}
