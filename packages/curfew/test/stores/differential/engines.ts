import { createClient } from '@redis/client';
import { MemoryStore } from '../../../examples/memory-store.ts';
import { openClusterStore } from '../../../src/stores/cluster/index.ts';
import type { Store } from '../../../src/stores/contract.ts';
import { openLmdbStore } from '../../../src/stores/lmdb/index.ts';
import { openRedisStore } from '../../../src/stores/redis/index.ts';
import type { RedisServer } from '../../support/redis.ts';
import type { RedisCluster } from '../../support/redis-cluster.ts';
import { temporaryFolder } from '../harness.ts';
import type { Engine } from './replay.ts';

/** A place for one store after another. */
export type Place = {
  /** Removes what the last store left, and returns an empty one. */
  renew(): Promise<Store>;
  close(): Promise<unknown>;
};

/** An engine with two places, which its stores use in turn: one store can be imported from the other. */
export type TwoPlaces = Engine & { close(): Promise<unknown> };

export function inTwoPlaces(name: string, places: readonly [Place, Place]): TwoPlaces {
  let used = 0;
  return {
    name,
    fresh: () => places[used++ % 2]!.renew(),
    close: () => Promise.all(places.map((place) => place.close())),
  };
}

export function memoryEngine(): TwoPlaces {
  const place: Place = { renew: async () => new MemoryStore(), close: async () => {} };
  return inTwoPlaces('memory', [place, place]);
}

export function lmdbEngine(): TwoPlaces {
  const place = (): Place => {
    let close = async () => {};
    return {
      async renew() {
        await close();
        const folder = temporaryFolder();
        const store = await openLmdbStore(folder.path);
        close = () => store.close().then(folder.remove);
        return store;
      },
      close: () => close(),
    };
  };
  return inTwoPlaces('LMDB', [place(), place()]);
}

export async function redisEngine(server: RedisServer): Promise<TwoPlaces> {
  const place = async (number: number): Promise<Place> => {
    const url = `${server.url}/${number}`;
    const store = await openRedisStore(url);
    const client = createClient({ url });
    await client.connect();
    return {
      async renew() {
        await client.sendCommand(['FLUSHDB']);
        return store;
      },
      close: () => store.close().then(() => client.destroy()),
    };
  };
  return inTwoPlaces('Redis', [await place(0), await place(1)]);
}

export async function clusterEngine(cluster: RedisCluster): Promise<TwoPlaces> {
  const place = async (prefix: string): Promise<Place> => {
    const store = await openRedisStore(`${cluster.url}?prefix=${prefix}`);
    const owner = await cluster.owner(`{${prefix}}:`);
    const client = createClient({ url: owner.url });
    await client.connect();
    return {
      async renew() {
        const keys = (await client.sendCommand(['KEYS', `{${prefix}}:*`])) as unknown as string[];
        if (keys.length > 0) await client.sendCommand(['UNLINK', ...keys]);
        return store;
      },
      close: () => store.close().then(() => client.destroy()),
    };
  };
  return inTwoPlaces('Redis Cluster', [await place('one'), await place('other')]);
}

/** A store in groups, whose keys are on all primaries. */
export async function dividedEngine(cluster: RedisCluster): Promise<TwoPlaces> {
  const primaries = [await cluster.owner(), ...(await cluster.otherPrimaries())];
  const place = (prefix: string): Place => {
    let close = async () => {};
    return {
      async renew() {
        await close();
        for (const primary of primaries) {
          for (const key of (await primary.tell('KEYS', `{${prefix}*`)) as string[]) await primary.tell('UNLINK', key);
        }
        const store = await openClusterStore(`${cluster.url}?prefix=${prefix}&groups=4`);
        close = store.close;
        return store;
      },
      close: () => close(),
    };
  };
  return inTwoPlaces('Redis Cluster in groups', [place('divided'), place('again')]);
}
