import type { Harness } from '../../src/stores/conformance/index.ts';
import { openRedisStore, type RedisStore } from '../../src/stores/redis/index.ts';
import { commit } from '../../src/stores/redis/scripts/commit.ts';
import { recovers } from '../support/recovers.ts';
import type { RedisServer } from '../support/redis.ts';
import { type RedisCluster, storePrefix } from '../support/redis-cluster.ts';
import { Relay } from '../support/relay.ts';

/** A Redis for the stores of a test file. */
export type RedisPlace = Pick<RedisServer, 'url' | 'tell' | 'setAside'> & {
  /** The beginning of every key. */
  prefix: string;
  /** The URL with which a store connects through the relay, and the port to which the relay leads. */
  through(relay: Relay): string;
  door: number;
};

export function placeOf(server: RedisServer): RedisPlace {
  return {
    url: server.url,
    prefix: 'curfew:',
    tell: (...args) => server.tell(...args),
    setAside: () => server.setAside(),
    door: server.port,
    through: (relay) => `redis://127.0.0.1:${relay.port}`,
  };
}

/** `owner`: its primary that has the keys, and that keeps them. */
export function placeOfCluster(cluster: RedisCluster, owner: RedisServer): RedisPlace {
  return {
    url: cluster.url,
    prefix: storePrefix,
    tell: (...args) => owner.tell(...args),
    setAside: () => owner.setAside(),
    door: owner.port,
    through(relay) {
      // The node names itself as the primary, so it must name the relay.
      const [own, seen] = [Buffer.from(`:${relay.target}\r\n`), `:${relay.port}\r\n`];
      relay.rewrite = (text) =>
        text.includes(own) ? Buffer.from(text.toString('latin1').replaceAll(String(own), seen), 'latin1') : text;
      return `redis+cluster://127.0.0.1:${relay.port}`;
    },
  };
}

/** Keys that outlive all sessions: counters, events and the like. So do the marks. */
const lasting = ['state', 'head', 'active', 'everyone', 'events', 'log', 'nodes', 'synced'];

/** One Redis for all stores of a test file; each store starts empty. */
export function redisHarness(server: () => RedisPlace): Harness {
  return {
    async open() {
      await server().tell('FLUSHALL');
      const closing: (() => Promise<void>)[] = [];
      const open = async (url: string): Promise<RedisStore> => {
        const opened = await openRedisStore(url);
        closing.push(opened.close);
        return opened;
      };
      let store = await open(server().url);
      return {
        store,
        async reopen() {
          await store.close();
          store = await open(server().url);
          return store;
        },
        another: () => open(server().url),
        async breaking(moment, at) {
          const relay = await Relay.to(server().door);
          const broken = await open(server().through(relay));
          closing.push(() => relay.close());
          relay.breakAt(moment, at === 'write' ? (sent) => sent.includes(commit.sha1) : undefined);
          return broken;
        },
        async setAside() {
          const putBack = await server().setAside();
          await recovers(() => store.ping());
          return async () => {
            await putBack();
            await recovers(() => store.ping());
            return store;
          };
        },
        /** All other keys are about sessions; of the log, its entries count. */
        async entries() {
          const { prefix, tell } = server();
          const marks = (await tell('KEYS', `${prefix}{??}:m`)) as string[];
          const kept = lasting.map((key) => prefix + key);
          const keys = Number(await tell('DBSIZE')) - Number(await tell('EXISTS', ...kept, ...marks));
          return keys + Number(await tell('XLEN', `${prefix}log`));
        },
        async dispose() {
          for (const close of closing) await close();
        },
      };
    },
  };
}
