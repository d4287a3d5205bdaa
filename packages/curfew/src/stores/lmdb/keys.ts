import { decodeNumber, encodeNumber } from '../../domain/base62.ts';
import type { AccessGroup, SessionId, SessionName, UserId } from '../../domain/brand.ts';
import type { Epochs, StoredSession } from '../../domain/session.ts';

/*
 * The keys of the indexes. A user's live sessions are under the epochs that they were created with, so that ending all
 * of them leaves them behind under a key that nobody reads any more, however many there are; and LMDB knows how many
 * values a key has without counting them.
 *
 * Callers wait for creations and ends, so these write as little as possible: a creation writes its row and its event;
 * an end also writes the keys of state and the log. The sweep does everything else, in the order of keys and many at a
 * time: it places a new session in the indexes, and moves an ended one from the tables of the living to those of the
 * past. Sessions that are not placed yet are kept in memory (fresh.ts).
 */
const separator = '\u001f'; // in no id, name or group: control characters are refused

export const userKey = (userId: UserId, epochs: Epochs): string =>
  `u${userId}${separator}${epochs.everyone}.${epochs.user}`;
/** A user's sessions whose end is recorded. */
export const endedOfUser = (userId: UserId): string => `u${userId}${separator}ended`;
/** The keys of one user are between these two, whatever their epochs. */
export const userRange = (userId: UserId): { start: string; end: string } => ({
  start: `u${userId}${separator}`,
  end: `u${userId}${separator}~`,
});
export const suspendedKey = 's';
export const suspendedOfUser = (userId: UserId, epochs: Epochs): string => `v${userKey(userId, epochs)}`;
export const groupKey = (group: AccessGroup): string => `g${group}`;
export const addressKey = (ip: string): string => `a${ip}`;
export const nameKey = (name: SessionName): string => `n${name}`;

/** The keys for a session's user and state; an end moves a session among these at once. */
export function stateKeys(session: StoredSession): string[] {
  const { userId, epochs } = session;
  if (session.end) return [endedOfUser(userId)];
  const key = userKey(userId, epochs);
  return session.suspended ? [key, suspendedKey, suspendedOfUser(userId, epochs)] : [key];
}

/** The keys for a session's properties. */
export function tagKeys(session: StoredSession): string[] {
  const keys = session.accessGroups.map(groupKey);
  if (session.ip !== undefined) keys.push(addressKey(session.ip));
  if (session.name !== undefined) keys.push(nameKey(session.name));
  return keys;
}

const timeDigits = 8;

/** A key of the indexes by time; within one moment in the order of ids. */
export const timeKey = (time: number, id: SessionId): string => encodeNumber(time, timeDigits) + id;
export const timeOfTimeKey = (key: string): number => decodeNumber(key.slice(0, timeDigits));
export const idOfTimeKey = (key: string): SessionId => key.slice(timeDigits) as SessionId;
/** A key after all of a moment and before all of the next. */
export const endOfTime = (time: number): string => `${encodeNumber(time, timeDigits)}~`;
