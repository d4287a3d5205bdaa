import type { Clock } from '../../src/domain/ports.ts';
import { totpCode } from '../../src/domain/second-factor.ts';
import { type RunningServer, serve } from '../../src/start/serve.ts';
import { type TemporaryStore, temporaryStore } from './store.ts';

export const adminPassword = 'correct horse battery';

/** Any JSON: tests look into it and state what they expect there. */
export type Json = ReturnType<typeof JSON.parse>;
export type Answer = { status: number; headers: Headers; body: Json };
/** The settings of every server in a test. */
const common = {
  CURFEW_PORT: '0',
  CURFEW_LOG_LEVEL: 'silent',
  CURFEW_ADMIN_PASSWORD: adminPassword,
  CURFEW_ADMIN_EMAIL: 'admin@example.com',
  CURFEW_ROCKETCHAT_CALLS: 'off',
};

export type CallOptions = { as?: string | undefined; code?: string; headers?: Record<string, string>; raw?: string };

/** The root keys of stores that several servers have been over, by their URLs. */
const keys = new Map<string, string>();

/** A separate server for a test, on a free port with an empty store, with helpers for calls. */
export class TestServer {
  readonly running: RunningServer;
  /** Names its store to another process. */
  readonly env: Record<string, string>;
  /** The root API key. */
  readonly key: string;
  readonly #remove: () => Promise<void>;

  private constructor(running: RunningServer, env: Record<string, string>, key: string, remove: () => Promise<void>) {
    this.running = running;
    this.env = env;
    this.key = key;
    this.#remove = remove;
  }

  static async start(env: Record<string, string> = {}, clock?: Clock, kind?: string): Promise<TestServer> {
    const store: TemporaryStore = await temporaryStore(kind);
    const running = await serve({ ...store.env, ...common, ...env }, {}, clock);
    return new TestServer(running, store.env, running.first!.apiKey!, store.remove);
  }

  /** A server on a store that may have been used before: by a command, or by another such server. */
  static async over(store: TemporaryStore, env: Record<string, string> = {}): Promise<TestServer> {
    const running = await serve({ ...store.env, ...common, ...env }, {});
    const key = running.first?.apiKey ?? keys.get(store.url)!;
    keys.set(store.url, key);
    return new TestServer(running, store.env, key, store.remove);
  }

  /**
   * Another server on the same store, to be closed before this one; or one after this one was closed with {@link
   * leave}.
   */
  async another(env: Record<string, string> = {}, clock?: Clock): Promise<TestServer> {
    const running = await serve({ ...this.env, ...common, ...env }, {}, clock);
    return new TestServer(running, this.env, this.key, this.#remove);
  }

  get url(): string {
    return this.running.url;
  }

  get context() {
    return this.running.opened.context;
  }

  /** A request as the root key, or with the token in `as`; '' means no credential. */
  async call(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    const as = options.as ?? this.key;
    const content = options.raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(this.url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(as && { authorization: `Bearer ${as}` }),
        ...(content !== undefined && { 'content-type': 'application/json' }),
        ...(options.code && { 'x-2fa-code': options.code }),
        ...options.headers,
      },
      ...(content !== undefined && { body: content }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) };
  }

  async login(username = 'admin', password = adminPassword, totp?: string): Promise<Answer> {
    return this.call('POST', '/v1/login', { username, password, ...(totp && { totp }) }, { as: '' });
  }

  async createSession(
    userId = 'ada',
    more: object = {},
  ): Promise<{ session: Json; token: string; refreshToken: string }> {
    const answer = await this.call('POST', '/v1/sessions', { userId, ...more });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  }

  async createAccount(username: string, more: object = {}): Promise<Json> {
    const body = { username, password: `${username} password`, ...more };
    const answer = await this.call('POST', '/v1/accounts', body);
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return answer.body.account;
  }

  async verify(token: string): Promise<Json> {
    return (await this.call('POST', '/v1/sessions/verify', { token })).body;
  }

  /** Enrols an authenticator for an account, as the root key. */
  async enrol(accountId: string): Promise<Authenticator> {
    const { body } = await this.call('POST', `/v1/accounts/${accountId}/totp`);
    const authenticator = new Authenticator(body.secret, () => this.context.clock.nowForEnd());
    const confirm = () => this.call('POST', `/v1/accounts/${accountId}/totp/confirm`, { code: authenticator.next() });
    let confirmed = await confirm();
    // The first code is the oldest that counts, and a step of the clock may end while it is on its way.
    if (confirmed.body.code === 'second_factor_invalid') confirmed = await confirm();
    if (confirmed.status !== 200) throw new Error(JSON.stringify(confirmed.body));
    authenticator.backupCodes = confirmed.body.backupCodes;
    return authenticator;
  }

  /** The state that a request may change, to check that a refused one changed nothing. */
  async state(): Promise<unknown> {
    const { store, clock } = this.context;
    const { facts } = await store.describe();
    const active = await store.countActive(clock.nowForEnd());
    // Upkeep may move an ended session meanwhile, but their sum stays the same.
    const sessions = Number(facts['liveSessions']) + Number(facts['endedSessions']);
    return { active, head: (await store.logHead()).sequence, sessions };
  }

  /** Closes the server and leaves its store as it is, for {@link another}. */
  leave(): Promise<void> {
    return this.running.close();
  }

  async close(): Promise<void> {
    await this.leave();
    await this.#remove();
  }
}

/** An authenticator app: each code once; after the current one is used, the next is of the following step. */
export class Authenticator {
  backupCodes: string[] = [];
  readonly secret: string;
  readonly #now: () => number;
  #used = 0;

  constructor(secret: string, now: () => number) {
    this.secret = secret;
    this.#now = now;
  }

  /** A code that was not used yet; at most one step ahead of the clock, which a server accepts. */
  next(): string {
    const step = Math.max(Math.floor(this.#now() / 30_000) - 1, this.#used + 1);
    this.#used = step;
    return totpCode(this.secret, step * 30_000);
  }

  /** Six digits that are not a code now. */
  wrong(): string {
    const near = [-1, 0, 1].map((step) => totpCode(this.secret, this.#now() + step * 30_000));
    return ['000000', '111111', '222222', '333333'].find((code) => !near.includes(code))!;
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
