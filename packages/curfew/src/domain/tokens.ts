import { hash, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { base62, decodeNumber, encodeNumber, randomDigits } from './base62.ts';
import { idLength } from './ids.ts';
import type { Random } from './ports.ts';

/*
 * A token consists of a prefix, the id of what it gives access to, a 256-bit secret and a checksum, in base 62:
 *
 *     cfs_ 0Ua3… (22)  x9Kf… (43)  4Qz81B (6)
 *
 * The prefix lets secret scanners find leaked tokens. The checksum lets a mistyped token be refused without reading the
 * store; it protects nothing else, so CRC-32 is enough. The store keeps only the SHA-256 of the secret: a fast hash is
 * enough, because a random 256-bit secret cannot be guessed.
 */
const secretDigits = 43;
const checksumDigits = 6;
const prefixLength = 4;
const secretAt = prefixLength + idLength;
const checksumAt = secretAt + secretDigits;
const tokenLength = checksumAt + checksumDigits;

export const prefixes = { session: 'cfs_', refresh: 'cfr_', key: 'cfk_' } as const;
export type TokenKind = keyof typeof prefixes;

export type ParsedToken = { id: string; secret: string };

/** A fresh secret: 43 digits, 256 bits. */
export function newSecret(random: Random): string {
  return randomDigits(secretDigits, random);
}

/** Makes a token from an id and a secret. */
export function formatToken(kind: TokenKind, id: string, secret: string): string {
  const body = prefixes[kind] + id + secret;
  return body + encodeNumber(crc32(body), checksumDigits);
}

/** Takes a token apart; `undefined` if its kind, length, digits or checksum is wrong. */
export function parseToken(kind: TokenKind, token: string): ParsedToken | undefined {
  if (token.length !== tokenLength || !token.startsWith(prefixes[kind])) return undefined;
  if (decodeNumber(token.slice(checksumAt)) !== crc32(token.slice(0, checksumAt))) return undefined;
  return { id: token.slice(prefixLength, secretAt), secret: token.slice(secretAt, checksumAt) };
}

/** The kind of token that a text claims to be by its prefix. */
export function kindOfToken(text: string): TokenKind | undefined {
  const start = text.slice(0, prefixLength);
  return (Object.keys(prefixes) as TokenKind[]).find((kind) => prefixes[kind] === start);
}

/** What a store keeps of a secret: 32 bytes. */
export function hashSecret(secret: string): Uint8Array {
  // As text first: a buffer made by the OpenSSL binding costs three times the hash itself; this one comes from a pool.
  return Buffer.from(hash('sha256', secret, 'binary'), 'latin1');
}

/** Whether a secret matches a stored hash, in time that does not depend on where they differ. */
export function secretMatches(secret: string, kept: Uint8Array): boolean {
  return timingSafeEqual(hashSecret(secret), kept);
}

/** Whether a text has the form of a secret; used by tests. */
export function isSecret(text: string): boolean {
  return text.length === secretDigits && base62.test(text);
}
