import { encodeNumber } from '../../domain/base62.ts';
import type { AccessGroup, SessionId, SessionName, UserId } from '../../domain/brand.ts';
import type { Epochs, StoredSession } from '../../domain/session.ts';

/*
 * The keys of the indexes. A user's live sessions stand under the epochs that they were stamped with, so that an end
 * of all leaves them behind under a key that nobody asks for any more, whatever their number; and LMDB tells how many
 * values a key has without counting them.
 */
const separator = '\u001f'; // in no id, name or group: control characters are refused

export const userKey = (userId: UserId, epochs: Epochs): string =>
  `u${userId}${separator}${epochs.everyone}.${epochs.user}`;
/** The keys of one user lie between these two, whatever their epochs. */
export const userRange = (userId: UserId): { start: string; end: string } => ({
  start: `u${userId}${separator}`,
  end: `u${userId}${separator}~`,
});
export const suspendedKey = 's';
export const suspendedOfUser = (userId: UserId, epochs: Epochs): string => `v${userKey(userId, epochs)}`;
export const pastUserKey = (userId: UserId): string => `u${userId}`;
export const groupKey = (group: AccessGroup): string => `g${group}`;
export const addressKey = (ip: string): string => `a${ip}`;
export const nameKey = (name: SessionName): string => `n${name}`;

/** Every key under which a live session stands. */
export function liveKeys(session: StoredSession): string[] {
  const keys = [userKey(session.userId, session.epochs), ...session.accessGroups.map(groupKey)];
  if (session.ip !== undefined) keys.push(addressKey(session.ip));
  if (session.name !== undefined) keys.push(nameKey(session.name));
  if (session.suspended) keys.push(suspendedKey, suspendedOfUser(session.userId, session.epochs));
  return keys;
}

/** Every key under which an ended session stands. */
export function pastKeys(session: StoredSession): string[] {
  const keys = [pastUserKey(session.userId), ...session.accessGroups.map(groupKey)];
  if (session.ip !== undefined) keys.push(addressKey(session.ip));
  if (session.name !== undefined) keys.push(nameKey(session.name));
  return keys;
}

const timeDigits = 8;

/** A key of the indexes by time: of one moment, in the order of ids. */
export const timeKey = (time: number, id: SessionId): string => encodeNumber(time, timeDigits) + id;
export const idOfTimeKey = (key: string): SessionId => key.slice(timeDigits) as SessionId;
/** A key behind all of a moment and before all of the next. */
export const endOfTime = (time: number): string => `${encodeNumber(time, timeDigits)}~`;
