import { serve } from '@hono/node-server';
import type { SessionVariables } from 'curfew-client/hono';
import { Hono, type MiddlewareHandler } from 'hono';
import { homePage, signInPage } from './pages.ts';
import { curfew, sessions } from './sessions.ts';
import { isPasswordOf } from './users.ts';

const app = new Hono<{ Variables: SessionVariables }>();

/** The check answers 401 if nobody is signed in; people are led to the sign-in page instead. */
const orSignIn: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.res.status === 401) c.res = c.redirect('/login');
};

app.get('/login', (c) => c.html(signInPage()));
app.post('/login', async (c) => {
  const { user, password } = await c.req.parseBody();
  if (!isPasswordOf(user, password)) return c.html(signInPage('The user name or the password is wrong.'), 401);
  await sessions.signIn(c, { userId: user });
  return c.redirect('/', 303);
});

app.get('/', orSignIn, sessions(), async (c) => {
  const { userId } = c.var.curfewSession;
  const { total = 0 } = await curfew.listUserSessions({ userId });
  return c.html(homePage(userId, total));
});

app.post('/logout', async (c) => {
  await sessions.logOut(c);
  return c.redirect('/login', 303);
});
app.post('/logout-everywhere', orSignIn, sessions(), async (c) => {
  await curfew.endUserSessions({ userId: c.var.curfewSession.userId, reason: 'logout' });
  return c.redirect('/login', 303);
});

const port = Number(process.env['PORT'] ?? 3000);
serve({ fetch: app.fetch, port, hostname: 'localhost' }, () => console.log(`listening on http://localhost:${port}`));
