import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { redisStorage } from '@better-auth/redis-storage';
import { NodePostgresAdapter } from '@lucia-auth/adapter-postgresql';
import { type BetterAuthOptions, betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import type { Client } from 'curfew-client';
import { expressSessions } from 'curfew-client/express';
import { curfewStore } from 'curfew-client/express-session';
import type { Verifier } from 'curfew-client/verifier';
import express from 'express';
import session, { type Store } from 'express-session';
import { Redis } from 'ioredis';
import { Lucia } from 'lucia';
import passport from 'passport';
import pg from 'pg';
import { createClient } from 'redis';

/*
 * Applications that keep sessions as people's own do: each is the real program, signs somebody in, and gives what their
 * browser then has.
 */

/** A session as a browser has it: the value of its cookie, and the secret that this proves. */
export type SignedIn = { userId: string; cookie: string; secret: string };

const applicationSecret = randomBytes(32).toString('hex');

/** An application of express-session and Passport. `signIn` makes a session; `visit` returns whom a cookie belongs to. */
export async function expressApplication(store: Store): Promise<{
  signIn(userId: string): Promise<SignedIn>;
  visit(cookie: string): Promise<string>;
  close(): Promise<void>;
}> {
  const people = new passport.Passport();
  people.serializeUser((user, done) => done(null, (user as { id: string }).id));
  people.deserializeUser((id, done) => done(null, { id } as Express.User));
  const application = express();
  const cookie = { maxAge: 86_400_000 };
  application.use(session({ store, secret: applicationSecret, resave: false, saveUninitialized: false, cookie }));
  application.use(people.session());
  application.post('/login/:id', (request, response, next) => {
    request.login({ id: request.params['id'] } as Express.User, (error) => {
      if (error) return next(error);
      (request.session as unknown as { theme: string }).theme = 'dark';
      response.end();
    });
  });
  application.get('/', (request, response) => {
    response.end((request.user as { id?: string } | undefined)?.id ?? 'nobody');
  });
  const { url, close } = await listen(application);
  return {
    async signIn(userId) {
      const answer = await fetch(`${url}/login/${userId}`, { method: 'POST' });
      const value = cookieOf(answer.headers, 'connect.sid');
      return { userId, cookie: value, secret: unsigned(decodeURIComponent(value)) };
    },
    visit: async (value) => (await fetch(url, { headers: { cookie: `connect.sid=${value}` } })).text(),
    close,
  };
}

/** The store with which the application goes on after the move. */
export function curfewStoreOf(verifier: Verifier, client: Client): Store {
  return curfewStore(session, { verifier, client }) as unknown as Store;
}

/** An application without `express-session` after the move: it asks Curfew, and accepts the cookies that express-session gave. */
export async function movedApplication(verifier: Verifier): Promise<{
  visit(cookie: string): Promise<{ status: number; text: string }>;
  close(): Promise<void>;
}> {
  const oldCookie = { cookie: 'connect.sid', kind: 'express-session', secrets: applicationSecret };
  const sessions = expressSessions(verifier, { oldCookie });
  const application = express();
  application.get('/', sessions() as never, (request, response) => {
    response.end((request as unknown as { curfewSession: { userId: string } }).curfewSession.userId);
  });
  const { url, close } = await listen(application);
  return {
    async visit(value) {
      const answer = await fetch(url, { headers: { cookie: `connect.sid=${value}` } });
      return { status: answer.status, text: await answer.text() };
    },
    close,
  };
}

/** What `s:<id>.<signature>` proves, as an application finds out: it checks the signature, and takes the id. */
function unsigned(value: string): string {
  const dot = value.lastIndexOf('.');
  const id = value.slice('s:'.length, dot);
  const signature = createHmac('sha256', applicationSecret).update(id).digest('base64').replace(/=+$/, '');
  if (!value.startsWith('s:') || value.slice(dot + 1) !== signature) throw new Error('the signature is wrong');
  return id;
}

export async function connectRedisStore(url: string): Promise<{ store: Store; close(): Promise<void> }> {
  const client = createClient({ url });
  await client.connect();
  return { store: new RedisStore({ client }) as Store, close: () => client.close().then(() => {}) };
}

export function connectPgSimpleStore(url: string): { store: Store; close(): Promise<void> } {
  const pool = new pg.Pool({ connectionString: url });
  const store = new (connectPgSimple(session))({ pool, createTableIfMissing: true });
  return {
    store,
    async close() {
      store.close();
      await pool.end();
    },
  };
}

/** Better Auth with its sessions in a table, or (with the URL of a Redis) in that. */
export async function signInWithBetterAuth(url: string, redis?: string): Promise<SignedIn> {
  const pool = new pg.Pool({ connectionString: url });
  const client = redis === undefined ? undefined : new Redis(redis);
  try {
    const options = {
      secret: applicationSecret,
      baseURL: 'http://127.0.0.1:3000',
      database: pool,
      emailAndPassword: { enabled: true },
      telemetry: { enabled: false },
      ...(client && { secondaryStorage: redisStorage({ client }) }),
    } satisfies BetterAuthOptions;
    const { runMigrations } = await getMigrations(options);
    await runMigrations();
    const auth = betterAuth(options);
    const answer = await auth.api.signUpEmail({
      body: { email: `${randomBytes(4).toString('hex')}@example.com`, password: 'correct horse battery', name: 'Ada' },
      headers: new Headers({
        'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
        'x-forwarded-for': '192.0.2.7',
      }),
      asResponse: true,
    });
    const { user } = (await answer.json()) as { user: { id: string } };
    const cookie = cookieOf(answer.headers, 'better-auth.session_token');
    const value = decodeURIComponent(cookie);
    return { userId: user.id, cookie, secret: value.slice(0, value.lastIndexOf('.')) };
  } finally {
    client?.disconnect();
    await pool.end();
  }
}

/** Auth.js with `@auth/pg-adapter`: signs somebody in with a link by e-mail. */
export async function signInWithAuthJs(url: string): Promise<SignedIn> {
  // Its types would add those of browsers to every file.
  const [{ Auth, skipCSRFCheck }, { default: PostgresAdapter }] = await Promise.all(
    ['@auth/core', '@auth/pg-adapter'].map((name) => import(name)),
  );
  const pool = new pg.Pool({ connectionString: url });
  try {
    // From the adapter's page: https://authjs.dev/getting-started/adapters/pg
    await pool.query(`
      CREATE TABLE verification_token (identifier text NOT NULL, expires timestamptz NOT NULL, token text NOT NULL,
        PRIMARY KEY (identifier, token));
      CREATE TABLE accounts (id serial PRIMARY KEY, "userId" integer NOT NULL, type varchar(255) NOT NULL,
        provider varchar(255) NOT NULL, "providerAccountId" varchar(255) NOT NULL, refresh_token text, access_token text,
        expires_at bigint, id_token text, scope text, session_state text, token_type text);
      CREATE TABLE sessions (id serial PRIMARY KEY, "userId" integer NOT NULL, expires timestamptz NOT NULL,
        "sessionToken" varchar(255) NOT NULL);
      CREATE TABLE users (id serial PRIMARY KEY, name varchar(255), email varchar(255), "emailVerified" timestamptz,
        image text);`);
    let link = '';
    const config = {
      adapter: PostgresAdapter(pool),
      secret: applicationSecret,
      trustHost: true,
      basePath: '/auth',
      skipCSRFCheck,
      logger: { error: (error: unknown) => console.error(error), warn() {}, debug() {} },
      providers: [
        {
          id: 'mail',
          type: 'email',
          name: 'Mail',
          maxAge: 600,
          options: {},
          async sendVerificationRequest({ url: sent }: { url: string }) {
            link = sent;
          },
        },
      ],
    };
    const call = (path: string, init?: RequestInit): Promise<Response> =>
      Auth(new Request(new URL(path, 'http://localhost:3000'), init), config);
    const body = new URLSearchParams({ email: 'ada@example.com' });
    const asked = await call('/auth/signin/mail', { method: 'POST', body });
    if (link === '') throw new Error(`Auth.js sent no link: ${asked.status} ${asked.headers.get('location')}`);
    const answer = await call(link);
    const secret = cookieOf(answer.headers, 'authjs.session-token');
    const { rows } = await pool.query('SELECT id FROM users');
    return { userId: String(rows[0].id), cookie: secret, secret };
  } finally {
    await pool.end();
  }
}

export async function signInWithLucia(url: string): Promise<SignedIn> {
  const pool = new pg.Pool({ connectionString: url });
  try {
    // From the adapter's page: https://v3.lucia-auth.com/database/postgresql
    await pool.query(`
      CREATE TABLE auth_user (id text PRIMARY KEY);
      CREATE TABLE user_session (id text PRIMARY KEY, expires_at timestamptz NOT NULL,
        user_id text NOT NULL REFERENCES auth_user (id), country text);
      INSERT INTO auth_user VALUES ('ada');`);
    const lucia = new Lucia(new NodePostgresAdapter(pool, { user: 'auth_user', session: 'user_session' }));
    const made = await lucia.createSession('ada', { country: 'NZ' } as never);
    const { value } = lucia.createSessionCookie(made.id);
    return { userId: 'ada', cookie: value, secret: value };
  } finally {
    await pool.end();
  }
}

async function listen(application: RequestListener): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(application).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function cookieOf(headers: Headers, name: string): string {
  const found = headers.getSetCookie().find((line) => line.startsWith(`${name}=`));
  if (!found) throw new Error(`there is no cookie ${name}, but ${headers.getSetCookie().join(' and ')}`);
  return found.slice(name.length + 1).split(';')[0]!;
}
