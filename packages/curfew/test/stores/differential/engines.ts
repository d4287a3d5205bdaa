import type { Store } from '../../../src/stores/contract.ts';
import { openLmdbStore } from '../../../src/stores/lmdb/index.ts';
import { openRedisStore } from '../../../src/stores/redis/index.ts';
import { type RedisServer, tellRedis } from '../../support/redis.ts';
import { temporaryFolder } from '../harness.ts';
import type { Engine } from './replay.ts';

/** An engine whose stores take turns in two places: while one place is used, the other one can be made empty again. */
export function inTwoPlaces(
  name: string,
  open: (place: 0 | 1) => Promise<{ store: Store; empty(): Promise<unknown> }>,
): Engine & { dispose(): Promise<void> } {
  type Opened = Awaited<ReturnType<typeof open>>;
  const opened: Partial<Record<0 | 1, Opened>> = {};
  let place: 0 | 1 = 0;
  const leave = async (left: 0 | 1) => {
    const there = opened[left];
    delete opened[left];
    await there?.store.close();
    await there?.empty();
  };
  return {
    name,
    async fresh() {
      place = place === 0 ? 1 : 0;
      await leave(place);
      const there = await open(place);
      opened[place] = there;
      return there.store;
    },
    async dispose() {
      await leave(0);
      await leave(1);
    },
  };
}

export function lmdbEngine(): ReturnType<typeof inTwoPlaces> {
  return inTwoPlaces('LMDB', async () => {
    const folder = temporaryFolder();
    return { store: await openLmdbStore(folder.path), empty: async () => folder.remove() };
  });
}

export function redisEngine(server: RedisServer): ReturnType<typeof inTwoPlaces> {
  return inTwoPlaces('Redis', async (place) => {
    const url = `${server.url}/${place}`;
    return { store: await openRedisStore(url), empty: () => tellRedis(url, 'FLUSHDB') };
  });
}
