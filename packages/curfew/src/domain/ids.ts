import { hash } from 'node:crypto';
import { base62, decodeNumber, encodeNumber, randomDigits } from './base62.ts';
import type { SessionId } from './brand.ts';
import type { Random } from './ports.ts';

/*
 * An id is 22 digits of base 62: 8 of the time in milliseconds, 2 of the shard tag, 12 drawn at random (71 bits).
 * Ids of one user sort by time; the tag is made from the user, so that on a Redis Cluster everything of a user
 * lies in one slot, and it is there from the first day so that a move onto one changes no id.
 */
const timeDigits = 8;
const tagDigits = 2;
const randomPart = 12;

export const idLength = timeDigits + tagDigits + randomPart;
/** How many groups of slots there are: a tag names one of them. */
export const shardTags = 256;

/** The shard tag of a user (or of anything else that must lie together): two digits. */
export function shardTag(owner: string): string {
  return encodeNumber(Number.parseInt(hash('sha256', owner, 'hex').slice(0, 2), 16), tagDigits);
}

/** A new id for something of `owner`, made at `now` (milliseconds). Never repeated in practice, and never reused. */
export function newId(owner: string, now: number, random: Random): string {
  return encodeNumber(now, timeDigits) + shardTag(owner) + randomDigits(randomPart, random);
}

/** Whether text has the form of an id; nothing is looked up. */
export function isId(text: string): text is SessionId {
  return text.length === idLength && base62.test(text);
}

/** When an id was made, in milliseconds. */
export function timeOfId(id: string): number {
  return decodeNumber(id.slice(0, timeDigits));
}
