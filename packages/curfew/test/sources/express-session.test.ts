import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectRedis } from '../../src/sources/kinds/connect-redis.ts';
import { readExpressSession } from '../../src/sources/kinds/express-session.ts';

const now = 1_800_000_000_000;

test('the store decides when a session of express-session ends, not the cookie in its JSON', () => {
  const cookie = { originalMaxAge: 60_000, expires: new Date(now - 1000).toISOString() };
  const { expiresAt, lastSeenAt } = connectRedis.redis!.read(JSON.stringify({ cookie }), 50_000, now);
  assert.deepEqual([expiresAt, lastSeenAt], [now + 50_000, now - 10_000]);
});

test('a key without an end ends with its cookie, if that has an end', () => {
  const read = (cookie: object) => connectRedis.redis!.read(JSON.stringify({ cookie }), undefined, now).expiresAt;
  assert.equal(read({ expires: new Date(now + 5).toISOString() }), now + 5);
  for (const expires of [null, false, 'never', undefined]) assert.equal(read({ expires }), undefined, String(expires));
});

test('a session was not used in the future, whatever its cookie says', () => {
  const read = (originalMaxAge: unknown) =>
    readExpressSession({ cookie: { originalMaxAge } }, now + 1000, now).lastSeenAt;
  assert.equal(read(999), now);
  assert.equal(read(1), now);
  // The store has a time of its own, so it tells nothing of the last visit.
  assert.equal(read(-10), undefined);
  assert.equal(read(null), undefined);
});

test('the content of a session has every character, but no control character as itself', () => {
  const every = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
  const json = { cookie: {}, [every]: `${every}\ud800`, name: '\\\x7f' };
  const { content } = readExpressSession(json, undefined, now);
  assert.ok([...content!].every((one) => one >= ' ' && one !== '\x7f'));
  assert.ok(content!.isWellFormed());
  assert.deepEqual(JSON.parse(content!), json);
});

test('what has no cookie is no session of express-session', () => {
  for (const json of [{}, [], null, 'text', 7, { cookie: null }, { cookie: 'a=b' }]) {
    assert.throws(() => readExpressSession(json, undefined, now), { reason: 'not_a_session' }, JSON.stringify(json));
  }
});

test('an end that no date can have is read all the same', () => {
  const read = (cookie: object, ttl?: number) => connectRedis.redis!.read(JSON.stringify({ cookie }), ttl, now);
  const far = read({ expires: new Date(now).toISOString(), originalMaxAge: 1e17 }, 1e17);
  assert.deepEqual([far.expiresAt, far.lastSeenAt], [now + 1e17, now]);
  assert.equal(JSON.parse(far.content!).cookie.expires, '+275760-09-13T00:00:00.000Z');
  for (const expires of [1e300, -1e300, 8.64e15 + 2]) assert.equal(read({ expires }).expiresAt, undefined);
  assert.equal(read({ expires: 8.64e15 }).expiresAt, 8.64e15);
});

test('the last use that a cookie tells is a whole millisecond since 1970', () => {
  const read = (originalMaxAge: number) => readExpressSession({ cookie: { originalMaxAge } }, now, now).lastSeenAt;
  assert.equal(read(1000.25), now - 1000);
  assert.equal(read(1e300), undefined);
});
