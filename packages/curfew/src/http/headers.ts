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

/**
 * A value as part of a header. What cannot stand there, or would be taken for something else, becomes `%` and the hex
 * digits of its bytes in UTF-8, as in a URL: anything but visible ASCII, `%`, and the comma, which separates values.
 * `decodeURIComponent` gives the value back.
 */
export function headerText(value: string): string {
  return plain.test(value) ? value : value.toWellFormed().replace(notPlain, encodeURIComponent).replaceAll(',', '%2C');
}

const plain = /^[!-$&-+\--~]*$/;
const notPlain = /[^!-$&-~]+/g;

/** Whether a request announces a body. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}
