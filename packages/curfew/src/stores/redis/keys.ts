import { encodeNumber } from '../../domain/base62.ts';
import type { AccessGroup, SessionId, SessionName, UserId } from '../../domain/brand.ts';
import { shardTag, shardTags } from '../../domain/ids.ts';

/*
 * The names of the keys, behind the prefix of their store, which is `curfew:` unless its URL names another; the connection
 * puts that before them. What belongs to one user stands under the user's shard tag as the hash tag, `curfew:{0A}:`, so
 * that on a Cluster it lies in one slot; what belongs to nobody stands under `curfew:` (on a Cluster it will stand under
 * the tag as well, once for each group of slots). Scripts are given both beginnings and put the rest behind them.
 *
 * Of a user, behind `curfew:{tag}:`
 *   s:<id>              row of a session, live or ended
 *   u:<e>.<n>:<user>    sorted set: live sessions under the epochs that they were stamped with (everyone's, the user's)
 *   v:<e>.<n>:<user>    sorted set: those of them that are suspended
 *   x:<user>            sorted set: sessions whose end is written down
 *   m                   the mark: everyone's epoch, a dot, and how many epochs of users have moved under this tag
 *   e:<user>            hash: the user's epoch `n`, its steps by number, and `left`, see the sweep
 *   a:<user>            row of an account
 *
 * Of nobody, behind `curfew:`
 *   active              how many sessions are active, whatever their deadlines
 *   state               hash: everyone's epoch, how far the sweep has followed, the latest time, the format
 *   everyone            hash: the steps of everyone's epoch by number
 *   log, events         streams, each of entries `0-<number>` that it numbers itself
 *   synced              a number that is raised before Redis is asked whether all up to it is on disk
 *   live, past          sorted sets: ids of sessions, in the order of time; suspended: ids of those
 *   l:<tag>, p:<tag>    sorted sets: ids of live and of ended sessions by group, address and name
 *   deadlines, graves   sorted sets by time: when to look at a live session again; when an end was written down
 *   left, epochs        sorted sets: what the sweep still has to follow of epochs
 *   slot:<name>, slots; login:<name>, usernames; key:<id>, keys; b:<bucket>, attempts; nodes
 *
 * Sorted sets of ids have equal scores, so they are read by name, which is by time.
 */
/** The beginning of a user's keys. */
export const homeOf = (userId: UserId): string => `{${shardTag(userId)}}:`;
/** The same, from a session's id, which carries the tag. */
export const homeOfSession = (id: SessionId): string => `{${id.slice(8, 10)}}:`;

export const groupTag = (group: AccessGroup): string => `g:${group}`;
export const addressTag = (ip: string): string => `a:${ip}`;
export const nameTag = (name: SessionName): string => `n:${name}`;

/** Every shard tag that there can be. */
export function allTags(): string[] {
  return Array.from({ length: shardTags }, (_, i) => encodeNumber(i, 2));
}
