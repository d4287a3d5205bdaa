import { library } from '../../src/authority/caller.ts';
import type { AuthorityContext } from '../../src/authority/context.ts';
import { openChecked } from '../../src/authority/create-session.ts';
import { type Authority, createAuthority } from '../../src/authority/index.ts';
import type { UserId } from '../../src/domain/brand.ts';
import { permissions } from '../../src/domain/permissions.ts';
import { totpCode } from '../../src/domain/second-factor.ts';

const tokenShape = /cf[srk]_[0-9A-Za-z]{71}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/g;

/** Where requests come from. */
const ip = '127.0.0.1';

/** Anything in a text that looks like a token. */
export const tokensIn = (text: string): string[] => text.match(tokenShape) ?? [];

/** The living things that requests are about. Requests end them, so they are replenished between requests. */
export class Population {
  readonly #context: AuthorityContext;
  readonly #authority: Authority;
  readonly #values: Record<string, string[]> = {};
  /** The user of a token. */
  readonly #owners = new Map<string, string>();
  /** Secrets that no answer and no log may contain: passwords, authenticators' secrets, backup codes. */
  readonly secrets = new Set<string>(['$argon2']);
  /** The current administrator, and how many more sessions they will open. */
  #admin: { id: string; sessions: number } | undefined;
  #accounts: { id: string; username: string; email: string; password: string }[] = [];
  #made = 0;

  constructor(context: AuthorityContext) {
    this.#context = context;
    this.#authority = createAuthority(context);
  }

  /** The n-th of a kind; any text if there is none. */
  valueOf = (kind: string, n: number): string => {
    const [, of] = /^ownerOf_(\w+)$/.exec(kind) ?? [];
    if (of !== undefined) return this.#owners.get(this.valueOf(of, n)) ?? 'nobody';
    const values = this.#values[kind];
    return values?.length ? values[n % values.length]! : 'nothing';
  };

  /** Keeps a token from an answer for later requests. */
  issued(token: string): void {
    const kept = this.#list('issued');
    kept.push(token);
    if (kept.length > 30) kept.shift();
  }

  /** Whether requests are made with this token. */
  has(token: string): boolean {
    return Object.values(this.#values).some((values) => values.includes(token));
  }

  /** Replaces what requests have ended. */
  async refill(): Promise<void> {
    await this.#refillKeys();
    await this.#refillAdmins();
    await this.#refillPeople();
    await this.#refillAccounts();
    this.#values['code'] = [...this.#list('code'), '000000', 'abcdefgh', ''].slice(-20);
    this.#values['group'] = ['staff', 'billing', 'a'];
    this.#values['mistyped'] = this.#list('token').map((token) => `${token.slice(0, -1)}~`);
  }

  async #refillKeys(): Promise<void> {
    for (const [kind, scopes] of [
      ['key', permissions],
      ['narrowKey', ['sessions.read']],
    ] as const) {
      const good = await this.#still(kind, (token) => this.#authority.authenticateKey(token));
      while (good.length < 3) {
        const { key, token } = await this.#authority.createKey(library, {
          name: `key-${++this.#made}`,
          scopes,
        });
        good.push(token);
        this.#list('keyId').push(key.id);
      }
      this.#values[kind] = good;
    }
    this.#values['keyId'] = this.#list('keyId').slice(-10);
  }

  /** Administrators' sessions on which a second factor was confirmed recently. */
  async #refillAdmins(): Promise<void> {
    const good = await this.#still('adminToken', async (token) => {
      const caller = await this.#authority.authenticateSession(token);
      if (caller.kind !== 'person' || !this.#authority.factorIsRemembered(caller.session, { area: 'accounts', ip }))
        throw new Error('anew');
    });
    while (good.length < 4) good.push((await this.#openAsAdmin().catch(() => undefined)) ?? (await this.#makeAdmin()));
    this.#values['adminToken'] = good;
  }

  /** Another session of the administrator, opened by a sign-in with a code. */
  async #openAsAdmin(): Promise<string | undefined> {
    if (!this.#admin || this.#admin.sessions === 0) return undefined;
    this.#admin.sessions -= 1;
    const { id } = this.#admin;
    const { account, epochs } = await this.#context.store.readUser(id as UserId);
    if (!account) return undefined;
    const { token, session } = await openChecked(this.#context, 'self', { userId: id, ip }, epochs, true);
    this.#owners.set(token, id);
    this.#list('sessionId').push(session.id);
    return token;
  }

  /** Creates an administrator with a second factor; returns the token of their first session. */
  async #makeAdmin(): Promise<string> {
    const username = `admin-${++this.#made}`;
    const password = `admin password ${this.#made}`;
    const { id } = await this.#authority.createAccount(library, { username, password, roles: ['admin'] });
    const { secret } = await this.#authority.startTotp(library, id);
    const code = totpCode(secret, this.#context.clock.now());
    const { backupCodes } = await this.#authority.confirmTotp(library, id, { code });
    for (const text of [password, secret, ...backupCodes]) this.secrets.add(text);
    this.#admin = { id, sessions: 9 };
    this.#account(id);
    const token = await this.#openAsAdmin();
    if (token === undefined) throw new Error('a new administrator cannot sign in');
    // Requests may use them, each once.
    this.#list('code').push(...backupCodes.slice(0, 3));
    return token;
  }

  async #refillPeople(): Promise<void> {
    const good = await this.#still('token', (token) => this.#authority.authenticateSession(token));
    while (good.length < 10) {
      const userId = `user-${++this.#made % 5}`;
      const name = this.#made % 3 === 0 ? `desk-${this.#made}` : undefined;
      const opened = await this.#authority.createSession(library, { userId, name, accessGroups: ['staff'] });
      good.push(opened.token);
      this.#owners.set(opened.token, userId);
      this.#list('refresh').push(opened.refreshToken);
      this.#list('sessionId').push(opened.session.id);
      this.#list('userId').push(userId);
      if (name !== undefined) this.#list('name').push(name);
      if (this.#made % 4 === 0) {
        await this.#authority.endSession(library, { id: opened.session.id });
        this.#list('ended').push(opened.token);
        good.pop();
      }
    }
    this.#values['token'] = good;
    for (const kind of ['refresh', 'sessionId', 'userId', 'name', 'ended', 'accountId']) {
      this.#values[kind] = this.#list(kind).slice(-20);
    }
  }

  /** People who can sign in by name or address and password; each of the three lists has the same number of entries. */
  async #refillAccounts(): Promise<void> {
    const there = await Promise.all(
      this.#accounts.map(({ id }) =>
        this.#authority.getAccount(id).then(
          ({ disabled, totp }) => !disabled && !totp,
          () => false,
        ),
      ),
    );
    this.#accounts = this.#accounts.filter((_, i) => there[i]);
    while (this.#accounts.length < 3) {
      const username = `person-${++this.#made}`;
      const password = `person password ${this.#made}`;
      const email = `${username}@example.com`;
      const { id } = await this.#authority.createAccount(library, { username, email, password });
      this.secrets.add(password);
      this.#account(id);
      this.#accounts.push({ id, username, email, password });
    }
    for (const part of ['username', 'email', 'password'] as const) {
      this.#values[part] = this.#accounts.map((account) => account[part]);
    }
  }

  #account(id: string): void {
    this.#list('accountId').push(id);
    this.#list('userId').push(id);
  }

  /** Those of a kind that are still valid. */
  async #still(kind: string, check: (token: string) => Promise<unknown>): Promise<string[]> {
    const good: string[] = [];
    for (const token of this.#list(kind)) {
      const fine = await check(token).then(
        () => true,
        () => false,
      );
      if (fine) good.push(token);
    }
    return good;
  }

  #list(kind: string): string[] {
    this.#values[kind] ??= [];
    return this.#values[kind];
  }
}
