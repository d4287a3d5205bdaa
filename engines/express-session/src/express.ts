import { addRoutes, listen } from './routes.ts';

// #region example

import { curfewStore } from 'curfew-client/express-session';
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import { Strategy } from 'passport-local';
import { client, verifier } from './curfew.ts';

const app = express().use(express.json());
const store = curfewStore(session, { verifier, client });
const secret = process.env['SESSION_SECRET'] ?? 'only for development';
app.use(session({ store, secret, resave: false, saveUninitialized: false, cookie: { maxAge: 86_400_000 } }));
app.use(passport.session());

passport.use(
  new Strategy((username, _password, done) => {
    // After your own check of the password:
    done(null, { id: username });
  }),
);
passport.serializeUser((user, done) => done(null, (user as { id: string }).id));
passport.deserializeUser((id: string, done) => done(null, { id }));

app.post('/login', passport.authenticate('local'), (_request, response) => {
  response.send('signed in');
});
app.post('/logout', (request, response, next) => {
  request.logout((error: unknown) => (error ? next(error) : response.send('signed out')));
});
app.get('/me', (request, response) => {
  response.json(request.user ?? null);
});
// #endregion
addRoutes(app);
listen(app);
