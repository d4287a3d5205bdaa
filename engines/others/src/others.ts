import { randomBytes } from 'node:crypto';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { RedisStore } from 'connect-redis';
import { type SessionData, Store } from 'express-session';
import { createClient } from 'redis';

/** One way to check a session: resolves when it knows who it is, and fails when it does not. */
export type Check = () => Promise<unknown>;

/** Better Auth's own look at a session whose copy is in a signed cookie: in process, no database asked. */
export async function betterAuthCheck(): Promise<Check> {
  const auth = betterAuth({
    secret: randomBytes(32).toString('base64'),
    baseURL: 'http://127.0.0.1:3000',
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    emailAndPassword: { enabled: true },
    session: { cookieCache: { enabled: true, maxAge: 3600 } },
    telemetry: { enabled: false },
  });
  const signedUp = await auth.api.signUpEmail({
    body: { email: 'ada@example.com', password: randomBytes(16).toString('hex'), name: 'Ada' },
    asResponse: true,
  });
  const cookies = signedUp.headers.getSetCookie().map((cookie) => cookie.split(';')[0]);
  const headers = new Headers({ cookie: cookies.join('; ') });
  return async () => {
    if (!(await auth.api.getSession({ headers }))) throw new Error('Better Auth does not know its session');
  };
}

/** What express-session asks of its store at each request: connect-redis's `get`, over loopback. */
export async function expressSessionCheck(url: string): Promise<{ check: Check; close(): Promise<void> }> {
  const client = createClient({ url });
  await client.connect();
  const store = new RedisStore({ client });
  if (!(store instanceof Store)) throw new Error('this is no store of express-session');
  const cookie = { originalMaxAge: 3_600_000, expires: new Date(Date.now() + 3_600_000), httpOnly: true, path: '/' };
  await store.set('ada', { cookie, userId: 'ada', accessGroups: ['staff'] } as unknown as SessionData);
  return {
    check: async () => {
      if (!(await store.get('ada'))) throw new Error('connect-redis does not know its session');
    },
    close: async () => {
      await client.close();
    },
  };
}
