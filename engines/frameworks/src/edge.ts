import { createClient } from 'curfew-client';
import { honoSessions, type SessionVariables } from 'curfew-client/hono';
import { remoteVerifier } from 'curfew-client/request';
import { Hono } from 'hono';

type Bindings = { CURFEW_URL: string; CURFEW_API_KEY: string };

const app = new Hono<{ Bindings: Bindings; Variables: SessionVariables }>();

app.use('/admin/*', (c, next) => {
  const client = createClient({ url: c.env.CURFEW_URL, token: c.env.CURFEW_API_KEY });
  return honoSessions(remoteVerifier(client), { client })({ groups: ['staff'] })(c, next);
});
app.get('/admin/hello', (c) => c.text(`Hello ${c.var.curfewSession.userId}`));

export default app;
