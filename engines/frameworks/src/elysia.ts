import { once } from 'node:events';
import type { Server } from 'node:net';
import { node } from '@elysiajs/node';
import { listening, port } from './port.ts';

// #region example

import { elysiaSessions } from 'curfew-client/elysia';
import { Elysia, t } from 'elysia';
import { client, verifier } from './curfew.ts';

const sessions = elysiaSessions(verifier, { client, refreshAfter: 15 * 60 });

const open = new Elysia()
  .post(
    '/login',
    async ({ request, set, body }) => {
      // After your own check of the password:
      await sessions.signIn({ request, set }, { userId: body.userId, metadata: { plan: 'paid' } });
      return 'signed in';
    },
    { body: t.Object({ userId: t.String() }) },
  )
  .post('/logout', async ({ request, set }) => {
    await sessions.logOut({ request, set });
    return 'signed out';
  });
const signedIn = new Elysia()
  .resolve(sessions())
  .get('/me', ({ curfewSession: { userId, metadata } }) => ({ userId, plan: metadata.plan }));
const staff = new Elysia().resolve(sessions({ groups: ['staff'] })).get('/staff', () => 'staff only');
const fresh = new Elysia().resolve(sessions({ signedInWithin: 15 * 60 })).get('/account', () => 'a fresh sign-in');
// #endregion
const more = new Elysia()
  .post('/refresh', async ({ request, set }) => {
    await sessions.refresh({ request, set });
    return 'refreshed';
  })
  .resolve(sessions())
  .post('/write', ({ body }) => body.text, { body: t.Object({ text: t.String() }) })
  .get('/broken', () => {
    throw new Error('broken on purpose');
  })
  .get('/leave', async ({ request, set }) => {
    await sessions.logOut({ request, set });
    return 'signed out';
  })
  .get('/theme', ({ cookie }) => {
    cookie['theme']!.value = 'dark';
    return 'themed';
  });

new Elysia({ adapter: node() })
  .use([open, signedIn, staff, fresh, more])
  .listen({ port, hostname: '127.0.0.1' }, async (started) => {
    const { server } = (started as unknown as { node: { server: Server } }).node;
    if (!server.listening) await once(server, 'listening');
    listening(port);
  });
