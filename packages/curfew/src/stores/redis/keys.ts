import { type Alias, nameOfAlias } from '../../domain/alias.ts';
import { encodeNumber } from '../../domain/base62.ts';
import type { AccessGroup, SessionId, SessionName, UserId } from '../../domain/brand.ts';
import { shardTag, shardTags } from '../../domain/ids.ts';
import type { StoredSession } from '../../domain/session.ts';

/*
 * The names of the keys, after the prefix of their store, which is `curfew:` unless its URL names another; the
 * connection adds it. Keys of one user have the user's shard tag as the hash tag, `curfew:{0A}:`, so that on a Cluster
 * they are in one slot; all others have only `curfew:` (on a Cluster they will have the tag as well, once for each
 * group of slots). Scripts get both beginnings and append the rest.
 *
 * Of a user, after `curfew:{tag}:`
 *   s:<id>              row of a session, live or ended
 *   u:<e>.<n>:<user>    sorted set: live sessions under the epochs of their creation (everyone's, the user's)
 *   v:<e>.<n>:<user>    sorted set: those of them that are suspended
 *   x:<user>            sorted set: sessions whose end is recorded
 *   m                   the mark: everyone's epoch, a dot, and how many epochs of users have moved under this tag
 *   e:<user>            hash: the user's epoch `n`, its steps by number, and `left`, see the sweep
 *   a:<user>            row of an account
 *
 * Of no user, after `curfew:`
 *   active              how many sessions are active, whatever their deadlines
 *   state               hash: everyone's epoch, how far the sweep has followed, the latest time, the format
 *   everyone            hash: the steps of everyone's epoch by number
 *   log, events         streams, each with entries `0-<number>` in its own numbering
 *   times               sorted set by block: the earliest and the latest time of each complete block of events
 *   synced              a number that is incremented before Redis is asked whether everything up to it is on disk
 *   fresh               sorted set: ids of sessions that are in no list yet, because the sweep has not followed their events
 *   live, past          sorted sets: ids of sessions, in the order of time; suspended: ids of those
 *   l:<tag>, p:<tag>    sorted sets: ids of live and of ended sessions by group, address and name
 *   deadlines, graves   sorted sets by time: when to check a live session again; when an end was recorded
 *   left, epochs        sorted sets: what the sweep still has to follow of epochs
 *   alias:<kind>:<hash> id of the session that has an alias, live or ended
 *   slot:<name>, slots; login:<name>, usernames; key:<id>, keys; b:<bucket>, attempts; nodes
 *
 * Sorted sets of ids have equal scores, so they are read by name, which is by time.
 */
/** The beginning of a user's keys. */
export const homeOf = (userId: UserId): string => `{${shardTag(userId)}}:`;
/** The same, from a session's id, which carries the tag. */
export const homeOfSession = (id: SessionId): string => `{${id.slice(8, 10)}}:`;

export const aliasKey = (alias: Alias): string => `alias:${nameOfAlias(alias)}`;

export const groupTag = (group: AccessGroup): string => `g:${group}`;
export const addressTag = (ip: string): string => `a:${ip}`;
export const nameTag = (name: SessionName): string => `n:${name}`;

/** What a session is found by in lists of all sessions, besides its id. */
export function tagsOf({ accessGroups, ip, name }: StoredSession): string[] {
  const tags = accessGroups.map(groupTag);
  if (ip !== undefined) tags.push(addressTag(ip));
  if (name !== undefined) tags.push(nameTag(name));
  return tags;
}

/** Every possible shard tag. */
export function allTags(): string[] {
  return Array.from({ length: shardTags }, (_, i) => encodeNumber(i, 2));
}
