import assert from 'node:assert/strict';
import type { Case } from './harness.ts';

/** What the servers' secret key is known by. */
export const fingerprintCases: Case[] = [
  {
    name: 'the fingerprint of the secret key that was kept first stays, unless it is named by who replaces it',
    async run(world) {
      const { store } = world;
      const keep = (one: string, instead?: string) => store.keepKeyFingerprint(one, instead);
      assert.equal(await store.keyFingerprint(), undefined);
      const kept = await Promise.all(['a1', 'b2', 'c3'].map((one) => keep(one)));
      const [first] = kept;
      assert.deepEqual(kept, [first, first, first], 'two servers believe to have been the first');
      assert.equal(await store.keyFingerprint(), first);
      assert.equal(await keep('d4', 'e5'), first);
      assert.equal(await keep('d4', first), 'd4');
      if (world.opened.reopen) await world.reopen();
      assert.equal(await world.store.keyFingerprint(), 'd4');
      assert.equal(await world.store.keepKeyFingerprint(first!), 'd4');
    },
  },
];
