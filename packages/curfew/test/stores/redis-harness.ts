import { prefixOf } from '../../src/stores/cluster/index.ts';
import type { Harness, Opened } from '../../src/stores/conformance/index.ts';
import type { Store } from '../../src/stores/contract.ts';
import { openRedisStore } from '../../src/stores/redis/index.ts';
import { commit } from '../../src/stores/redis/scripts/commit.ts';
import { recovers } from '../support/recovers.ts';
import type { RedisServer } from '../support/redis.ts';
import { type RedisCluster, storePrefix } from '../support/redis-cluster.ts';
import { Relay } from '../support/relay.ts';

/** A Redis for the stores of a test file. */
export type RedisPlace = Pick<RedisServer, 'url' | 'tell'> & {
  /** The beginning of every key; `groups`: of those of the groups, if the store is divided. */
  prefix: string;
  groups?: readonly string[];
  /** Whether a request is the one that completes a write; if absent, that is each commit. */
  isWrite?: (sent: Buffer) => boolean;
  /** If all of it is on one server. */
  alone?: {
    setAside: RedisServer['setAside'];
    /** The URL with which a store connects through the relay, and the port to which the relay leads. */
    through(relay: Relay): string;
    door: number;
  };
};

export function placeOf(server: RedisServer): RedisPlace {
  return {
    url: server.url,
    prefix: 'curfew:',
    tell: (...args) => server.tell(...args),
    alone: {
      setAside: () => server.setAside(),
      door: server.port,
      through: (relay) => `redis://127.0.0.1:${relay.port}`,
    },
  };
}

/** `owner`: its primary that has the keys, and that keeps them. */
export function placeOfCluster(cluster: RedisCluster, owner: RedisServer): RedisPlace {
  return {
    url: cluster.url,
    prefix: storePrefix,
    tell: (...args) => owner.tell(...args),
    alone: {
      setAside: () => owner.setAside(),
      door: owner.port,
      through(relay) {
        // The node names itself as the primary, so it must name the relay.
        const [own, seen] = [Buffer.from(`:${relay.target}\r\n`), `:${relay.port}\r\n`];
        relay.rewrite = (text) =>
          text.includes(own) ? Buffer.from(text.toString('latin1').replaceAll(String(own), seen), 'latin1') : text;
        return `redis+cluster://127.0.0.1:${relay.port}`;
      },
    },
  };
}

/** A store in so many groups, whose keys are on all primaries. */
export function placeOfDivided(cluster: RedisCluster, count: number): RedisPlace {
  const ofAll = new Set(['FLUSHALL', 'KEYS']);
  return {
    url: `${cluster.url}?groups=${count}`,
    prefix: storePrefix,
    groups: Array.from({ length: count }, (_, i) => prefixOf(storePrefix, i)),
    async tell(...args) {
      const owner = await cluster.owner();
      if (!ofAll.has(args[0]!)) return owner.tell(...args);
      return (await Promise.all([owner, ...(await cluster.otherPrimaries())].map((one) => one.tell(...args)))).flat();
    },
  };
}

const isCommit = (sent: Buffer) => sent.includes(commit.sha1);

/** Keys that outlive all sessions: counters, events and the like. So do the marks. */
const lasting = ['state', 'head', 'active', 'everyone', 'events', 'log', 'nodes', 'synced', 'taken', 'groups'];

/** One Redis for all stores of a test file; each store starts empty. */
export function redisHarness(
  server: () => RedisPlace,
  openStore: (url: string) => Promise<Store> = openRedisStore,
): Harness {
  return {
    async open() {
      await server().tell('FLUSHALL');
      const closing: (() => Promise<void>)[] = [];
      const open = async (url: string): Promise<Store> => {
        const opened = await openStore(url);
        closing.push(opened.close);
        return opened;
      };
      let store = await open(server().url);
      const { alone } = server();
      return {
        store,
        async reopen() {
          await store.close();
          store = await open(server().url);
          return store;
        },
        another: () => open(server().url),
        ...(alone &&
          ({
            async breaking(moment, at) {
              // What this one takes over later would not go through the relay.
              if (server().groups) await store.readEvents({ limit: 1 });
              const relay = await Relay.to(alone.door);
              const broken = await open(alone.through(relay));
              closing.push(() => relay.close());
              relay.breakAt(moment, at === 'write' ? (server().isWrite ?? isCommit) : undefined);
              return broken;
            },
            async setAside() {
              const putBack = await alone.setAside();
              await recovers(() => store.ping());
              return async () => {
                await putBack();
                await recovers(() => store.ping());
                return store;
              };
            },
          } satisfies Partial<Opened>)),
        /** All other keys are about sessions; of the log, its entries count. */
        async entries() {
          const { prefix, groups = [], tell } = server();
          const kept = new Set([prefix, ...groups].flatMap((one) => lasting.map((key) => one + key)));
          for (const i of groups.keys()) kept.add(`${prefix}q:${i}`);
          const all = (await tell('KEYS', '*')) as string[];
          const keys = all.filter((key) => !kept.has(key) && !/\{..\}:m$|:did:/.test(key)).length;
          return keys + Number(await tell('XLEN', `${prefix}log`));
        },
        async dispose() {
          for (const close of closing) await close();
        },
      };
    },
  };
}
