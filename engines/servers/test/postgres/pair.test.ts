import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  everyone,
  nodeRow,
  positionOf,
  StoreFixture,
} from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { recovers } from '../../../../packages/curfew/test/support/recovers.ts';
import { PostgresPair } from './pair.ts';

test('R10: after each failover the store is another incarnation, and reused sequences have other marks', async (t) => {
  const pair = await PostgresPair.start();
  t.after(() => pair.dispose());
  const store = await openPostgresStore(await pair.createDatabase('failing'));
  t.after(() => store.close());
  const fixture = new StoreFixture({ store, dispose: async () => {} });
  const seen: string[] = [];
  for (let round = 0; round < 2; round++) {
    const kept = await fixture.logOne();
    const { incarnation } = await store.logHead();
    await store.renewNode(nodeRow('kept', round * 2 + 1, kept));
    await store.confirmIncarnation(incarnation);
    seen.push(incarnation);
    await pair.lag();
    const lost = await fixture.logOne();
    await store.renewNode(nodeRow('ahead', round * 2 + 1, lost));
    await pair.failOver();
    await recovers(() => store.ping());

    const head = await recovers(() => store.logHead());
    assert.deepEqual(positionOf(head), positionOf(kept), 'the failover has lost nothing');
    assert.ok(!seen.includes(head.incarnation), 'the incarnation is an earlier one');
    const renewed = await store.renewNode(nodeRow('ahead', round * 2 + 2, lost));
    assert.equal(renewed.incarnation, head.incarnation);
    await store.renewNode(nodeRow('kept', round * 2 + 2, kept));
    const { sequence } = await store.endEveryone(everyone());
    const [again] = await store.readLog(lost.sequence, 1);
    assert.equal(sequence, lost.sequence);
    assert.notEqual(again!.mark, lost.mark);

    const { nodes, ...list } = await store.listNodes(lost);
    assert.deepEqual(
      nodes.map(({ id, current }) => [id, current]).sort(),
      [
        ['ahead', false],
        ['kept', true],
      ],
      'a node that followed the lost log seems to follow this one',
    );
    assert.deepEqual(list, { follows: false, incarnation: head.incarnation, confirmed: false });
    await store.confirmIncarnation(incarnation);
    assert.equal((await store.listNodes()).confirmed, false);
    await store.confirmIncarnation(head.incarnation);
    assert.equal((await store.listNodes()).confirmed, true);
    if (round === 0) await pair.rejoin();
  }
});
