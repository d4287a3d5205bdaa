import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeRow, positionOf, StoreFixture } from '../../../src/stores/conformance/harness.ts';
import { openRedisStore } from '../../../src/stores/redis/index.ts';
import { recovers } from '../../support/recovers.ts';
import { redisInstalled } from '../../support/redis.ts';
import { RedisPair } from '../../support/redis-pair.ts';
import { sentinelInstalled } from '../../support/sentinel.ts';

const ways = {
  'by hand': { skip: !redisInstalled, failOver: (pair: RedisPair) => pair.failOver() },
  'by Sentinel': { skip: !sentinelInstalled, failOver: (pair: RedisPair) => pair.failOverBySentinel() },
};

describe('a failover of Redis to a replica that lacks the last entries', () => {
  for (const [how, { skip, failOver }] of Object.entries(ways)) {
    test(`R10: ${how}, it is another, unconfirmed incarnation, and reused sequences have other marks`, {
      skip,
      timeout: 300_000,
    }, async (t) => {
      const pair = await RedisPair.start();
      t.after(() => pair.remove());
      const store = await openRedisStore(pair.url);
      t.after(store.close);
      const fixture = new StoreFixture({ store, dispose: async () => {} });
      const seen = new Set<string>();

      // Over to the replica, and back to the original primary.
      for (const turn of [1, 2]) {
        const kept = await fixture.logOne();
        const { incarnation } = await store.logHead();
        seen.add(incarnation);
        await store.renewNode(nodeRow('kept', turn, kept));
        await store.confirmIncarnation(incarnation);
        await pair.caughtUp();
        pair.hold();
        const lost = [];
        for (let i = 0; i < 10; i++) lost.push(await fixture.logOne());
        assert.equal((await store.listNodes()).confirmed, true);

        await failOver(pair);
        const head = await recovers(() => store.logHead());
        assert.deepEqual(positionOf(head), positionOf(kept), 'the replica did not lack the last entries');
        assert.ok(!seen.has(head.incarnation), 'the incarnation is an earlier one');
        // A node that has followed the lost part of the log, and whose tail is a sequence that is reused.
        await store.renewNode(nodeRow('astray', turn, lost[4]!));
        for (const { sequence, mark } of lost) {
          const again = await fixture.logOne();
          assert.equal(again.sequence, sequence);
          assert.notEqual(again.mark, mark);
        }
        const { nodes, follows, confirmed } = await store.listNodes(lost[4]);
        const current = new Map(nodes.map((row) => [row.id, row.current]));
        assert.deepEqual([current.get('kept'), current.get('astray')], [true, false]);
        assert.deepEqual([follows, confirmed], [false, false]);
        await store.confirmIncarnation(incarnation);
        assert.equal((await store.listNodes()).confirmed, false);
        await store.confirmIncarnation(head.incarnation);
        assert.equal((await store.listNodes()).confirmed, true);
        seen.add(head.incarnation);
        await pair.rejoin();
      }
    });
  }
});
