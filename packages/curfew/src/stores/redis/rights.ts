import { CurfewError } from '../../errors.ts';
import type { Link } from './link.ts';
import { lackedRights } from './scripts/streams.ts';

/**
 * Every command that Curfew sends to a store or calls in a script, except those with which it connects. `CONFIG GET` is
 * not among them: a server that forbids it is used, with a warning.
 */
export const commands = [
  ...['DEL', 'EVAL', 'EVALSHA', 'EXISTS', 'GET', 'GETEX', 'HDEL', 'HEXISTS', 'HGET', 'HGETALL'],
  ...['HINCRBY', 'HKEYS', 'HLEN', 'HMGET', 'HSET', 'INCR', 'INCRBY', 'INFO', 'MGET', 'MSET', 'SCAN', 'SET'],
  ...['TIME', 'UNLINK', 'WAITAOF', 'XADD', 'XDEL', 'XINFO', 'XLEN', 'XRANGE', 'XREAD', 'XREVRANGE', 'XTRIM', 'ZADD'],
  ...['ZCARD', 'ZMSCORE', 'ZRANGE', 'ZREM', 'ZREMRANGEBYSCORE', 'ZSCORE'],
];

/** What a user with restricted rights needs, as `ACL SETUSER` accepts it; docs/redis.md has the same. */
export const rights = '+@read +@write +@scripting +@connection +info +time +config|get';

/** What such a user needs besides to find the primary in a Cluster. */
export const clusterRights = '+cluster|keyslot +cluster|nodes +cluster|slots';

/**
 * Refuses a user that lacks a right which only some call would need, perhaps in the middle of its changes. `location`:
 * the server's name in the error.
 * @throws `store_denied`
 */
export async function refuseLackingRights(link: Link, location: string): Promise<void> {
  const { cluster, prefix } = link.options.location;
  const lacked = (await link.run(lackedRights, commands)) as string[];
  if (lacked.length === 0) return;
  const keys = `~${prefix}*`;
  const needed = cluster ? `${rights} ${clusterRights}` : rights;
  throw new CurfewError('store_denied', {
    detail: `The user of ${location} has no right to ${lacked.join(', ')} on the keys ${keys}.`,
    remedy: `Give it the rights: ACL SETUSER <name> ${keys} ${needed}.`,
  });
}
