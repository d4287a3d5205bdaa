/*
 * What Curfew must withstand. Each requirement is shown by at least one test, which names its number in its title; what
 * is asked and what Curfew does are written here once, for docs/security.md.
 */

export type Requirement = {
  /** As tests write it in their titles. */
  id: string;
  /** The level of the ASVS that asks for it. */
  level?: 1 | 2 | 3;
  /** What is asked, or what went wrong elsewhere. */
  asks: string;
  /** What Curfew does. */
  does: string;
};

export type Section = { title: string; text: string; asks: string; requirements: readonly Requirement[] };

const asvs = (id: string, level: 1 | 2 | 3, asks: string, does: string): Requirement => ({ id, level, asks, does });
const other = (id: string, asks: string, does: string): Requirement => ({ id, asks, does });

export const sections: readonly Section[] = [
  {
    title: 'OWASP ASVS 5.0, chapter 7: sessions',
    text: 'The number in brackets is the level at which the ASVS asks for it.',
    asks: 'what is asked',
    requirements: [
      asvs(
        '7.1.1',
        2,
        'Idle and absolute limits are documented.',
        'The [page on sessions](sessions.md#lifetimes) states both, and those are the limits that are in effect.',
      ),
      asvs(
        '7.1.2',
        2,
        'How many sessions a user may have, and what happens beyond that, is defined.',
        '`CURFEW_MAX_SESSIONS` sets the number. Beyond it, `CURFEW_EXCESS` replaces the oldest session or refuses the new one.',
      ),
      asvs(
        '7.1.3',
        2,
        'For each connected system it is documented how long sessions live and who ends what.',
        'Each has a table: [Rocket.Chat](rocketchat.md#lifetimes-and-who-ends-what), [Directus](directus.md#lifetimes-and-who-ends-what), [WAHA](waha.md#lifetimes-and-who-ends-what), [Altogic](altogic.md#lifetimes-and-who-ends-what).',
      ),
      asvs(
        '7.2.1',
        1,
        'Session tokens are verified by the server.',
        'Nothing about a session is read from the client except its token, and that is looked up.',
      ),
      asvs(
        '7.2.2',
        1,
        'Tokens are made anew for each session.',
        'Every id and secret is drawn when the session is opened.',
      ),
      asvs(
        '7.2.3',
        1,
        'Tokens are random and cannot be guessed.',
        'A secret has 256 bits from the system’s generator.',
      ),
      asvs(
        '7.2.4',
        1,
        'Authentication gives a new token and ends the old one.',
        'Signing in, also again, opens a new session and ends the one that the client had. A code that confirms a single request keeps the token; [see above](#stepping-up-keeps-the-token).',
      ),
      asvs(
        '7.3.1',
        2,
        'A session ends when it is idle for too long.',
        'A session lives up to its idle limit and not at it.',
      ),
      asvs(
        '7.3.2',
        2,
        'A session ends when it is too old.',
        'The absolute limit is fixed when the session is opened. No refresh and no activity moves it.',
      ),
      asvs(
        '7.4.1',
        1,
        'An ended session cannot be used any more.',
        'An end returns when no server and no verifier can answer by what was before, and it outlives a crash.',
      ),
      asvs(
        '7.4.2',
        1,
        'Disabling or deleting an account ends all of its sessions.',
        'Both are one write that also ends, or refuses, the sessions that are being opened at that moment.',
      ),
      asvs(
        '7.4.3',
        2,
        'Whoever changes a factor is offered to end their other sessions.',
        'A new password ends the others; confirming a factor takes `endOthers`.',
      ),
      asvs(
        '7.4.4',
        2,
        'Every page that needs a sign-in shows how to sign out.',
        'Curfew serves no page that needs a sign-in. Its only page shows the API.',
      ),
      asvs(
        '7.4.5',
        2,
        'Administrators can end the sessions of one user, or everyone’s.',
        'Both are one write, however many sessions there are. The test opens 100,000 of them, and a million with `CURFEW_TEST_SESSIONS=1000000`.',
      ),
      asvs(
        '7.5.1',
        2,
        'Changes to an account take a fresh sign-in.',
        'Its own password, address and factors take a sign-in of the last 15 minutes or a code.',
      ),
      asvs(
        '7.5.2',
        2,
        'Users see all of their sessions and can end any.',
        'Users list their own sessions, and end any of them after a sign-in of the last 15 minutes or a code.',
      ),
      asvs(
        '7.5.3',
        3,
        'Ending others’ sessions takes a second factor.',
        'A person needs `sessions.end` and a code, and each code counts once.',
      ),
      asvs(
        '7.6.1',
        2,
        'Lifetimes between relying party and provider are as documented.',
        'A connected system gets no longer session by asking for one, and its sessions end at Curfew’s limits.',
      ),
      asvs(
        '7.6.2',
        2,
        'A session is opened only by an explicit act.',
        'Only a sign-in, or a caller with `sessions.create`, opens a session.',
      ),
    ],
  },
  {
    title: 'OWASP ASVS 5.0, chapter 9: self-contained tokens',
    text: 'Curfew makes one kind of them, the access token of the Directus dialect. It names a session, and is good only while that session lives.',
    asks: 'what is asked',
    requirements: [
      asvs(
        '9.1.1',
        1,
        'The signature is checked before anything else.',
        'Nothing of an unsigned token is read or told.',
      ),
      asvs(
        '9.1.2',
        1,
        'Only allowed algorithms count.',
        'HS256 alone counts; `none` and every other algorithm is refused.',
      ),
      asvs(
        '9.1.3',
        1,
        'Keys come from trusted sources alone.',
        'The key comes from the configuration. `jku`, `x5u`, `jwk`, `x5c` and `kid` play no part.',
      ),
      asvs('9.2.1', 1, 'A token counts within its lifetime only.', '`iat` and `exp` are required and checked.'),
      asvs('9.2.2', 2, 'A token is of the type that its place takes.', 'The type is checked.'),
      asvs('9.2.3', 2, 'A token counts for its audience only.', 'Audience and issuer are checked.'),
      asvs(
        '9.2.4',
        2,
        'Audiences can be told apart by their keys.',
        'Each use has a key of its own, derived from the servers’ key.',
      ),
    ],
  },
  {
    title: 'NIST SP 800-63B-4',
    text: '`CURFEW_ASSURANCE` sets the [limits that NIST asks for](configuration.md#assurance-levels).',
    asks: 'what is asked',
    requirements: [
      other(
        'NIST aal1',
        'AAL1: signing in again after 30 days at the latest.',
        '`CURFEW_ASSURANCE=aal1` ends every session after 30 days.',
      ),
      other(
        'NIST aal2',
        'AAL2: after 24 hours, or one hour without activity.',
        '`CURFEW_ASSURANCE=aal2` ends every session after 24 hours, and after one idle hour.',
      ),
      other(
        'NIST aal3',
        'AAL3: after 12 hours, or 15 minutes without activity.',
        '`CURFEW_ASSURANCE=aal3` ends every session after 12 hours, and after 15 idle minutes.',
      ),
      other(
        'NIST 3.2.2',
        'No more than 100 failed attempts in a row.',
        'After 100 wrong codes in a row an account takes none for 30 days (`CURFEW_FACTOR_FAILURES`).',
      ),
    ],
  },
  {
    title: 'What failed elsewhere',
    text: 'Published failures of other products that manage sessions, and why each cannot happen here.',
    asks: 'what failed',
    requirements: [
      other(
        'CVE-2026-1035',
        'The check of a rotation was not atomic.',
        'A refresh is one compare-and-set: callers that race get the same successor.',
      ),
      other(
        'CVE-2026-9802',
        'Revoked refresh tokens worked again after a restart.',
        'An end is on disk before it is answered.',
      ),
      other(
        'CVE-2025-12390',
        'A session id came again for another user.',
        'Ids are time-ordered, random and never reused.',
      ),
      other(
        'CVE-2022-3916',
        'A new session had the id of an earlier one.',
        'An id names one session for ever, and each session has one of its own.',
      ),
      other(
        'CVE-2026-8922',
        'One cut-off was ignored when another existed.',
        'A session is over if any end of its user or of everyone came after it was opened; the first one is told.',
      ),
      other('CVE-2026-7507', 'Session fixation.', 'No id or token from before a sign-in survives it.'),
      other(
        'CVE-2025-71402',
        'An unsigned cookie ended any session.',
        'A cookie holds a token whose secret is checked; an id opens and ends nothing.',
      ),
      other(
        'GHSA-xg6x-h9c9-2m83',
        'A cached session was valid before the second factor.',
        'Without the second factor that an account has there is no session.',
      ),
      other(
        'CVE-2025-29928',
        'A deletion missed the store that was configured.',
        'Every store passes one suite of rules, deletion included; stores that break a rule fail it.',
      ),
      other(
        'CVE-2026-27840',
        'A truncated token was accepted.',
        'A token has one length, a checksum and a secret that is compared whole.',
      ),
      other('GHSA-wxg7-w2v3-w38g', 'An absent `exp` skipped the check.', 'A token without `exp` is refused.'),
      other('CVE-2023-20862', 'A log-out was not kept.', 'A log-out is on disk before it is answered.'),
      other('CVE-2025-48947', 'A cache kept a session cookie.', 'Every answer that sets a cookie says `no-store`.'),
      other('CVE-2025-64762', 'A cache kept a session cookie.', 'Every answer that sets a cookie says `no-store`.'),
      other(
        'CVE-2020-15223',
        'An error of the store was swallowed in a revocation.',
        'When the store fails, every end fails and says so.',
      ),
      other(
        'django-oauth-toolkit 1617',
        'Grace accepted tokens of many generations ago.',
        'Only the token before the present one is accepted, and only for 30 seconds. Any other ends the session.',
      ),
      other(
        'spring-session 2230',
        'The index of a user’s sessions grew for ever.',
        'The sweep removes an ended session from every index.',
      ),
      other(
        'spring-session 1843',
        'The index of a user’s sessions never expired.',
        'After the sweep every count is zero.',
      ),
      other(
        'keycloak 51127',
        'A concurrent write revived an ended session.',
        'Every write to a session requires that it has not ended: ended wins.',
      ),
      other('better-auth 11073', 'A concurrent write revived an ended session.', 'The same.'),
      other('express-session 632', 'A request that was under way wrote a destroyed session anew.', 'The same.'),
    ],
  },
  {
    title: 'Everything else',
    text: '',
    asks: 'what is asked',
    requirements: [
      other(
        'No enumeration',
        'Nobody finds out by text, status or time which users exist.',
        'An unknown user, a wrong password and a disabled account are answered in the same words and after the same work. The test times 60 tries of each case on every run, and with `CURFEW_TIMING_ROUNDS=1000` as many as that; the medians differ by less than 10 %.',
      ),
      other(
        'Secrets',
        'No secret stands in a log, an error, a list or an export.',
        'Tokens and keys are stored as hashes, and no answer but the one that made a token holds it.',
      ),
      other(
        'CSRF',
        'No other site changes anything by a user’s cookie.',
        'Every write that a cookie authenticates must come from the server’s own pages, as `Sec-Fetch-Site` or `Origin` says.',
      ),
      other(
        'CSP',
        'Pages allow no inline scripts.',
        'The page that shows the API allows only its own scripts, and no `unsafe-*` anywhere.',
      ),
      other('CORS', 'Other sites’ scripts can read nothing.', 'No answer has a header of CORS.'),
      other('Large bodies', 'No body exhausts memory.', 'A body over 64 KiB is refused.'),
      other('Deep JSON', 'No nesting exhausts the stack.', 'A body that is nested too deep is a 400.'),
      other(
        'Prototype pollution',
        'No body reaches an object’s prototype.',
        'A body with `__proto__` or `constructor.prototype` is refused.',
      ),
      other(
        'Header smuggling',
        'A request cannot be read in two ways.',
        'Two lengths, a length beside chunks, an obscured `Transfer-Encoding` and two `Host` headers are each a 400, and the connection is closed.',
      ),
      other(
        'Confusable characters',
        'No name passes for another.',
        'Names are compared in one Unicode form. Look-alikes of other alphabets are other names, and never sign in as the one they resemble.',
      ),
      other('Shared limits', 'Limits of guessing hold for all servers together.', 'Attempts are counted in the store.'),
      other(
        'Factors at rest',
        'Authenticator secrets are encrypted in the store.',
        'AES-256-GCM, bound to the account, with the servers’ key. Its file is readable by its owner alone.',
      ),
      other(
        'Install scripts',
        'Dependencies run no scripts when they are installed, where there is a choice.',
        'Those that have one are named in the test; none of them is needed for what is shipped.',
      ),
      other(
        'Fuzz',
        'No input breaks a decoder.',
        'Every decoder and every route is fed with random and damaged input.',
      ),
    ],
  },
];
