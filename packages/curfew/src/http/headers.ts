import type { IncomingMessage } from 'node:http';

/** Headers of every answer: browsers must not mistake data for a page. */
export const everyAnswer = { 'x-content-type-options': 'nosniff' } as const;

/** How many Host headers a request has. Of several, a proxy may have used one and we another (RFC 9112 §3.2). */
export function hostsIn({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}
