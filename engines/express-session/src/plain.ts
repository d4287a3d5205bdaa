import { RedisStore } from 'connect-redis';
import { curfewStore } from 'curfew-client/express-session';
import express from 'express';
import session, { type Store } from 'express-session';
import { createClient } from 'redis';
import { addRoutes, listen } from './routes.ts';

// The same program with either store, to show what each does, and how fast: with REDIS_URL, connect-redis.
const app = express().use(express.json());
const { REDIS_URL: redis, SESSION_SECRET: secret = 'only for development' } = process.env;
const store = redis === undefined ? await onCurfew() : await onRedis(redis);
app.use(session({ store, secret, resave: false, saveUninitialized: false, cookie: { maxAge: 86_400_000 } }));
addRoutes(app);
listen(app);

async function onCurfew(): Promise<Store> {
  return curfewStore(session, await import('./curfew.ts'));
}

async function onRedis(url: string): Promise<Store> {
  const client = createClient({ url });
  await client.connect();
  return new RedisStore({ client });
}
