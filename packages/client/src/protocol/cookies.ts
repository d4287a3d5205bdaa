/**
 * The pairs of a `Cookie` header. Only spaces and tabs around them are taken off: `trim()` also removes U+00A0, which
 * Node.js makes of the byte 0xA0, and a cookie whose name begins with that byte is another one. A browser lets any
 * subdomain set it, while only the site itself can set `__Host-…`.
 */
export function cookiePairs(header: string): string[] {
  return header.split(';').map(withoutBlanks);
}

// A regular expression for the end would take quadratic time with many blanks in the middle.
function withoutBlanks(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && isBlank(text[from])) from += 1;
  while (to > from && isBlank(text[to - 1])) to -= 1;
  return text.slice(from, to);
}

const isBlank = (character: string | undefined): boolean => character === ' ' || character === '\t';
