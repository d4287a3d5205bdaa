import express from 'express';
import { homePage, signInPage, wrong } from './pages.ts';
import { passport } from './passport.ts';
import { curfew, sessions, signedIn } from './sessions.ts';

// The application now: Passport still checks passwords, and the sessions are Curfew's.
const app = express().use(express.urlencoded());

app.get('/login', ({ query }, response) => {
  response.send(signInPage('wrong' in query ? wrong : ''));
});
app.post(
  '/login',
  passport.authenticate('local', { session: false, failureRedirect: '/login?wrong' }),
  async ({ user }, response) => {
    await sessions.signIn(response, { userId: user!.id });
    response.redirect('/');
  },
);

app.get('/', signedIn, ({ user }, response) => {
  response.send(homePage(user!.id));
});
app.post('/logout', async (_request, response) => {
  await sessions.logOut(response);
  response.redirect('/login');
});
app.post('/logout-everywhere', signedIn, async ({ user }, response) => {
  await curfew.endUserSessions({ userId: user!.id, reason: 'logout' });
  response.redirect('/login');
});

const port = Number(process.env['PORT'] ?? 3000);
app.listen(port, 'localhost', () => console.log(`listening on http://localhost:${port}`));
