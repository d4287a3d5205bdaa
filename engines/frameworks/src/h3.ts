import { listening, port } from './port.ts';

// #region example

import { h3Sessions } from 'curfew-client/h3';
import { H3, serve } from 'h3';
import { client, verifier } from './curfew.ts';

const sessions = h3Sessions(verifier, { client, refreshAfter: 15 * 60 });
const app = new H3();

app.post('/login', async (event) => {
  const { userId } = (await event.req.json()) as { userId: string };
  // After your own check of the password:
  await sessions.signIn(event, { userId, metadata: { plan: 'paid' } });
  return 'signed in';
});
app.post('/logout', async (event) => {
  await sessions.logOut(event);
  return 'signed out';
});
app.get(
  '/me',
  (event) => {
    const { userId, metadata } = sessions.of(event);
    return { userId, plan: metadata.plan };
  },
  { middleware: [sessions()] },
);
app.get('/staff', () => 'staff only', { middleware: [sessions({ groups: ['staff'] })] });
app.get('/account', () => 'a fresh sign-in', { middleware: [sessions({ signedInWithin: 15 * 60 })] });
// #endregion
app.post('/refresh', async (event) => {
  await sessions.refresh(event);
  return 'refreshed';
});
const texts = new WeakMap<object, string>();
app.post('/write', (event) => texts.get(event.req), {
  middleware: [
    async (event) => {
      texts.set(event.req, ((await event.req.json()) as { text: string }).text);
    },
    sessions(),
  ],
});
app.get(
  '/broken',
  () => {
    throw new Error('broken on purpose');
  },
  { middleware: [sessions()] },
);
app.get(
  '/leave',
  async (event) => {
    await sessions.logOut(event);
    return 'signed out';
  },
  { middleware: [sessions()] },
);
app.get('/raw', () => new Response('raw', { headers: { 'set-cookie': 'theme=dark' } }), { middleware: [sessions()] });

const server = serve(app, { port, hostname: '127.0.0.1', silent: true });
await server.ready();
listening(Number(new URL(server.url!).port));
