import { allFindings, findings } from './findings.ts';
import { type Requirement, sections } from './requirements.ts';
import { type Shown, titlesIn } from './titles.ts';

/**
 * docs/security.md: each requirement with the tests that prove it, according to their titles.
 * @throws a plain `Error` when a requirement has no test, or a title names an unknown one
 */
export function securityPage(note: string): string {
  const requirements = sections.flatMap((section) => section.requirements);
  const known = new Set([...requirements, ...allFindings].map(({ id }) => id));
  const byId = showing(titlesIn(known));
  const without = [...known].filter((id) => !byId.has(id));
  if (without.length > 0) throw new Error(`no test has in its title: ${without.join(', ')}`);
  const shownBy = (id: string) => byId.get(id)!.map(linkTo).join('<br>');
  const row = ({ id, level, asks, does }: Requirement) =>
    `| ${id}${level ? ` [${level}]` : ''} | ${asks} | ${does} | ${shownBy(id)} |`;
  const tables = sections.map(({ title, text, asks, requirements }) =>
    [
      `## ${title}\n`,
      ...(text ? [`${text}\n`] : []),
      `| | ${asks} | what Curfew does | proven by |\n|---|---|---|---|`,
      ...requirements.map(row),
    ].join('\n'),
  );
  const again = Object.entries(findings).map(([title, of]) =>
    [
      `### ${title}\n`,
      '| | what went wrong | proven by |\n|---|---|---|',
      ...of.map(({ id, title }) => `| ${id} | ${title} | ${shownBy(id)} |`),
    ].join('\n'),
  );
  return `${note}
${byHand}
${tables.join('\n\n')}

## Never again

Faults of earlier versions, found by attacking Curfew, by running it as a fleet and by deploying it behind common proxies.

${again.join('\n\n')}
`;
}

function showing(all: readonly Shown[]): Map<string, Shown[]> {
  const byId = new Map<string, Shown[]>();
  for (const shown of all) for (const id of shown.ids) byId.set(id, [...(byId.get(id) ?? []), shown]);
  return byId;
}

function linkTo({ title, file }: Shown): string {
  return `[${title.replaceAll('|', '\\|').replace(/[[\]]/g, '\\$&')}](../${file})`;
}

const byHand = `# Security

This page lists what Curfew must withstand, how it does so, and which test proves it. The tables are generated from the
titles of the tests: a requirement without a test is not listed, and renaming or removing a test changes the page.

## Stepping up keeps the token

Signing in always gives a new token and ends the session that the client had (ASVS 7.2.4). A code that confirms a single
request, in the header \`x-2fa-code\`, does not change the token. There are three reasons:

- The session is the same before and after: the same person, the same permissions. The code permits one request, and for
  five minutes others of [the same kind](sessions.md#the-second-factor). A token that was planted before gains no more than
  that.
- Session fixation needs a token that somebody else knows from before the sign-in. No such token survives a sign-in.
- A new token in the middle of a request would sign out a client that lost the answer, and break every other request that it
  has under way.

What remains: for five minutes after its owner has presented a code, somebody who has stolen the session token can do
everything that [the code is remembered for](sessions.md#the-second-factor). \`POST /v1/logout\`, or a refresh, ends that at
once.

## What Curfew does not withstand

- **A stolen token.** A session token is a bearer token: anyone who has it acts as the user, until the session ends or is
  refreshed. A stolen *refresh* token is detected when the second of the two holders uses it; then the session ends.
- **A request that is under way.** A caller is checked when the head of a request has arrived, and again when its body has,
  if that took longer than a tenth of a second. A request that was admitted within that time before an end is still served.
- **Control of the machine.** Root on a server's machine, the store together with the servers' key, or an administrator's API
  key can do everything. Anyone who can write to the store can open sessions.
- **A command of root in the folder of somebody else.** It follows no link that it finds there. But LMDB opens the files of
  an embedded store by their names, and the owner of the folder can put a link in their place just before that. Run commands
  [as the user of the service](operation.md#upgrades), not as root.
- **A network without TLS.** Curfew speaks plain HTTP. It needs a proxy with TLS in front of it.
- **An application that ignores the verifier.** If an application itself remembers that somebody was signed in, whatever the
  verifier answers, it lets ended sessions in.
- **Phishing.** A code from an authenticator app can be entered on the wrong page. There are no passkeys yet, so Curfew alone
  reaches neither the phishing resistance that NIST wants to be offered at AAL2 nor the one that it requires at AAL3.
- **Data loss in the store.** A store that loses what it has confirmed, through a failover to a lagging replica or a restored
  backup, loses ends as well; see [stores](stores.md), [PostgreSQL](postgres.md) and [Redis](redis.md), and
  \`CURFEW_END_ALL_AFTER_FAILOVER\`.
- **Wrong time everywhere.** If the store's clock and the servers' clocks are wrong together, limits are wrong by the same amount.
- **A flood.** Limits on guessing do not protect against sheer volume. That is the task of whatever is in front of Curfew.
`;
