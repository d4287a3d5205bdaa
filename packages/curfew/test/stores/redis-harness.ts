import type { Harness } from '../../src/stores/conformance/index.ts';
import { openRedisStore, type RedisStore } from '../../src/stores/redis/index.ts';
import { commit } from '../../src/stores/redis/scripts/commit.ts';
import { recovers } from '../support/recovers.ts';
import type { RedisServer } from '../support/redis.ts';
import { Relay } from '../support/relay.ts';

/** Keys that outlive all sessions: counters, events and the like. So do the marks. */
const lasting = ['state', 'head', 'active', 'everyone', 'events', 'log', 'nodes', 'synced'].map(
  (key) => `curfew:${key}`,
);

/** One Redis for all stores of a test file; each store starts empty. */
export function redisHarness(server: () => RedisServer): Harness {
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
          const relay = await Relay.to(server().port);
          const broken = await open(`redis://127.0.0.1:${relay.port}`);
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
          const marks = (await server().tell('KEYS', 'curfew:{??}:m')) as string[];
          const keys =
            Number(await server().tell('DBSIZE')) - Number(await server().tell('EXISTS', ...lasting, ...marks));
          return keys + Number(await server().tell('XLEN', 'curfew:log'));
        },
        async dispose() {
          for (const close of closing) await close();
        },
      };
    },
  };
}
