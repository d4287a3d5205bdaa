/*
 * A token consists of a prefix, the id of what it gives access to, a 256-bit secret and a checksum, in base 62:
 *
 *     cfs_ 0Ua3… (22)  x9Kf… (43)  4Qz81B (6)
 *
 * The server makes tokens and takes them apart. A verifier needs only their length, their prefix and the id.
 */
export const prefixes = { session: 'cfs_', refresh: 'cfr_', key: 'cfk_' } as const;
export type TokenKind = keyof typeof prefixes;

export const prefixLength = 4;
export const idLength = 22;
export const secretDigits = 43;
export const checksumDigits = 6;

export const secretAt: number = prefixLength + idLength;
export const checksumAt: number = secretAt + secretDigits;
export const tokenLength: number = checksumAt + checksumDigits;

/** Whether a text has the prefix and the length of a kind of token; its digits and its checksum may still be wrong. */
export function looksLike(kind: TokenKind, text: string): boolean {
  return text.length === tokenLength && text.startsWith(prefixes[kind]);
}

/** The id that a token claims, such as the session's. */
export function idOf(token: string): string {
  return token.slice(prefixLength, secretAt);
}
