import { join } from 'node:path';
import express from 'express';
import { curfew, sessions } from './sessions.ts';
import { isPasswordOf } from './users.ts';

const app = express().use(express.json(), express.static(join(import.meta.dirname, 'public')));

app.post('/api/login', async ({ body: { user, password } }, response) => {
  const known = isPasswordOf(user, password);
  if (known) await sessions.signIn(response, { userId: user });
  response.sendStatus(known ? 204 : 401);
});

app.get('/api/me', sessions(), async ({ curfewSession: { userId } }, response) => {
  const { total } = await curfew.listUserSessions({ userId });
  response.json({ userId, devices: total });
});

app.post('/api/logout', async (_request, response) => {
  await sessions.logOut(response);
  response.sendStatus(204);
});

app.post('/api/logout-everywhere', sessions(), async ({ curfewSession: { userId } }, response) => {
  const { ended, receipt } = await curfew.endUserSessions({ userId, reason: 'logout' });
  response.json({ ended, everywhere: receipt.everywhere });
});

const port = Number(process.env['PORT'] ?? 3000);
app.listen(port, 'localhost', () => console.log(`listening on http://localhost:${port}`));
