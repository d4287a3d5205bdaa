import { CurfewError, isCurfewError } from '../../errors.ts';
import { rulesOver } from '../../rules/index.ts';
import type { Store } from '../contract.ts';
import { defaultTimeout, parseLocation } from '../redis/index.ts';
import { type LinkOptions, together } from '../redis/link.ts';
import { awaitPart, openPart, type Part } from '../redis/part.ts';
import type { RedisStore } from '../redis/store.ts';
import type { PartOptions } from '../redis/sweep.ts';
import { keepGroups } from './scripts.ts';
import { ClusterStore } from './store.ts';

/**
 * Opens a store on a Redis Cluster: in one slot, or divided into groups of users, each in a slot of its own, some of which
 * may be out of reach.
 * @throws as `openRedisStore`
 */
export async function openClusterStore(url: string, timeout: number = defaultTimeout): Promise<Store> {
  const options = { location: parseLocation(url), timeout };
  const { count, store } = await wholeOf(options);
  return count === 0 ? Object.assign(store, rulesOver(store.engine)) : divided(options, count);
}

/** The store in one slot; closed if that is only the home of a divided one. */
async function wholeOf(options: LinkOptions): Promise<{ count: number; store: RedisStore }> {
  const whole = await openPart(options);
  const { store } = whole;
  try {
    const count = await groupsOf(whole);
    if (count > 0) await store.close();
    return { count, store };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * Calls spread over the parts, so few of one part come in the same turn of the event loop. They wait for the batch that
 * is under way; sent at once, nearly each would be a batch of its own.
 */
const crowd = together.most;

/** How many groups there are: for good, as the first opening says. 0 if all of it is in one slot. */
async function groupsOf({ link, writes }: Part): Promise<number> {
  const { groups, shown } = link.options.location;
  const kept = (await writes.run(keepGroups, [groups === undefined ? '' : String(groups)])) as number;
  if (groups === undefined || groups === kept) return kept;
  const [is, remedy] =
    kept === 0
      ? ['in one slot', 'groups is for a new store: move this one there with curfew export and curfew import']
      : [`divided into ${kept} groups`, `groups=${kept}, or no groups`];
  throw new CurfewError('config_invalid', {
    detail: `CURFEW_STORE: the URL has groups=${groups}, but the store at ${shown} is ${is} (${remedy}).`,
  });
}

/** The beginning of a group's keys, whose hash tag is another one than the home's. */
export const prefixOf = (home: string, group: number): string => home.replace(/\}?:$/, (end) => `.${group}${end}`);

export async function divided({ location, timeout }: LinkOptions, count: number): Promise<Store> {
  const parts = count + 1;
  const on = (prefix: string): LinkOptions => ({ location: { ...location, prefix }, timeout, crowd });
  const openGroup = async (options: LinkOptions) => {
    const as = { role: 'group', parts } satisfies PartOptions;
    try {
      return await openPart(options, as);
    } catch (error) {
      // During a failover it may still lead to a replica, or break off.
      const isAway = isCurfewError(error, 'store_unavailable', 'store_read_only', 'outcome_unknown');
      if (isAway) return awaitPart(options, as);
      throw error;
    }
  };
  const opened = await Promise.allSettled([
    openPart(on(location.prefix), { role: 'home', parts }),
    ...Array.from({ length: count }, (_, i) => openGroup(on(prefixOf(location.prefix, i)))),
  ]);
  const [home, ...groups] = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = opened.find((one) => one.status === 'rejected');
  if (failed) {
    await Promise.all([home, ...groups].map((part) => part?.store.close()));
    throw failed.reason;
  }
  const store = new ClusterStore(home!, groups);
  try {
    await store.begin();
  } catch (error) {
    await store.close();
    throw error;
  }
  return Object.assign(store, store.others);
}
