import type { Clock } from '../../../src/domain/ports.ts';
import { type Answer, adminPassword, TestServer } from '../../support/server.ts';

export const credentials = { email: 'admin@example.com', password: adminPassword };

export type SetCookie = { name: string; value: string; attributes: string[] };
export type Told = Answer & { cookies: SetCookie[] };
export type Sending = {
  bearer?: string | undefined;
  /** Cookies by name. */
  cookies?: Record<string, string> | undefined;
  headers?: Record<string, string> | undefined;
  /** A raw body instead of JSON. */
  raw?: string | undefined;
};

/** A server, with helpers for a Directus client's calls. */
export class DirectusServer {
  readonly server: TestServer;

  private constructor(server: TestServer) {
    this.server = server;
  }

  static async start(env: Record<string, string> = {}, clock?: Clock): Promise<DirectusServer> {
    return new DirectusServer(await TestServer.start(env, clock));
  }

  async send(method: string, path: string, body?: unknown, sending: Sending = {}): Promise<Told> {
    const { bearer, cookies, headers, raw } = sending;
    const cookie = Object.entries(cookies ?? {}).map(([name, value]) => `${name}=${value}`);
    const answer = await this.server.call(method, path, body, {
      as: bearer ?? '',
      ...(raw !== undefined && { raw }),
      headers: { ...(cookie.length > 0 && { cookie: cookie.join('; ') }), ...headers },
    });
    return { ...answer, cookies: answer.headers.getSetCookie().map(readCookie) };
  }

  post(path: string, body?: unknown, sending?: Sending): Promise<Told> {
    return this.send('POST', path, body, sending);
  }

  me(sending: Sending = {}, query = ''): Promise<Told> {
    return this.send('GET', `/users/me${query}`, undefined, sending);
  }

  async login(more: object = {}, sending?: Sending): Promise<Told> {
    const answer = await this.post('/auth/login', { ...credentials, ...more }, sending);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer;
  }

  /** Signs in and returns the value of the cookie. */
  async loginForCookie(mode: 'cookie' | 'session', sending?: Sending): Promise<string> {
    return (await this.login({ mode }, sending)).cookies[0]!.value;
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

export const refreshCookie = 'directus_refresh_token';
export const sessionCookie = 'directus_session_token';

export const errorBody = (code: string, message: string, reason?: string): object => ({
  errors: [{ message, extensions: { ...(reason !== undefined && { reason }), code } }],
});
export const invalidPayload = (reason: string): object =>
  errorBody('INVALID_PAYLOAD', `Invalid payload. ${reason}.`, reason);
export const invalidCredentials: object = errorBody('INVALID_CREDENTIALS', 'Invalid user credentials.');
export const refreshTokenRequired: object = invalidPayload(
  'The refresh token is required in either the payload or cookie',
);

function readCookie(line: string): SetCookie {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
  const at = pair.indexOf('=');
  const sorted = attributes.map((attribute) => attribute.toLowerCase()).sort();
  return { name: pair.slice(0, at), value: pair.slice(at + 1), attributes: sorted };
}
