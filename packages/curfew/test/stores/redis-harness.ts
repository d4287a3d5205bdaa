import type { Harness } from '../../src/stores/conformance/index.ts';
import type { RedisStore } from '../../src/stores/redis/index.ts';
import { openRedisStore } from '../../src/stores/redis/index.ts';
import type { RedisServer } from '../support/redis.ts';

/** Keys that outlive all sessions: numbers, and what was told. So do the marks. */
const lasting = ['state', 'head', 'active', 'everyone', 'events', 'log', 'nodes'].map((key) => `curfew:${key}`);

/** One Redis for all stores of a test file; each store begins with an empty one. */
export function redisHarness(server: () => RedisServer): Harness {
  return {
    async open() {
      await server().tell('FLUSHALL');
      let store: RedisStore = await openRedisStore(server().url);
      return {
        store,
        async reopen() {
          await store.close();
          store = await openRedisStore(server().url);
          return store;
        },
        /** Every key is about sessions but those; and of the log, its entries. */
        async entries() {
          const marks = (await server().tell('KEYS', 'curfew:{??}:m')) as string[];
          const keys =
            Number(await server().tell('DBSIZE')) - Number(await server().tell('EXISTS', ...lasting, ...marks));
          return keys + Number(await server().tell('XLEN', 'curfew:log'));
        },
        dispose: () => store.close(),
      };
    },
  };
}
