import type { AddressInfo } from 'node:net';
import { listening, port } from './port.ts';

// #region example

import { expressSessions } from 'curfew-client/express';
import express from 'express';
import { client, verifier } from './curfew.ts';

const sessions = expressSessions(verifier, { client, refreshAfter: 15 * 60 });
const app = express().use(express.json());

app.post('/login', async (request, response) => {
  // After your own check of the password:
  await sessions.signIn(response, { userId: request.body.userId, metadata: { plan: 'paid' } });
  response.send('signed in');
});
app.post('/logout', async (_request, response) => {
  await sessions.logOut(response);
  response.send('signed out');
});
app.get('/me', sessions(), ({ curfewSession }, response) => {
  response.json({ userId: curfewSession.userId, plan: curfewSession.metadata.plan });
});
app.get('/staff', sessions({ groups: ['staff'] }), (_request, response) => {
  response.send('staff only');
});
app.get('/account', sessions({ signedInWithin: 15 * 60 }), (_request, response) => {
  response.send('a fresh sign-in');
});
// #endregion
app.post('/refresh', async (_request, response) => {
  await sessions.refresh(response);
  response.send('refreshed');
});
app.post('/write', sessions(), (request, response) => {
  response.send(request.body.text);
});
app.get('/broken', sessions(), () => {
  throw new Error('broken on purpose');
});
app.get('/leave', sessions(), async (_request, response) => {
  await sessions.logOut(response);
  response.send('signed out');
});

const server = app.listen(port, '127.0.0.1', () => listening((server.address() as AddressInfo).port));
