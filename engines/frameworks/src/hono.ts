import { serve } from '@hono/node-server';
import { listening, port } from './port.ts';

// #region example

import { honoSessions, type SessionVariables } from 'curfew-client/hono';
import { Hono } from 'hono';
import { client, verifier } from './curfew.ts';

const sessions = honoSessions(verifier, { client, refreshAfter: 15 * 60 });
const app = new Hono<{ Variables: SessionVariables }>();

app.post('/login', async (c) => {
  const { userId } = await c.req.json<{ userId: string }>();
  // After your own check of the password:
  await sessions.signIn(c, { userId, metadata: { plan: 'paid' } });
  return c.text('signed in');
});
app.post('/logout', async (c) => {
  await sessions.logOut(c);
  return c.text('signed out');
});
app.get('/me', sessions(), (c) => {
  const { userId, metadata } = c.var.curfewSession;
  return c.json({ userId, plan: metadata.plan });
});
app.get('/staff', sessions({ groups: ['staff'] }), (c) => c.text('staff only'));
app.get('/account', sessions({ signedInWithin: 15 * 60 }), (c) => c.text('a fresh sign-in'));
// #endregion
app.post('/refresh', async (c) => {
  await sessions.refresh(c);
  return c.text('refreshed');
});
app.use('/write', async (c, next) => {
  await c.req.json();
  await next();
});
app.post('/write', sessions(), async (c) => c.text((await c.req.json()).text));
app.get('/broken', sessions(), () => {
  throw new Error('broken on purpose');
});
app.get('/leave', sessions(), async (c) => {
  await sessions.logOut(c);
  return c.text('signed out');
});
app.get('/raw', sessions(), () => new Response('raw', { headers: { 'set-cookie': 'theme=dark' } }));

serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, (address) => listening(address.port));
