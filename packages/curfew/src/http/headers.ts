import type { IncomingMessage } from 'node:http';

/** What every answer says, whoever makes it: what is declared as data is never guessed to be a page. */
export const everyAnswer = { 'x-content-type-options': 'nosniff' } as const;

/** How often a request names its host. Of several, a proxy may have gone by one and we by another (RFC 9112 §3.2). */
export function hostsIn({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}
