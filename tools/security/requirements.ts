/*
 * What Curfew must withstand. At least one test proves each requirement, and has its number in its title; the
 * requirement and what Curfew does about it are written here once, for docs/security.md.
 */

export type Requirement = {
  /** The id that tests have in their titles. */
  id: string;
  /** The level at which the ASVS requires it. */
  level?: 1 | 2 | 3;
  /** The requirement, or what went wrong elsewhere. */
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
    text: 'The number in brackets is the level at which the ASVS requires it.',
    asks: 'requirement',
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
        'Only the token is taken from the client; everything else about a session comes from the store.',
      ),
      asvs('7.2.2', 1, 'Each session has new tokens.', 'Every id and secret is generated when the session is opened.'),
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
        'Every sign-in opens a new session and ends the one that the client had. A code that confirms a single request keeps the token; [see above](#stepping-up-keeps-the-token).',
      ),
      asvs(
        '7.3.1',
        2,
        'A session ends when it is idle for too long.',
        'A session is valid until its idle limit, exclusive.',
      ),
      asvs(
        '7.3.2',
        2,
        'A session ends when it is too old.',
        'The absolute limit is fixed when the session is opened. Neither a refresh nor activity extends it.',
      ),
      asvs(
        '7.4.1',
        1,
        'An ended session cannot be used any more.',
        'An end returns only once no server and no verifier can still treat the session as active, and it survives a crash.',
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
        'Users who change a factor can end their other sessions.',
        'A new password ends the others; confirming a factor does so with `endOthers`.',
      ),
      asvs(
        '7.4.4',
        2,
        'Every page that needs a sign-in shows how to sign out.',
        'Every screen of the console shows it. No other page needs a sign-in.',
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
        'Changes to an account require a fresh sign-in.',
        'Changing one’s own password, address and factors requires a sign-in within the last 15 minutes or a code.',
      ),
      asvs(
        '7.5.2',
        2,
        'Users see all of their sessions and can end any.',
        'Users list their own sessions, and end any of them after a sign-in within the last 15 minutes or with a code.',
      ),
      asvs(
        '7.5.3',
        3,
        'Ending others’ sessions requires a second factor.',
        'A person needs `sessions.end` and a code, and each code works once. Opening a session for somebody, and making a key or an account, require a code too.',
      ),
      asvs(
        '7.6.1',
        2,
        'Lifetimes between relying party and provider are as documented.',
        'A connected system cannot request a longer session, and its sessions end at Curfew’s limits.',
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
    text: 'Curfew issues one kind, the access token of the Directus dialect. It names a session, and is valid only while that session is.',
    asks: 'requirement',
    requirements: [
      asvs(
        '9.1.1',
        1,
        'The signature is checked before anything else.',
        'Nothing in an unsigned token is read or revealed.',
      ),
      asvs(
        '9.1.2',
        1,
        'Only allowed algorithms are accepted.',
        'Only HS256 is accepted; `none` and every other algorithm is refused.',
      ),
      asvs(
        '9.1.3',
        1,
        'Keys come only from trusted sources.',
        'The key comes from the configuration. `jku`, `x5u`, `jwk`, `x5c` and `kid` are ignored.',
      ),
      asvs('9.2.1', 1, 'A token is accepted only within its lifetime.', '`iat` and `exp` are required and checked.'),
      asvs('9.2.2', 2, 'A token has the type that its use requires.', 'The type is checked.'),
      asvs('9.2.3', 2, 'A token is accepted only for its audience.', 'Audience and issuer are checked.'),
      asvs('9.2.4', 2, 'Audiences have different keys.', 'Each use has its own key, derived from the servers’ key.'),
    ],
  },
  {
    title: 'NIST SP 800-63B-4',
    text: '`CURFEW_ASSURANCE` sets the [limits that NIST requires](configuration.md#assurance-levels).',
    asks: 'requirement',
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
        'After 100 wrong codes in a row, an account accepts no code for 30 days (`CURFEW_FACTOR_FAILURES`).',
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
        'An end is on disk before the call returns.',
      ),
      other(
        'CVE-2025-12390',
        'A session id was reused for another user.',
        'Ids are time-ordered, random and never reused.',
      ),
      other('CVE-2022-3916', 'A new session had the id of an earlier one.', 'An id belongs to one session for ever.'),
      other(
        'CVE-2026-8922',
        'One cut-off was ignored when another existed.',
        'A session has ended if any end of its user or of everyone came after it was opened; the first one is reported.',
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
        'An account that has a second factor gets no session without it.',
      ),
      other(
        'CVE-2025-29928',
        'A deletion missed the store that was configured.',
        'Every store passes one test suite, which covers deletion; stores that break a rule fail it.',
      ),
      other(
        'CVE-2026-27840',
        'A truncated token was accepted.',
        'A token has a fixed length, a checksum and a secret that is compared completely.',
      ),
      other('GHSA-wxg7-w2v3-w38g', 'An absent `exp` skipped the check.', 'A token without `exp` is refused.'),
      other('CVE-2023-20862', 'A log-out was not kept.', 'A log-out is on disk before the call returns.'),
      other('CVE-2025-48947', 'A cache kept a session cookie.', 'Every answer that sets a cookie has `no-store`.'),
      other('CVE-2025-64762', 'A cache kept a session cookie.', 'Every answer that sets a cookie has `no-store`.'),
      other(
        'CVE-2020-15223',
        'An error of the store was swallowed in a revocation.',
        'When the store fails, every end fails with an error.',
      ),
      other(
        'django-oauth-toolkit 1617',
        'The grace period accepted tokens from many generations ago.',
        'Only the previous token is accepted, and only for 30 seconds. Any other ends the session.',
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
        'Every write to a session requires that it has not ended.',
      ),
      other('better-auth 11073', 'A concurrent write revived an ended session.', 'The same.'),
      other('express-session 632', 'A request that was under way wrote a destroyed session again.', 'The same.'),
    ],
  },
  {
    title: 'Everything else',
    text: '',
    asks: 'requirement',
    requirements: [
      other(
        'No enumeration',
        'Texts, statuses and response times do not reveal which users exist.',
        'An unknown user, a wrong password and a disabled account get the same answer after the same work. The test times 60 attempts of each case on every run, or 1,000 with `CURFEW_TIMING_ROUNDS=1000`; the medians differ by less than 10 %. This holds until the attempts of an account are used up. After that, its name and its address are refused alike, and somebody in a network from which it has signed in before gets more attempts. So somebody who spends ten wrong passwords on a name can learn that the account exists. Otherwise strangers would get twice as many guesses, or could lock the owner out.',
      ),
      other(
        'Secrets',
        'No log, error, list or export contains a secret.',
        'Tokens and keys are stored as hashes, and only the answer that creates a token contains it.',
      ),
      other(
        'CSRF',
        'Other sites cannot change anything with a user’s cookie.',
        'Every write that a cookie authenticates must come from the server’s own pages, according to `Sec-Fetch-Site` or `Origin`.',
      ),
      other(
        'CSP',
        'Pages allow no inline scripts.',
        'The page that shows the API allows only its own scripts, and no `unsafe-*` anywhere.',
      ),
      other('CORS', 'Other sites’ scripts can read nothing.', 'No answer has a CORS header.'),
      other('Large bodies', 'No body exhausts memory.', 'A body over 64 KiB is refused.'),
      other(
        'Slow bodies',
        'No body occupies a connection for as long as its sender likes.',
        'A body that is not complete within 30 seconds ends the request, and its connection is closed.',
      ),
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
        'No name passes as another.',
        'Names are compared in one Unicode form. Look-alikes from other alphabets are different names, and never sign in as the one they resemble.',
      ),
      other('Shared limits', 'Limits on guessing apply to all servers together.', 'Attempts are counted in the store.'),
      other(
        'Factors at rest',
        'Authenticator secrets are encrypted in the store.',
        'AES-256-GCM, bound to the account, with the servers’ key. Only its owner can read the file.',
      ),
      other(
        'Install scripts',
        'Dependencies run no scripts when they are installed, if that can be avoided.',
        'The test names those that have one; the shipped packages work without these scripts.',
      ),
      other(
        'Fuzz',
        'No input breaks a decoder.',
        'Every decoder and every route is tested with random and damaged input.',
      ),
    ],
  },
];
