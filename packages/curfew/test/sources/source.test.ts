import assert from 'node:assert/strict';
import { test } from 'node:test';
import { betterAuth } from '../../src/sources/kinds/better-auth.ts';
import { decode, sha256, timeOf, Unreadable } from '../../src/sources/source.ts';

test('a time is a whole millisecond that a date can have, or none', () => {
  assert.deepEqual([timeOf(600.5), timeOf(600.4), timeOf('1970-01-01T00:00:00.6005Z')], [601, 600, 600]);
  for (const edge of [8.64e15, -8.64e15]) assert.equal(new Date(timeOf(edge)!).getTime(), edge);
  for (const none of [8.64e15 + 1, -8.64e15 - 1, 1e300, Number.NaN, Infinity, 'never', '', null, undefined, true, {}])
    assert.equal(timeOf(none), undefined, String(none));
  const session = { token: 'x', userId: 'ada', createdAt: 1_800_000_000_600.5, updatedAt: 1e300 };
  const { createdAt, lastSeenAt } = betterAuth.redis!.read(JSON.stringify({ session }), undefined, 0);
  assert.deepEqual([createdAt, lastSeenAt], [1_800_000_000_601, undefined]);
});

test('whatever a decoder fails with makes its entry unreadable, and shows nothing of it', () => {
  const failing = (error: unknown) =>
    decode('secret', sha256, () => {
      throw error;
    });
  const told = { hash: sha256('secret'), unreadable: new Unreadable('broken_data', 'It cannot be read: TypeError.') };
  assert.deepEqual(failing(new TypeError('of hunter2')), told);
  assert.equal((failing('hunter2') as typeof told).unreadable.message, 'It cannot be read: Error.');
  const known = new Unreadable('pickled_data', 'It is a pickle.');
  assert.deepEqual(failing(known), { hash: sha256('secret'), unreadable: known });
});
