import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LeaseTerms } from '../../src/fence/lease-terms.ts';

const lease = 2000;

test('each lapse halves the lease of its own holder, down to a quarter', () => {
  const terms = new LeaseTerms(lease);
  const lengths = Array.from({ length: 6 }, (_, i) => {
    terms.lapsed('slow', i * lease, i * lease);
    return terms.termOf('slow', i * lease);
  });
  assert.deepEqual(lengths, [1000, 500, 500, 500, 500, 500]);
  assert.equal(terms.termOf('other', 0), lease);
});

test('several leases that run out in one freeze count as one lapse', () => {
  const terms = new LeaseTerms(lease);
  for (let at = 0; at < lease; at += 100) terms.lapsed('slow', at, at);
  assert.equal(terms.termOf('slow', lease), lease / 2);
});

test('a lapse that a node notices late, because it stood still itself, counts for nobody', () => {
  const terms = new LeaseTerms(lease);
  terms.lapsed('well', 0, lease / 4);
  assert.equal(terms.termOf('well', lease / 4), lease);
  terms.lapsed('slow', 0, lease / 10);
  assert.equal(terms.termOf('slow', lease / 10), lease / 2);
});

test('a holder without a lapse for ten leases gets one twice as long, up to a full one', () => {
  const terms = new LeaseTerms(lease);
  for (let i = 0; i < 4; i++) terms.lapsed('slow', i * lease, i * lease);
  const last = 3 * lease;
  const lengths = [0, 9.9, 10, 20, 30, 40, 400].map((leases) => terms.termOf('slow', last + leases * lease));
  assert.deepEqual(lengths, [500, 500, 1000, 2000, 2000, 2000, 2000]);
});

test('a lease is never longer than a full one nor shorter than a quarter, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ pause: fc.nat(100_000), lapse: fc.boolean() }), { maxLength: 60 }), (steps) => {
      const terms = new LeaseTerms(lease);
      let now = 0;
      for (const { pause, lapse } of steps) {
        now += pause;
        const before = terms.termOf('slow', now);
        if (lapse) terms.lapsed('slow', now, now);
        const length = terms.termOf('slow', now);
        assert.ok(length >= lease / 4 && length <= before && before <= lease);
      }
    }),
  );
});
