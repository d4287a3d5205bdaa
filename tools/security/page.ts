import { allFindings, findings } from './findings.ts';
import { type Requirement, sections } from './requirements.ts';
import { type Shown, titlesIn } from './titles.ts';

/**
 * docs/security.md: each requirement with the tests that show it, as their titles say.
 * @throws a plain `Error` when a requirement has no test, or a title names one that nobody knows
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
      `| | ${asks} | what Curfew does | shown by |\n|---|---|---|---|`,
      ...requirements.map(row),
    ].join('\n'),
  );
  const again = Object.entries(findings).map(([title, of]) =>
    [
      `### ${title}\n`,
      '| | what went wrong | shown by |\n|---|---|---|',
      ...of.map(({ id, title }) => `| ${id} | ${title} | ${shownBy(id)} |`),
    ].join('\n'),
  );
  return `${note}
${byHand}
${tables.join('\n\n')}

## Never again

Faults of earlier versions, found by attacking Curfew, by running it as a fleet and by putting it behind what people run.

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

This page says what Curfew must withstand, what it does about it, and which test shows it. The tables are made from the
titles of the tests: a requirement without a test does not get in, and a test that is renamed or removed changes the page.

## Stepping up keeps the token

Signing in always gives a new token and ends the session that the client had (ASVS 7.2.4). A code that confirms a single
request, in the header \`x-2fa-code\`, does not change the token. There are three reasons:

- The session is the same before and after: the same person, the same permissions. The code opens one request, and for five
  minutes others of [the kind that takes a code](sessions.md#the-second-factor). Nothing that was planted before becomes
  worth more for longer than that.
- Fixation needs a token that somebody else knows from before the sign-in. No such token survives a sign-in.
- A new token in the middle of a request would sign a client out whose answer was lost, and every other request that it
  has under way.

What remains: whoever has stolen a session token can use it in the five minutes after its owner has shown a code, for as much
as [a code is remembered for](sessions.md#the-second-factor). \`POST /v1/logout\`, or a refresh, ends that at once.

## What Curfew does not withstand

- **A stolen token.** A session token is a bearer token: whoever has it is the user, until the session ends or is refreshed.
  A stolen *refresh* token is found out when the second of the two uses it, and the session ends then.
- **A request that is under way.** Whoever asks is let in when the head of a request has come, and again when its body has, if
  that took longer than a tenth of a second. What was let in less than that before an end is still done.
- **Whoever holds the machine.** Root on a server's machine, the store together with the servers' key, or an
  administrator's API key can do everything. Whoever can write to the store can open sessions.
- **A network without TLS.** Curfew speaks plain HTTP. A proxy with TLS has to stand before it.
- **An application that lies to itself.** An application that remembers on its own that somebody was signed in, past what
  the verifier says, lets ended sessions in.
- **Phishing.** A code from an authenticator app can be entered on the wrong page. There are no passkeys yet, so Curfew by
  itself reaches neither the phishing resistance that NIST wants offered at AAL2 nor the one that it requires at AAL3.
- **Losses of the store.** A store that forgets what it has confirmed, by a failover to a lagging replica or by a backup
  that is put back, forgets ends as well; see [stores](stores.md), [PostgreSQL](postgres.md) and [Redis](redis.md), and
  \`CURFEW_END_ALL_AFTER_FAILOVER\`.
- **Wrong time everywhere.** If the store's clock and the servers' clocks are wrong together, limits are off by as much.
- **A flood.** Limits of guessing are no protection against sheer volume. That is the work of what stands before Curfew.
`;
