import { CurfewError } from '../../errors.ts';
import { rulesOver } from '../../rules/index.ts';
import type { Store } from '../contract.ts';
import { defaultTimeout, parseLocation } from '../redis/index.ts';
import { openPart, type Part } from '../redis/part.ts';
import { keepGroups } from './scripts.ts';
import { ClusterStore } from './store.ts';

/**
 * Opens a store on a Redis Cluster: in one slot, or divided into groups of users, each in a slot of its own.
 * @throws as `openRedisStore`
 */
export async function openClusterStore(url: string, timeout: number = defaultTimeout): Promise<Store> {
  const home = await openPart({ location: parseLocation(url), timeout });
  try {
    const count = await groupsOf(home);
    return count === 0 ? Object.assign(home.store, rulesOver(home.store.engine)) : await divided(home, count);
  } catch (error) {
    await home.store.close();
    throw error;
  }
}

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

export async function divided(home: Part, count: number): Promise<Store> {
  const { location, timeout } = home.link.options;
  const opening = Array.from({ length: count }, (_, i) =>
    openPart(
      { location: { ...location, prefix: prefixOf(location.prefix, i) }, timeout },
      { hasAliases: false, parts: count + 1 },
    ),
  );
  const opened = await Promise.allSettled(opening);
  const groups = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = opened.find((one) => one.status === 'rejected');
  if (failed) {
    await Promise.all(groups.map(({ store }) => store.close()));
    throw failed.reason;
  }
  const store = new ClusterStore(home, groups);
  return Object.assign(store, store.others);
}
