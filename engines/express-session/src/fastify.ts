// #region example

import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { curfewStore } from 'curfew-client/express-session';
import fastify, { type Session } from 'fastify';
import { client, verifier } from './curfew.ts';

declare module 'fastify' {
  interface Session {
    userId?: string;
    seen?: number;
  }
}

const app = fastify();
await app.register(fastifyCookie);
await app.register(fastifySession, {
  store: curfewStore(fastifySession, { verifier, client, userId: (session: Session) => session.userId }),
  secret: process.env['SESSION_SECRET'] ?? 'a text of at least 32 characters',
  saveUninitialized: false,
  cookie: { maxAge: 86_400_000, secure: false },
});

app.post<{ Body: { userId: string } }>('/login', async (request) => {
  // After your own check of the password:
  await request.session.regenerate();
  request.session.userId = request.body.userId;
  return 'signed in';
});
app.post('/logout', async (request) => {
  await request.session.destroy();
  return 'signed out';
});
app.get('/me', async (request) => ({ userId: request.session.userId ?? null }));
// #endregion
app.post('/visit', async (request) => {
  request.session.seen = (request.session.seen ?? 0) + 1;
  await request.session.save();
  return { seen: request.session.seen };
});

const url = await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 0) });
console.log(`listening on ${url}`);
