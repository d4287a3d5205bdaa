import type { AddressInfo } from 'node:net';
import { listening, port } from './port.ts';

// #region example

import { fastifySessions } from 'curfew-client/fastify';
import fastify from 'fastify';
import { client, verifier } from './curfew.ts';

const sessions = fastifySessions(verifier, { client, refreshAfter: 15 * 60 });
const app = fastify();

app.post<{ Body: { userId: string } }>('/login', async ({ body }, reply) => {
  // After your own check of the password:
  await sessions.signIn(reply, { userId: body.userId, metadata: { plan: 'paid' } });
  return 'signed in';
});
app.post('/logout', async (_request, reply) => {
  await sessions.logOut(reply);
  return 'signed out';
});
app.get('/me', { onRequest: sessions() }, async ({ curfewSession }) => {
  return { userId: curfewSession.userId, plan: curfewSession.metadata.plan };
});
app.get('/staff', { onRequest: sessions({ groups: ['staff'] }) }, async () => 'staff only');
app.get('/account', { onRequest: sessions({ signedInWithin: 15 * 60 }) }, async () => 'a fresh sign-in');
// #endregion
app.post('/refresh', async (_request, reply) => {
  await sessions.refresh(reply);
  return 'refreshed';
});
// After the body, for the tests.
app.post<{ Body: { text: string } }>('/write', { preHandler: sessions() }, async ({ body }) => body.text);
app.get('/broken', { onRequest: sessions() }, async () => {
  throw new Error('broken on purpose');
});
app.get('/leave', { onRequest: sessions() }, async (_request, reply) => {
  await sessions.logOut(reply);
  return 'signed out';
});

await app.listen({ port });
listening((app.server.address() as AddressInfo).port);
