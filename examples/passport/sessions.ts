import { createClient } from 'curfew-client';
import { expressSessions } from 'curfew-client/express';
import { cookieHeaders, Sessions } from 'curfew-client/request';
import { createVerifier } from 'curfew-client/verifier';
import type { RequestHandler } from 'express';
import { secret } from './passport.ts';

const url = process.env['CURFEW_URL'] ?? 'http://127.0.0.1:2873';
const key = process.env['CURFEW_API_KEY'];
if (!key) throw new Error('Set CURFEW_API_KEY to a key of this application; README.md shows how to make one.');

/** Opens and ends sessions. */
export const curfew = createClient({ url, token: key });
/** Checks sessions from memory, without a network call. */
const verifier = createVerifier({ url, key, name: 'shop' });
const options = {
  client: curfew,
  // The cookies from before are valid as well; the first visit replaces them.
  oldCookie: { cookie: 'connect.sid', kind: 'express-session', secrets: secret, replace: true },
};
export const sessions = expressSessions(verifier, options);
const checks = new Sessions(verifier, options);

/** Sets `request.user`, as Passport does. Who is not signed in is led to the sign-in page. */
export const signedIn: RequestHandler = async (request, response, next) => {
  const found = await checks.verifyRequest(request);
  for (const [name, value] of cookieHeaders(found.cookies)) response.append(name, value);
  if ('session' in found) {
    request.user = { id: found.session.userId };
    next();
  } else if (found.refusal.status === 401) response.redirect('/login');
  else response.sendStatus(found.refusal.status);
};
