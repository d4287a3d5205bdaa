import { hash } from 'node:crypto';
import { idLength } from 'curfew-client/protocol';
import { base62, decodeNumber, encodeNumber, randomDigits } from './base62.ts';
import type { SessionId } from './brand.ts';
import type { Random } from './ports.ts';

/*
 * An id is 22 digits of base 62: 8 for the time in milliseconds, 2 for the shard tag, 12 random ones (71 bits). Ids of
 * one user sort by time. The tag is derived from the user, so that everything of a user could be kept in one slot of a
 * Redis Cluster; ids have it from the start, so that moving to a cluster would not change them.
 */
const timeDigits = 8;
const tagDigits = 2;
const randomPart = idLength - timeDigits - tagDigits;

/** How many different tags there are. */
export const shardTags = 256;

/** The shard tag of a user (or of anything else that must be kept together): two digits. */
export function shardTag(owner: string): string {
  return encodeNumber(Number.parseInt(hash('sha256', owner, 'hex').slice(0, 2), 16), tagDigits);
}

/** A new id for something of `owner`, made at `now` (milliseconds). Ids are practically unique and never reused. */
export function newId(owner: string, now: number, random: Random): string {
  return encodeNumber(now, timeDigits) + shardTag(owner) + randomDigits(randomPart, random);
}

/** Whether a text has the form of an id; nothing is looked up. */
export function isId(text: string): text is SessionId {
  return text.length === idLength && base62.test(text);
}

/** When an id was made, in milliseconds. */
export function timeOfId(id: string): number {
  return decodeNumber(id.slice(0, timeDigits));
}

/** The next id in order: a list of ids below it begins with `id`, if that is in the list. */
export function idAbove(id: SessionId): SessionId {
  const digits = [...id];
  for (let i = digits.length - 1; i >= 0; i--) {
    const value = decodeNumber(digits[i]!) + 1;
    digits[i] = encodeNumber(value % 62, 1);
    if (value < 62) break;
  }
  return digits.join('') as SessionId;
}

/** Digits at the end of an id that are summed: as many as a number holds exactly. */
const summed = 8;

/** Adds an id to a sum of the random digits of ids, which does not depend on their order. */
export function sumOfIds(sum: number, id: SessionId): number {
  return randomSum(sum, decodeNumber(id.slice(-summed)));
}

export function randomSum(one: number, other: number): number {
  return (one + other) % 62 ** summed;
}
