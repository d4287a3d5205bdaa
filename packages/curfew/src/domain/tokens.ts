import { hash, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  checksumAt,
  checksumDigits,
  idOf,
  looksLike,
  prefixes,
  prefixLength,
  secretAt,
  secretDigits,
  type TokenKind,
} from 'curfew-client/protocol';
import { base62, decodeNumber, encodeNumber, randomDigits } from './base62.ts';
import type { Random } from './ports.ts';

/*
 * The form of a token is in `curfew-client/protocol`. The prefix lets secret scanners find leaked tokens. The checksum
 * lets a mistyped token be refused without reading the store; it protects nothing else, so CRC-32 is enough. The store
 * keeps only the SHA-256 of the secret: a fast hash is enough, because a random 256-bit secret cannot be guessed.
 */
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
  if (!looksLike(kind, token)) return undefined;
  if (decodeNumber(token.slice(checksumAt)) !== crc32(token.slice(0, checksumAt))) return undefined;
  return { id: idOf(token), secret: token.slice(secretAt, checksumAt) };
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
