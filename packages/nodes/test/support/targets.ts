import assert from 'node:assert/strict';
import { adminPassword, type TestServer } from '../../../curfew/test/support/server.ts';
import { oauthServer } from './oauth-server.ts';
import type { Closer } from './wire.ts';

type Json = ReturnType<typeof JSON.parse>;
type Parameters = Record<string, unknown>;

/** One session in a service, the node's parameters to end it, and whether it has ended. */
export type Live = { parameters: Parameters; over(): Promise<void> | void; answer: Json };

/** A service of Log Out with what every engine must show for it. */
export type Target = {
  service: string;
  /** The service on the server, and the fields of its credential. */
  open(server: TestServer, t: Closer): Promise<{ url: string; fields: Parameters; live(): Promise<Live> }>;
  /** A session that the service does not know; for OAuth's revocation that is not an error (RFC 7009 §2.2). */
  unknown: { parameters: Parameters; code?: string; message: RegExp };
};

/** What a service refuses: an unknown session; for OAuth a token of a kind that it does not revoke. */
export function refusedBy({ unknown }: Target): { parameters: Parameters; message: RegExp } {
  if (unknown.code !== undefined) return unknown;
  const parameters = { oauthToken: 'unrevokable', oauthHint: 'refresh_token' };
  return { parameters, message: /unsupported_token_type/ };
}

const nobody = '0000000000000000000000';
const unknownRefresh = 'cfr_'.padEnd(75, '0');

let number = 0;

/** A separate account, signed in; `again` signs it in once more. */
async function account(server: TestServer) {
  const username = `person${number++}`;
  const email = `${username}@example.com`;
  await server.createAccount(username, { email });
  const again = async () => (await server.login(username, `${username} password`)).body;
  return { username, email, password: `${username} password`, ...(await again()), again };
}

async function ended(server: TestServer, token: string): Promise<void> {
  assert.equal((await server.verify(token)).active, false);
}

export const targets: readonly Target[] = [
  {
    service: 'curfew',
    async open(server) {
      return {
        url: server.url,
        fields: { apiKey: server.key },
        async live() {
          const { session, token, refreshToken } = await server.createSession('ada');
          // The first time by its refresh token, otherwise by its id.
          const by =
            number++ % 2 === 0
              ? { curfewBy: 'refreshToken', curfewRefreshToken: refreshToken }
              : { curfewBy: 'id', curfewSessionId: session.id };
          return { parameters: by, over: () => ended(server, token), answer: { sessionId: session.id } };
        },
      };
    },
    unknown: {
      parameters: { curfewBy: 'id', curfewSessionId: nobody },
      code: 'session_not_found',
      message: new RegExp(`Curfew: There is no such session.*${nobody}`),
    },
  },
  {
    service: 'waha',
    async open(server) {
      return {
        url: `${server.url}/waha`,
        fields: { apiKey: server.key },
        async live() {
          const name = `phone-${number++}`;
          await server.call('POST', '/v1/named-sessions', { name });
          const { token } = await server.createSession('ada', { name });
          return { parameters: { wahaSession: name }, over: () => ended(server, token), answer: { session: name } };
        },
      };
    },
    unknown: {
      parameters: { wahaSession: 'nobody' },
      code: 'session_not_found',
      message: /WAHA: Session not found: "nobody" could not be found/,
    },
  },
  {
    service: 'directus',
    async open(server) {
      return {
        url: `${server.url}/directus`,
        fields: {},
        async live() {
          const { email, password } = await account(server);
          const login = await server.call('POST', '/directus/auth/login', { email, password }, { as: '' });
          const { refresh_token: token, access_token: access } = login.body.data;
          const me = () =>
            server.call('GET', '/directus/users/me', undefined, {
              as: '',
              headers: { authorization: `Bearer ${access}` },
            });
          assert.equal((await me()).status, 200);
          return {
            parameters: { directusRefreshToken: token },
            over: async () => assert.equal((await me()).status, 401),
            answer: { response: null },
          };
        },
      };
    },
    unknown: {
      parameters: { directusRefreshToken: unknownRefresh },
      code: 'invalid_refresh_token',
      message: /Invalid refresh token/,
    },
  },
  {
    service: 'rocketchat',
    async open(server) {
      const { id } = (await server.login()).body.account;
      const authenticator = await server.enrol(id);
      const signIn = { user: 'admin', password: adminPassword, code: authenticator.next() };
      const { userId, authToken } = (await server.call('POST', '/api/v1/login', signIn, { as: '' })).body.data;
      return {
        url: `${server.url}/rocketchat`,
        fields: { userId, authToken },
        async live() {
          const { session, token } = await server.createSession('ada');
          return {
            parameters: { rocketchatSessionId: session.id },
            over: () => ended(server, token),
            answer: { sessionId: session.id },
          };
        },
      };
    },
    unknown: {
      parameters: { rocketchatSessionId: nobody },
      code: 'session_not_found',
      message: new RegExp(`Rocket.Chat: Session not found: "${nobody}" could not be found`),
    },
  },
  {
    service: 'altogic',
    async open(server) {
      const person = await account(server);
      return {
        url: `${server.url}/altogic`,
        fields: { clientKey: 'client', sessionToken: person.token, apiKey: server.key },
        async live() {
          const { token } = await person.again();
          return {
            parameters: { altogicBy: 'token', altogicSessionToken: token },
            over: () => ended(server, token),
            answer: {},
          };
        },
      };
    },
    unknown: {
      parameters: { altogicBy: 'token', altogicSessionToken: nobody },
      code: 'session_not_found',
      message: /Altogic: The user has no such session\..*could not/,
    },
  },
  {
    service: 'oauth',
    async open(_server, t) {
      const { url, live, client } = await oauthServer(t);
      return {
        url,
        fields: { clientId: client.id, clientSecret: client.secret, clientAuthentication: 'basic' },
        async live() {
          const token = `token-${number++}`;
          live.add(token);
          return {
            parameters: { oauthToken: token, oauthHint: 'access_token' },
            over: () => assert.equal(live.has(token), false),
            answer: { response: null },
          };
        },
      };
    },
    unknown: { parameters: { oauthToken: 'of nobody' }, message: /revoked, or was no longer valid/ },
  },
];
