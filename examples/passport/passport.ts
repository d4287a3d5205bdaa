import passport from 'passport';
import { Strategy } from 'passport-local';
import { isPasswordOf } from './users.ts';

declare global {
  namespace Express {
    interface User {
      id: string;
    }
  }
}

// How people prove who they are: the same before and after.
passport.use(new Strategy((user, password, done) => done(null, isPasswordOf(user, password) && { id: user })));
passport.serializeUser((user, done) => done(null, user.id));
passport.deserializeUser((id: string, done) => done(null, { id }));

/** Signs the ids in the cookies of `express-session`. */
export const secret: string = process.env['SESSION_SECRET'] ?? 'only for development';

export { passport };
