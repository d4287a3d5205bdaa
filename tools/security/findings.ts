/*
 * What an attacker, an operator or a proxy did to an earlier version of Curfew. Each is here with the words in which it is
 * told; the tests that keep it from coming back have its number in their titles.
 *
 * To add one: a line here, its number in front of the title of a test, and `npm run generate`.
 */

export type Finding = { id: string; title: string };

const found = (group: number, titles: readonly string[]): Finding[] =>
  titles.map((title, i) => ({ id: `N${group}.${i + 1}`, title }));

export const findings: Readonly<Record<string, readonly Finding[]>> = {
  'Who may do what': found(1, [
    'A session that somebody opened for an account carried what the account may do, so a key that may open sessions was root.',
    'A person or key wrote to an account that may do more.',
    'A key revoked a key that may do more.',
    'The last administrator could be demoted, disabled, renamed or deleted.',
    'Nobody could let a locked-out administrator in again.',
    'A call had no rule about who may make it.',
  ]),
  'What is revoked is revoked everywhere': found(2, [
    'A verifier whose key was revoked went on hearing of sessions.',
    'A revoked key was good for a moment yet, by what another server remembered.',
    'A stream of events went on when its session had ended or its account was disabled.',
    'To attach a verifier took no more than to verify.',
    'A key for browsers, which everybody can read there, could do more than sign in.',
    'What a stream said of the use of sessions counted for sessions that it had never verified.',
    'An application could take the place of another’s verifier.',
    'A request whose body was held back was served for half a minute after its key was revoked or its session had ended.',
  ]),
  'Nobody’s load is another’s outage': found(3, [
    'Three hundred sign-ins at once made a log-out wait for half a minute.',
    'A filtered read of the audit trail looked through all of it at once, and a stream that found nothing began anew each time.',
    'Streams that had said nothing took the places of verifiers.',
    'A body that trickled in was waited for without end.',
    'A free text was looked for without end.',
    'A list of sessions for Altogic had no end.',
    'A sweep, or a list, of very many sessions that had ended kept the event loop to itself.',
    'One key, or one address, held as many streams of events open as it liked.',
  ]),
  'Limits of guessing': found(4, [
    'Ten wrong passwords by a stranger locked the owner out.',
    'The name and the address of an account were guessed at separately.',
    'Each address of one IPv6 network had tries of its own.',
    'Right sign-ins in parallel counted as failures.',
    'Second factors could be guessed for weeks.',
    'A flood of attempts, or a restart, pushed others’ counts out.',
    'Each node of a fleet counted for itself alone.',
  ]),
  Accounts: found(5, [
    'Whoever found a browser open changed the password without knowing it.',
    'Members found out whose address exists.',
    'The most common passwords were taken.',
    'A new address was believed before anybody had confirmed it.',
    'A second factor that was shown once counted for every kind of call, from any network.',
  ]),
  'Dialects, cookies and headers': found(6, [
    'With `Authorization: Basic` of a proxy, other sites’ requests passed for one’s own.',
    'An old cookie of the same name kept the right one from being read.',
    'A proxy that rewrites `Host` made every request look like one from another site.',
    'A cookie was not `Secure` behind a proxy with TLS.',
    'A Directus refresh token of a wrong type was a 400 where Directus says 401 or 204.',
    'A browser could guess another type than an answer says.',
    'A deeply nested body was a 500.',
    'A path out of the folder of the documentation was a 500.',
    'A request with two `Host` headers was answered.',
    'The path of an unknown call was logged whole, with what could be a token.',
    'The name of a failed sign-in was kept as it was typed, and people type their password there.',
    'Control and direction characters reached a terminal.',
    'One name could be taken twice in two Unicode forms.',
    'A log-out with a cookie of an ended session failed and left the cookie.',
    'An empty body with a content type was refused.',
    '`users.logout` and `users.logoutOtherClients` of Rocket.Chat were not spoken.',
    'A list that was paged while its sessions were ended left half of them out.',
    'Addresses were sorted as texts.',
    'The name of a key or of an account could turn its writing round, and pass for another.',
  ]),
  'Clients and nodes': found(7, [
    'A client followed a redirect with the password, or made a GET of a log-out.',
    'A refresh that was asked again after a lost answer ended the session.',
    'An id of `..` called another operation.',
    'What the documentation shows of `pages` did not compile.',
    '`curfew sessions list | head` failed.',
    '`express-session` before the middleware made every request hang.',
    'The client could not be bundled for browsers, nor loaded from CommonJS.',
    'Ten messages at once signed in ten times with one code.',
    'A kept secret was sent to whatever URL was set later.',
  ]),
  'Where it is run': found(8, [
    'The variables that Kubernetes sets kept the server from starting.',
    'An empty variable was an error, and an empty host listened everywhere.',
    '`CURFEW_TRUST_PROXY` took nothing but addresses, and ignored the rest.',
    'An address in brackets was refused.',
    'One address in two forms was counted, stored and found as two.',
    'A log file that could not be written was found out at the first line.',
    'The log went on into a file that had been renamed.',
    'Secrets could not come from files.',
    'SIGTERM to `npm start` left the server running.',
    'A connection that had sent nothing held a shutdown.',
    'Events were held back by nginx.',
    'Nobody was told that all clients seemed to come from one proxy.',
    'A user whose id a proxy decodes could not be ended.',
    'The documentation did not work under a path of its own.',
    'PgBouncer did not work as documented.',
    'Redis could not be reached by TLS with a private certificate authority, by a socket, or with a prefix.',
    'A parameter of a store’s URL that nobody knows was ignored.',
    'PostgreSQL on several hosts was reached on the first alone.',
    'A PostgreSQL database with an encoding other than UTF-8 failed at the first name that it could not hold.',
    '`sslmode` did not mean what it means to libpq.',
    'Nobody was told whose lock on a table of PostgreSQL held everything up.',
    'The primary of Redis was not looked for with Sentinel.',
  ]),
  'Starting and stopping': found(9, [
    'A first start that failed left an account whose password nobody was told.',
    'A body that arrived after SIGTERM crashed the server, and an upgrade kept it alive.',
    'A session was counted twice while it was being placed.',
  ]),
  'Faults of operation': found(10, [
    'An export of a store that changed meanwhile showed no moment at all.',
    'A format was changed without its number.',
    'A copy of an embedded store that was made while it was written to ended the process that opened it.',
    'A damaged file of the embedded store was an internal error.',
    'On a full disk nobody could be signed out.',
    'Another secret key, or none, was taken beside data that it cannot open.',
    'A count cost as much as there were sessions that had ended and were not written down yet.',
    'Nobody was told that a store refused writes because its disk was full.',
    'The secret key of a store was replaced under the servers that used it.',
    'The data of an embedded store could be read by everybody, where its folder could.',
    'To look at an older store on Redis, or to export it, made it one of the newest format.',
  ]),
};

export const allFindings: readonly Finding[] = Object.values(findings).flat();
