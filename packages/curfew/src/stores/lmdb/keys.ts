import { encodeNumber } from '../../domain/base62.ts';
import type { AccessGroup, SessionId, SessionName, UserId } from '../../domain/brand.ts';
import type { Epochs, StoredSession } from '../../domain/session.ts';

/*
 * The keys of the indexes. A user's live sessions stand under the epochs that they were stamped with, so that an end
 * of all leaves them behind under a key that nobody asks for any more, whatever their number; and LMDB tells how many
 * values a key has without counting them.
 *
 * An end writes as little as it can, because it is waited for: the row, the log, the event, and the keys of state. The
 * sweep moves the rest (row, tags, deadline) from the tables of the living to those of the past soon after.
 */
const separator = '\u001f'; // in no id, name or group: control characters are refused

export const userKey = (userId: UserId, epochs: Epochs): string =>
  `u${userId}${separator}${epochs.everyone}.${epochs.user}`;
/** A user's sessions whose end is written down. */
export const endedOfUser = (userId: UserId): string => `u${userId}${separator}ended`;
/** The keys of one user lie between these two, whatever their epochs. */
export const userRange = (userId: UserId): { start: string; end: string } => ({
  start: `u${userId}${separator}`,
  end: `u${userId}${separator}~`,
});
export const suspendedKey = 's';
export const suspendedOfUser = (userId: UserId, epochs: Epochs): string => `v${userKey(userId, epochs)}`;
export const groupKey = (group: AccessGroup): string => `g${group}`;
export const addressKey = (ip: string): string => `a${ip}`;
export const nameKey = (name: SessionName): string => `n${name}`;

/** The keys that say whose a session is and in what state: an end moves a session among these at once. */
export function stateKeys(session: StoredSession): string[] {
  const { userId, epochs } = session;
  if (session.end) return [endedOfUser(userId)];
  const key = userKey(userId, epochs);
  return session.suspended ? [key, suspendedKey, suspendedOfUser(userId, epochs)] : [key];
}

/** The keys that say what a session has: they follow an end when the sweep comes by. */
export function tagKeys(session: StoredSession): string[] {
  const keys = session.accessGroups.map(groupKey);
  if (session.name !== undefined) keys.push(nameKey(session.name));
  return keys;
}

/**
 * The key that says where a session came from. Addresses lie anywhere in the index, so each costs a page of its own
 * to write: nobody waits for that at a creation, and the sweep writes them soon after, in their order.
 */
export function addressKeys(session: StoredSession): string[] {
  return session.ip === undefined ? [] : [addressKey(session.ip)];
}

const timeDigits = 8;

/** A key of the indexes by time: of one moment, in the order of ids. */
export const timeKey = (time: number, id: SessionId): string => encodeNumber(time, timeDigits) + id;
export const idOfTimeKey = (key: string): SessionId => key.slice(timeDigits) as SessionId;
/** A key behind all of a moment and before all of the next. */
export const endOfTime = (time: number): string => `${encodeNumber(time, timeDigits)}~`;
