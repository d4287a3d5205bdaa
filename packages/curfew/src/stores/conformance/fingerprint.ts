import assert from 'node:assert/strict';
import type { StoreRecord } from '../records.ts';
import type { Case } from './harness.ts';

/** The smallest valid import. */
async function* aRecord(): AsyncGenerator<StoreRecord> {
  yield { kind: 'counters', head: 0, lastEvent: 0, time: 1 };
}

/** The fingerprint of the servers' secret key. */
export const fingerprintCases: Case[] = [
  {
    name: 'the first fingerprint of the secret key stays, unless a replacement names it',
    async run(fixture) {
      const { store } = fixture;
      const keep = (one: string, instead?: string) => store.keepKeyFingerprint(one, instead);
      assert.equal(await store.keyFingerprint(), undefined);
      const kept = await Promise.all(['a1', 'b2', 'c3'].map((one) => keep(one)));
      const [first] = kept;
      assert.deepEqual(kept, [first, first, first], 'two servers believe that they were the first');
      assert.equal(await store.keyFingerprint(), first);
      assert.equal(await keep('d4', 'e5'), first);
      assert.equal(await keep('d4', first), 'd4');
      if (fixture.opened.reopen) await fixture.reopen();
      assert.equal(await fixture.store.keyFingerprint(), 'd4');
      assert.equal(await fixture.store.keepKeyFingerprint(first!), 'd4');
    },
  },
  {
    name: 'an import keeps the fingerprint of the secret key that it needs in the step in which it completes, and not before',
    async run({ store }) {
      let meanwhile: string | undefined;
      const watched = (async function* () {
        yield* aRecord();
        meanwhile = await store.keyFingerprint();
      })();
      await store.importRecords(watched, 'a1');
      assert.equal(meanwhile, undefined);
      assert.equal(await store.keyFingerprint(), 'a1');
    },
  },
  {
    name: 'a store with another secret key refuses an import and is left as it was',
    async run({ store }) {
      await store.keepKeyFingerprint('a1');
      await assert.rejects(store.importRecords(aRecord(), 'b2'), { code: 'store_not_empty' });
      assert.equal(await store.keyFingerprint(), 'a1');
      await store.importRecords(aRecord(), 'a1');
      assert.equal(await store.keyFingerprint(), 'a1');
    },
  },
];
