import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createClient } from 'redis';
import { homePage, signInPage, wrong } from './pages.ts';
import { passport, secret } from './passport.ts';

// The application before: its sessions are in Redis. It cannot sign anybody out everywhere.
const client = createClient({ url: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379' });
await client.connect();

const app = express().use(express.urlencoded());
app.use(session({ store: new RedisStore({ client }), secret, resave: false, saveUninitialized: false }));
app.use(passport.session());

app.get('/login', ({ query }, response) => {
  response.send(signInPage('wrong' in query ? wrong : ''));
});
app.post('/login', passport.authenticate('local', { failureRedirect: '/login?wrong', successRedirect: '/' }));

app.get('/', ({ user }, response) => {
  if (user) response.send(homePage(user.id));
  else response.redirect('/login');
});
app.post('/logout', (request, response, next) => {
  request.logout((error: unknown) => (error ? next(error) : response.redirect('/login')));
});

const port = Number(process.env['PORT'] ?? 3000);
app.listen(port, 'localhost', () => console.log(`listening on http://localhost:${port}`));
